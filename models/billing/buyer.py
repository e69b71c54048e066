"""The buyer of a checkout: their row as a lock."""

from sqlalchemy.orm import Session

from models.accounts import User
from models.billing.capture_endpoint import CaptureEndpoint

BUYER_GONE = "account_deleted"
"""Why a checkout ends whose buyer's account was deleted meanwhile."""


def lock_buyer(session: Session, capture: CaptureEndpoint) -> User:
    """The buyer's row, read afresh and held, so that two checkouts of one person, or a checkout
    and the end of their account, go one after the other."""
    return User.held(session, capture.user_id)
