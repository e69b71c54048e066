"""Opening what a purchase gives: accesses, and the communities among them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.billing.access_grant import AccessGrant
from models.billing.customer import Customer
from models.catalog import AccessType, accesses_of
from models.communities.enter import enter_community

Opened = tuple[AccessType, UUID]


def open_accesses(
    session: Session, customer: Customer, *, now: datetime, is_new: bool = False
) -> list[AccessGrant]:
    """Grant all that the customer's product opens, and enter its communities.

    What was revoked is opened again, after a pause also what the product no longer opens to
    others; a second call changes nothing. ``is_new``: a customer made in this transaction has
    no grants to look for.
    """
    held = {} if is_new else _held(session, customer)
    grants = []
    for access_type, target_id in _to_open(session, customer, held):
        grant = held.get((access_type, target_id))
        if grant is None:
            grant = AccessGrant(
                customer_id=customer.id,
                user_id=customer.user_id,
                access_type=access_type,
                target_id=target_id,
                granted_at=now,
            )
            session.add(grant)
        elif grant.revoked_at is not None:
            grant.revoked_at, grant.granted_at = None, now
        grants.append(grant)
        if access_type is AccessType.COMMUNITY:
            enter_community(session, target_id, customer.user_id, customer_id=customer.id, now=now)
    return grants


def _held(session: Session, customer: Customer) -> dict[Opened, AccessGrant]:
    grants = session.scalars(select(AccessGrant).where(AccessGrant.customer_id == customer.id))
    return {(grant.access_type, grant.target_id): grant for grant in grants}


def _to_open(
    session: Session, customer: Customer, held: dict[Opened, AccessGrant]
) -> dict[Opened, None]:
    """What the product opens, and what a pause took away, each once and in order."""
    opened = dict.fromkeys(
        (access.access_type, access.target_id)
        for access in accesses_of(session, customer.product_id)
    )
    paused_at = customer.access_paused_at
    if paused_at is not None:
        opened |= dict.fromkeys(
            what for what, grant in held.items() if (grant.revoked_at or paused_at) >= paused_at
        )
    return opened
