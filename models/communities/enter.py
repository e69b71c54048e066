"""Entering a community: the membership that a purchase opens."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from models.communities.community_member import CommunityMember


def enter_community(
    session: Session, community_id: UUID, user_id: UUID, *, customer_id: UUID | None, now: datetime
) -> CommunityMember:
    """Make a person a member, or an active one again; the purchase that opened it is kept.

    Somebody who is in already stays as they are: one who came without a purchase does not
    leave with one, and another purchase takes over when the first ends. A ban is not lifted
    by buying.
    """
    member = session.scalar(_LOCKING, {"community_id": community_id, "user_id": user_id})
    if member is None:
        member = CommunityMember(
            community_id=community_id, user_id=user_id, customer_id=customer_id, joined_at=now
        )
        session.add(member)
    elif not member.is_active:
        member.is_active = True
        member.customer_id = customer_id
    return member


_LOCKING = (
    select(CommunityMember)
    .where(
        CommunityMember.community_id == bindparam("community_id"),
        CommunityMember.user_id == bindparam("user_id"),
    )
    .with_for_update()
    .execution_options(populate_existing=True)
)
