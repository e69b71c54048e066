"""Keeping a card that the payment side knows as its customer's own."""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from models.billing.capture_endpoint import CaptureEndpoint
from models.billing.customer import Customer
from models.billing.payment_method import PaymentMethod


def keep_card(
    session: Session, capture: CaptureEndpoint, customer: Customer, *, now: datetime
) -> PaymentMethod:
    """Make a checkout's card the customer's only default one; the one before stays, as a former
    one. The caller sees to it that this happens once."""
    if customer.default_payment_method_id is not None:
        session.execute(
            update(PaymentMethod)
            .where(PaymentMethod.customer_id == customer.id, PaymentMethod.is_default)
            .values(is_default=False)
        )
    method = PaymentMethod(
        customer_id=customer.id,
        vault_token=capture.vault_token,
        vault_reference=capture.vault_reference,
        psp_customer_id=capture.psp_customer_id,
        psp_payment_method_id=capture.psp_payment_method_id,
        card_fingerprint=capture.card_fingerprint,
        brand=capture.brand,
        last4=capture.last4,
        exp_month=capture.exp_month,
        exp_year=capture.exp_year,
        is_default=True,
        created_at=now,
    )
    session.add(method)
    session.flush()
    customer.default_payment_method_id = method.id
    return method
