"""Taking back a change to a cheaper plan that waits for the period's end."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from models.billing.customer import Customer, CustomerStatus
from models.billing.standing import PastDue, refuse_under_way, running
from models.oversight import Actor, emit


def undo_switch(session: Session, customer_id: UUID, *, actor: Actor, now: datetime) -> Customer:
    """Keep the present plan. Where none waits nothing changes.

    Raises Missing, NotRunning, and PastDue or PaymentUnderWay once the other plan's renewal is
    asked for: its payment would give the dearer plan for the cheaper one's price.
    """
    customer = running(session, customer_id)
    if customer.next_plan_id is None:
        return customer
    if customer.status is CustomerStatus.PAST_DUE:
        raise PastDue
    refuse_under_way(session, customer)
    waiting = customer.next_plan_id
    customer.next_plan_id = customer.next_terms = None
    emit(
        session,
        "billing.switch_undone",
        customer,
        actor=actor,
        data={"user_id": customer.user_id, "plan_id": waiting},
    )
    return customer
