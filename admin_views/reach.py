"""Who is out of an administrator's reach: the owners, with all that is about them."""

from typing import Any

from sqlalchemy import ColumnElement, Text, cast, or_, select, union_all

from admin_views.guard import Console
from models.accounts import DataRequest, User, UserSession, UserType
from models.accounts.permissions import Permission as P
from models.oversight import AuditEvent, OutgoingMail

OWNERS = select(User.id).where(User.user_type == UserType.OWNER)
ALERT = "staff_alert"
"""The mails to the owner, who may not have signed in yet."""


def in_reach(console: Console, statement: Any, condition: ColumnElement[bool]) -> Any:
    """The statement, without the rows about owners where the reader must not touch those."""
    return statement if console.may(P.USERS_TOUCH_OWNER) else statement.where(condition)


NO_OWNER = User.user_type != UserType.OWNER
NO_OWNERS_SESSION = UserSession.user_id.not_in(OWNERS)
NO_OWNERS_REQUEST = DataRequest.user_id.not_in(OWNERS)
NO_OWNERS_MAIL = or_(OutgoingMail.user_id.is_(None), OutgoingMail.user_id.not_in(OWNERS)) & (
    OutgoingMail.kind != ALERT
)
NOT_ABOUT_AN_OWNER = AuditEvent.subject_id.not_in(
    union_all(
        select(cast(User.id, Text)).where(User.user_type == UserType.OWNER),
        *(
            select(cast(table.id, Text)).where(table.user_id.in_(OWNERS))
            for table in (UserSession, DataRequest, OutgoingMail)
        ),
    )
)
