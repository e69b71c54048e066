"""Communities' part in the end of an account: whoever is no more is a member of nothing."""

from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from models.accounts.signals import account_closing
from models.communities.community_member import CommunityMember


@account_closing.connect
def leave_all(_sender: object, *, session: Session, user_id: UUID, **_more: Any) -> None:
    """End every membership; a ban stays."""
    session.execute(
        update(CommunityMember)
        .where(CommunityMember.user_id == user_id)
        .values(is_active=False)
        .execution_options(synchronize_session="fetch")
    )
