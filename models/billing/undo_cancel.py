"""Taking a cancellation back, as long as the period it would end with is not over."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from models.billing.customer import Customer
from models.billing.next_charge import next_charge
from models.billing.order import ordered_at, renounced_at
from models.billing.standing import ContractRenounced, PeriodOver, ends_at, running
from models.oversight import Actor, emit


def undo_cancel(session: Session, customer_id: UUID, *, actor: Actor, now: datetime) -> Customer:
    """Let a purchase go on as if it had not been cancelled.

    One that was not cancelled is left as it is. Raises Missing, NotRunning, PeriodOver once the
    end it was cancelled for has come, ContractRenounced where the client withdrew from it.
    """
    customer = running(session, customer_id)
    if not customer.cancel_at_period_end:
        return customer
    order_at = ordered_at(session, [customer.id]).get(customer.id)
    if renounced_at(customer, order_at) is not None:
        raise ContractRenounced
    end = ends_at(customer)
    if end is not None and end <= now:
        raise PeriodOver
    customer.cancel_at_period_end = False
    customer.cancelled_at = None
    customer.next_charge_at = next_charge(customer)
    emit(
        session,
        "billing.cancel_undone",
        customer,
        actor=actor,
        data={"user_id": customer.user_id, "product_id": customer.product_id},
    )
    return customer
