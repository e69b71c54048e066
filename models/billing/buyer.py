"""The buyer of a checkout: their row as a lock."""

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from models.accounts import User
from models.billing.capture_endpoint import CaptureEndpoint

BUYER_GONE = "account_deleted"
"""Why a checkout ends whose buyer's account was deleted meanwhile."""


def lock_buyer(session: Session, capture: CaptureEndpoint) -> User:
    """The buyer's row, read afresh and locked, so that two checkouts of one person, or a
    checkout and the end of their account, go one after the other.

    The weaker lock lets rows that merely point at the person be written meanwhile.
    """
    return session.scalars(_LOCKING, {"user_id": capture.user_id}).one()


_LOCKING = (
    select(User)
    .where(User.id == bindparam("user_id"))
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)
