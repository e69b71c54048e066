"""Charging a new card for what is due: at once, and without using up a retry.

Compositions: who is to be charged is read, then ``charge_invoice`` writes down and charges.
"""

import logging
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from models.billing.charge_invoice import charge_invoice
from models.billing.customer import Customer, CustomerStatus
from models.billing.invoice import Invoice, InvoiceKind, InvoiceStatus
from models.billing.payment_attempt import AttemptOutcome, PaymentAttempt
from models.billing.payment_method import PaymentMethod
from models.session import staff_reading

log = logging.getLogger(__name__)

BATCH = 200


def charge_new_card(customer_id: UUID) -> AttemptOutcome | None:
    """Charge a customer's default card for their open invoice, unless it was tried for it.

    None where nothing is due or another attempt is under way. Called by the job that a new
    card asks for, and by the sweep.
    """
    with staff_reading() as session:
        invoice_id = session.scalar(_untried().where(Customer.id == customer_id).limit(1))
    if invoice_id is None:
        return None
    return charge_invoice(invoice_id, uses_retry=False)


def charge_new_cards() -> dict[str, int]:
    """Charge new cards whose job was lost; one that crashes is counted and stops nobody."""
    counts = {"cards": 0, "errors": 0}
    with staff_reading() as session:
        invoices = untried_cards(session)
    for invoice_id in invoices:
        counts["cards"] += 1
        try:
            charge_invoice(invoice_id, uses_retry=False)
        except Exception:
            log.exception("billing.new_card_not_charged", extra={"invoice_id": str(invoice_id)})
            counts["errors"] += 1
    return counts


def untried_cards(session: Session) -> Sequence[UUID]:
    """Open invoices whose customers' default card was never charged for them."""
    return session.scalars(_untried().order_by(Invoice.id).limit(BATCH)).all()


def oldest_untried() -> Select[Any]:
    """Asks since when the oldest such card waits."""
    waiting = _untried().join(PaymentMethod, PaymentMethod.id == Customer.default_payment_method_id)
    return waiting.with_only_columns(func.min(PaymentMethod.created_at))


def _untried() -> Select[Any]:
    """Invoices of customers past due, not cancelled, with a card that no attempt has tried."""
    tried = select(PaymentAttempt.id).where(
        PaymentAttempt.invoice_id == Invoice.id,
        PaymentAttempt.payment_method_id == Customer.default_payment_method_id,
    )
    under_way = select(PaymentAttempt.id).where(
        PaymentAttempt.invoice_id == Invoice.id,
        PaymentAttempt.outcome.in_([AttemptOutcome.PENDING, AttemptOutcome.NEEDS_ACTION]),
    )
    return (
        select(Invoice.id)
        .join(Customer, Customer.id == Invoice.customer_id)
        .where(
            Customer.status == CustomerStatus.PAST_DUE,
            Customer.cancel_at_period_end.is_(False),
            Invoice.status == InvoiceStatus.PENDING,
            Invoice.kind != InvoiceKind.UPGRADE,
            ~tried.exists(),
            ~under_way.exists(),
        )
    )
