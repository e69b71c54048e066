"""Cancelling at the period's end: nothing more is charged, and access stays until then."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from models.billing.customer import Customer, CustomerStatus
from models.billing.end_subscription import end_subscription
from models.billing.standing import Complimentary, NeverRenews, ends_at, payment_unknown, running
from models.oversight import Actor, emit

BY_REQUEST = "cancelled"


def cancel_subscription(
    session: Session, customer_id: UUID, *, actor: Actor, now: datetime
) -> Customer:
    """Cancel a purchase at the end of its trial or of the period that was paid for.

    Where a payment is due and the paid period is over, it ends at once, unless money may be
    on its way: then it ends once that is known. A second call changes nothing. Raises
    Missing, NotRunning, NeverRenews for what was bought for good, Complimentary.
    """
    customer = running(session, customer_id)
    if customer.cancel_at_period_end:
        return customer
    if customer.is_complimentary:
        raise Complimentary
    end = ends_at(customer)
    if end is None:
        raise NeverRenews
    customer.cancel_at_period_end = True
    customer.cancelled_at = now
    customer.next_charge_at = None
    emit(
        session,
        "billing.subscription_cancelled",
        customer,
        actor=actor,
        data={"user_id": customer.user_id, "product_id": customer.product_id, "ends_at": end},
    )
    owes = customer.status is CustomerStatus.PAST_DUE and end <= now
    if owes and not payment_unknown(session, customer):
        status = CustomerStatus.CANCELLED
        end_subscription(session, customer, status, actor=actor, now=now, reason=BY_REQUEST)
    return customer
