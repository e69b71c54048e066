"""Affiliation's part in a purchase, within its transaction: whose visitor, and what it earns."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from models.affiliation.attribute_purchase import attribute_purchase
from models.affiliation.earn_commission import earn_commissions
from models.billing import CaptureEndpoint, Customer, Invoice, PaymentMethod
from models.billing.signals import invoices_paid, purchase_made
from models.oversight import Actor


@purchase_made.connect
def attribute(
    _sender: object,
    *,
    session: Session,
    capture: CaptureEndpoint,
    customer: Customer,
    payment_method: PaymentMethod | None,
    actor: Actor,
    now: datetime,
    **_more: Any,
) -> None:
    """Bind the purchase to whoever brought the buyer, be it a free trial."""
    attribute_purchase(
        session,
        customer,
        click_id=capture.affiliate_click_id,
        card_fingerprint=payment_method.card_fingerprint if payment_method else None,
        actor=actor,
        now=now,
    )


@invoices_paid.connect
def earn(
    _sender: object,
    *,
    session: Session,
    invoices: Sequence[Invoice],
    actor: Actor,
    now: datetime,
    **_more: Any,
) -> None:
    """Let the affiliates earn on every paid invoice, first ones and renewals."""
    earn_commissions(session, invoices, actor=actor, now=now)
