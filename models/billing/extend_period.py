"""Giving a customer more time, by the owner: the paid period or the trial ends later."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from models.billing.customer import Customer, CustomerStatus
from models.billing.next_charge import next_charge
from models.billing.standing import NeverRenews, PastDue, ends_at, refuse_under_way, running
from models.errors import N_, BadInput
from models.oversight import Actor, emit


class NotLater(BadInput):
    code = "not_later"
    message = N_("The new end must be after the present one.")


def extend_period(
    session: Session,
    customer_id: UUID,
    *,
    until: datetime,
    reason: str,
    actor: Actor,
    now: datetime,
) -> Customer:
    """Move the end of the trial or of the paid period to a later instant, for nothing.

    All later periods are reckoned from the new end. A second call with the same end changes
    nothing. Raises Missing, NotRunning, NotLater, NeverRenews for what has no end, PastDue,
    and PaymentUnderWay while an invoice waits for its payment.
    """
    customer = running(session, customer_id)
    end = ends_at(customer)
    if end is None:
        raise NeverRenews
    if end == until:
        return customer
    if customer.status is CustomerStatus.PAST_DUE:
        raise PastDue
    if until <= max(end, now):
        raise NotLater(field="until")
    refuse_under_way(session, customer)
    if customer.status is CustomerStatus.TRIAL:
        customer.trial_ends_at = until
    else:
        customer.subscription_ends_at = until
    if not customer.is_complimentary:
        customer.billing_anchor_at, customer.periods_since_anchor = until, 0
    customer.next_charge_at = next_charge(customer)
    emit(
        session,
        "billing.period_extended",
        customer,
        actor=actor,
        reason=reason,
        data={
            "user_id": customer.user_id,
            "product_id": customer.product_id,
            "before": end,
            "until": until,
        },
    )
    return customer
