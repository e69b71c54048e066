"""Closing what purchases gave: accesses, and the communities that nothing else keeps open."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, tuple_, update
from sqlalchemy.orm import Session

from models.billing.access_grant import AccessGrant
from models.billing.customer import RUNNING, Customer
from models.catalog import AccessType
from models.communities.leave import Place, leave_community, lock_members


def close_accesses(session: Session, customer: Customer, *, now: datetime) -> int:
    """Revoke what one purchase opened; answers how many accesses were open until now."""
    return close_all_accesses(session, [customer], now=now)


def close_all_accesses(session: Session, customers: Sequence[Customer], *, now: datetime) -> int:
    """Revoke what purchases opened, in few statements; a second call changes nothing.

    A community stays open to whom another running purchase opens it, and to whoever was in
    it without one. The memberships are locked before it is asked who else opens them, so
    that two purchases ending at once do not each rely on the other.
    """
    closing = {customer.id for customer in customers}
    session.flush()
    closed = session.execute(
        update(AccessGrant)
        .where(AccessGrant.customer_id.in_(closing), AccessGrant.revoked_at.is_(None))
        .values(revoked_at=now)
        .returning(AccessGrant.access_type, AccessGrant.target_id, AccessGrant.user_id)
    ).all()
    places = {
        (grant.target_id, grant.user_id)
        for grant in closed
        if grant.access_type is AccessType.COMMUNITY
    }
    if places:
        members = lock_members(session, places)
        others = _opened_by(session, places)
        for member in members:
            if member.customer_id in closing:
                opened_by = others.get((member.community_id, member.user_id))
                leave_community(member, opened_by=opened_by)
    return len(closed)


def _opened_by(session: Session, places: Collection[Place]) -> dict[Place, UUID]:
    """Which running purchase opens a community to a person, the latest where several do."""
    rows = session.execute(
        select(AccessGrant.target_id, AccessGrant.user_id, AccessGrant.customer_id)
        .join(Customer, Customer.id == AccessGrant.customer_id)
        .where(
            AccessGrant.access_type == AccessType.COMMUNITY,
            AccessGrant.revoked_at.is_(None),
            tuple_(AccessGrant.target_id, AccessGrant.user_id).in_(sorted(places)),
            Customer.status.in_(RUNNING),
        )
        .order_by(AccessGrant.granted_at, AccessGrant.id)
    )
    return {(row.target_id, row.user_id): row.customer_id for row in rows}
