"""Leaving a community: what happens to a membership once a purchase no longer opens it."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from models.communities.community_member import CommunityMember

Place = tuple[UUID, UUID]
"""A community and a person."""


def lock_members(session: Session, places: Collection[Place]) -> Sequence[CommunityMember]:
    """The memberships of some people in some communities, read afresh and locked by key."""
    return session.scalars(
        select(CommunityMember)
        .where(tuple_(CommunityMember.community_id, CommunityMember.user_id).in_(sorted(places)))
        .order_by(CommunityMember.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def leave_community(member: CommunityMember, *, opened_by: UUID | None) -> CommunityMember:
    """End a membership, or pass it on to the purchase that opens the community as well."""
    if opened_by is None:
        member.is_active = False
    else:
        member.customer_id = opened_by
    return member
