"""People in figures: how many of each kind, on each platform."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.accounts.platform import Platform
from models.accounts.user import User, UserType


def people_by_type(session: Session) -> list[tuple[Platform, UserType, int]]:
    """How many users each platform has of each type."""
    found = session.execute(
        select(User.platform, User.user_type, func.count())
        .group_by(User.platform, User.user_type)
        .order_by(User.platform, User.user_type)
    )
    return [(platform, user_type, count) for platform, user_type, count in found]
