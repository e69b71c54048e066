"""Opening what a purchase gives: accesses, and the communities among them."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.billing.access_grant import AccessGrant
from models.billing.customer import Customer
from models.catalog import AccessType, accesses_of
from models.communities.enter import enter_community


def open_accesses(session: Session, customer: Customer, *, now: datetime) -> list[AccessGrant]:
    """Grant all that the customer's product opens, and enter its communities.

    What was revoked is opened again; a second call changes nothing.
    """
    held = {
        (grant.access_type, grant.target_id): grant
        for grant in session.scalars(
            select(AccessGrant).where(AccessGrant.customer_id == customer.id)
        )
    }
    grants = []
    for access in accesses_of(session, customer.product_id):
        grant = held.get((access.access_type, access.target_id))
        if grant is None:
            grant = AccessGrant(
                customer_id=customer.id,
                user_id=customer.user_id,
                access_type=access.access_type,
                target_id=access.target_id,
                granted_at=now,
            )
            session.add(grant)
        elif grant.revoked_at is not None:
            grant.revoked_at, grant.granted_at = None, now
        grants.append(grant)
        if access.access_type is AccessType.COMMUNITY:
            enter_community(
                session, access.target_id, customer.user_id, customer_id=customer.id, now=now
            )
    return grants
