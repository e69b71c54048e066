"""Settling a new card: the customer's default one from now on, and tried where a payment is due."""

from datetime import datetime

from sqlalchemy.orm import Session

from models.billing.capture_endpoint import CaptureEndpoint, CaptureStatus
from models.billing.customer import Customer, CustomerStatus
from models.billing.keep_card import keep_card
from models.oversight import Actor, emit
from models.session import defer

CHARGE = "billing-charge-new-card"
ENDED = "not_running"


def settle_card(
    session: Session, capture: CaptureEndpoint, *, actor: Actor, now: datetime
) -> Customer:
    """Keep the card that a checkout of the purpose CARD has set up.

    The caller holds the checkout's row lock and has the PSP's word. Where a payment is due,
    the new card is charged once this has committed. A purchase that ended meanwhile keeps
    its former card. A second call changes nothing.
    """
    customer = Customer.for_update(session, capture.customer_id)
    if capture.status is CaptureStatus.COMPLETED:
        return customer
    if not customer.is_running:
        if capture.status is not CaptureStatus.FAILED:
            capture.become(CaptureStatus.FAILED)
        capture.last_decline_code = ENDED
        capture.vault_token = None
        return customer
    method = keep_card(session, capture, customer, now=now)
    capture.become(CaptureStatus.COMPLETED)
    capture.completed_at = now
    capture.last_decline_code = None
    capture.vault_token = None
    emit(
        session,
        "billing.card_updated",
        customer,
        actor=actor,
        data={
            "user_id": customer.user_id,
            "product_id": customer.product_id,
            "payment_method_id": method.id,
            "locale": capture.locale,
        },
    )
    if customer.status is CustomerStatus.PAST_DUE:
        defer(session, CHARGE, str(customer.id))
    return customer
