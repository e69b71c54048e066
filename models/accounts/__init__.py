"""Accounts: people on both platforms, how they sign in, what they may do."""

from models.accounts.data_request import DataRequest, DataRequestKind, DataRequestStatus
from models.accounts.email_change import EmailChange
from models.accounts.magic_link import MagicLink
from models.accounts.mail_choice import MailTopic, SilencedMail
from models.accounts.permissions import Permission, may, may_touch
from models.accounts.platform import Platform
from models.accounts.second_factor import RecoveryCode, SecondFactor
from models.accounts.user import STAFF, User, UserType, user_by_email
from models.accounts.user_session import UserSession

__all__ = [
    "STAFF",
    "DataRequest",
    "DataRequestKind",
    "DataRequestStatus",
    "EmailChange",
    "MagicLink",
    "MailTopic",
    "Permission",
    "Platform",
    "RecoveryCode",
    "SecondFactor",
    "SilencedMail",
    "User",
    "UserSession",
    "UserType",
    "may",
    "may_touch",
    "user_by_email",
]
