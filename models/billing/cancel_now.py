"""Ending a purchase at once, by the owner; what was paid is given back by a refund, if at all."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from models.billing.customer import Customer, CustomerStatus
from models.billing.end_subscription import end_subscription
from models.billing.standing import NotRunning
from models.oversight import Actor


def cancel_now(
    session: Session, customer_id: UUID, *, reason: str, actor: Actor, now: datetime
) -> Customer:
    """End a purchase now: nothing more is charged, and its accesses close.

    One already cancelled is left as it is. Raises Missing, and NotRunning for one that
    expired.
    """
    customer = Customer.for_update(session, customer_id)
    if customer.status is CustomerStatus.CANCELLED:
        return customer
    if not customer.is_running:
        raise NotRunning
    return end_subscription(
        session,
        customer,
        CustomerStatus.CANCELLED,
        actor=actor,
        now=now,
        reason=reason,
        is_unforeseen=True,
    )
