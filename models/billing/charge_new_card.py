"""Charging a new card for what is due: at once, and without using up a retry.

Compositions: who is to be charged is read, then ``charge_invoice`` writes down and charges.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from models import clock
from models.billing.charge_invoice import charge_invoice
from models.billing.customer import Customer, CustomerStatus
from models.billing.invoice import Invoice, InvoiceKind, InvoiceStatus
from models.billing.payment_attempt import AttemptOutcome, PaymentAttempt
from models.billing.payment_method import PaymentMethod
from models.session import staff_reading

log = logging.getLogger(__name__)

BATCH = 200
MOST_ERRORS = 3
"""How often a card is tried whose charges end in errors of ours or the provider's: nobody
refused it, so it need not wait for the next retry, which may be a week away."""
AFTER_AN_ERROR = timedelta(hours=1)


def charge_new_card(customer_id: UUID) -> AttemptOutcome | None:
    """Charge a customer's default card for their open invoice, unless it was tried for it.

    None where nothing is due, another attempt is under way, or an error was too little ago.
    Called by the job that a new card asks for, and by the sweep.
    """
    with staff_reading() as session:
        waiting = _may_be_tried(clock.now()).where(Customer.id == customer_id)
        invoice_id = session.scalar(waiting.limit(1))
    if invoice_id is None:
        return None
    return charge_invoice(invoice_id, uses_retry=False)


def charge_new_cards() -> dict[str, int]:
    """Charge new cards whose job was lost; one that crashes is counted and stops nobody."""
    counts = {"cards": 0, "errors": 0}
    with staff_reading() as session:
        invoices = untried_cards(session, now=clock.now())
    for invoice_id in invoices:
        counts["cards"] += 1
        try:
            charge_invoice(invoice_id, uses_retry=False)
        except Exception:
            log.exception("billing.new_card_not_charged", extra={"invoice_id": str(invoice_id)})
            counts["errors"] += 1
    return counts


def untried_cards(session: Session, *, now: datetime) -> Sequence[UUID]:
    """Open invoices whose customers' default card nobody has answered for, and may be tried."""
    return session.scalars(_may_be_tried(now).order_by(Invoice.id).limit(BATCH)).all()


def oldest_untried() -> Select[Any]:
    """Asks since when, or from when on, the next such card is to be tried."""
    return _untried().with_only_columns(func.min(_TO_BE_TRIED_AT))


def _may_be_tried(now: datetime) -> Select[Any]:
    return _untried().where(now >= _TO_BE_TRIED_AT)


_BY_THIS_CARD = (
    PaymentAttempt.invoice_id == Invoice.id,
    PaymentAttempt.payment_method_id == PaymentMethod.id,
)
_ERRORS = (*_BY_THIS_CARD, PaymentAttempt.outcome == AttemptOutcome.ERROR)
_TO_BE_TRIED_AT = func.coalesce(
    select(func.max(PaymentAttempt.started_at) + AFTER_AN_ERROR).where(*_ERRORS).scalar_subquery(),
    PaymentMethod.created_at,
)


def _untried() -> Select[Any]:
    """Invoices of customers past due, not cancelled, with a card that has no answer yet, be it a
    charge under way or a refusal, and no more than a few errors."""
    answered = select(PaymentAttempt.id).where(
        *_BY_THIS_CARD, PaymentAttempt.outcome != AttemptOutcome.ERROR
    )
    under_way = select(PaymentAttempt.id).where(
        PaymentAttempt.invoice_id == Invoice.id,
        PaymentAttempt.outcome.in_([AttemptOutcome.PENDING, AttemptOutcome.NEEDS_ACTION]),
    )
    errors = select(func.count(PaymentAttempt.id)).where(*_ERRORS).scalar_subquery()
    return (
        select(Invoice.id)
        .join(Customer, Customer.id == Invoice.customer_id)
        .join(PaymentMethod, PaymentMethod.id == Customer.default_payment_method_id)
        .where(
            Customer.status == CustomerStatus.PAST_DUE,
            Customer.cancel_at_period_end.is_(False),
            Invoice.status == InvoiceStatus.PENDING,
            Invoice.kind != InvoiceKind.UPGRADE,
            ~answered.exists(),
            ~under_way.exists(),
            errors < MOST_ERRORS,
        )
    )
