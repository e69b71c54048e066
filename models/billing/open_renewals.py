"""Opening renewals: invoices and attempts written down before anything is charged."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.base import among
from models.billing.begin_period import NextPeriod, begin_period, next_period
from models.billing.customer import Customer
from models.billing.due_renewals import IS_TRIED, lock_due
from models.billing.invoice import Invoice, InvoiceKind, InvoiceLine, InvoiceStatus
from models.billing.invoice_attempt import Card, Columns, attempt_for, cards_by_id, charge_for
from models.billing.payment_attempt import PaymentAttempt
from models.billing.provider import ChargeRequest
from models.ids import new_id
from models.many_rows import insert_together
from models.money import without_tax
from models.oversight import SYSTEM, emit
from models.settings import current_settings

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class OpenedCharge:
    """One attempt that is written down; ``request`` None where there is no card to charge."""

    attempt_id: UUID
    request: ChargeRequest | None


@dataclass
class Opened:
    """What some renewals have to charge, how many customers were taken up, and how many of
    them nobody could make sense of. The lists of columns are the rows to write."""

    charges: list[OpenedCharge] = field(default_factory=list)
    due: int = 0
    errors: int = 0
    invoices: list[Columns] = field(default_factory=list)
    lines: list[Columns] = field(default_factory=list)
    attempts: list[Columns] = field(default_factory=list)


def open_renewals(
    session: Session, customer_ids: Collection[UUID], *, now: datetime, since: datetime
) -> Opened:
    """Write down an invoice and an attempt for each of these customers that is still due.

    The invoice of a period is opened once: a retry finds it. What costs nothing begins its
    period here, without an invoice. A customer whose row makes no sense is logged and left,
    and so is one whose change of plan waits for its payment: that comes first. Of two runs at
    once one opens a renewal.
    """
    locked = lock_due(session, customer_ids, now=now, since=since)
    waiting, taken = _waiting_invoices(session, locked, since)
    customers = [customer for customer in locked if customer.id not in taken]
    opened = Opened(due=len(customers))
    cards = cards_by_id(session, {customer.default_payment_method_id for customer in customers})
    for customer in customers:
        try:
            _open(session, customer, waiting, cards, opened, now)
        except Exception:  # the rows of one customer must not stop all others
            log.exception("billing.renewal_not_opened", extra={"customer_id": str(customer.id)})
            opened.errors += 1
    _write(session, opened)
    return opened


def _open(
    session: Session,
    customer: Customer,
    waiting: Mapping[tuple[UUID, datetime], tuple[Columns, int]],
    cards: Mapping[UUID, Card],
    opened: Opened,
    now: datetime,
) -> None:
    period = next_period(customer)
    if not period.quote.price:
        _begin_free(session, customer, period, now)
        return
    known = waiting.get((customer.id, period.start))
    invoice, tried = known if known else (_invoice_for(customer, period), 0)
    card = cards.get(customer.default_payment_method_id or customer.id)
    attempt = attempt_for(invoice, tried + 1, card, uses_retry=True, now=now)
    request = (
        charge_for(attempt, card, customer_id=customer.id, description=_named(period))
        if card
        else None
    )
    if not known:
        opened.invoices.append(invoice)
        opened.lines.append(_line_of(invoice, period))
    opened.attempts.append(attempt)
    opened.charges.append(OpenedCharge(attempt["id"], request))


def _begin_free(session: Session, customer: Customer, period: NextPeriod, now: datetime) -> None:
    begin_period(session, customer, period, actor=SYSTEM, now=now)
    emit(
        session,
        "billing.free_period_begun",
        customer,
        actor=SYSTEM,
        data={"user_id": customer.user_id, "plan_id": period.plan_id, "until": period.end},
    )


def _invoice_for(customer: Customer, period: NextPeriod) -> Columns:
    """The columns of a period's invoice, unpaid and so without a number."""
    rate = current_settings().vat_rate
    excluding, tax = without_tax(period.quote.price, rate)
    return {
        "id": new_id(),
        "customer_id": customer.id,
        "plan_id": period.plan_id,
        "kind": InvoiceKind.FIRST if period.is_first else InvoiceKind.RENEWAL,
        "status": InvoiceStatus.PENDING,
        "period_start": period.start,
        "period_end": period.end,
        "amount_excluding_tax": excluding,
        "tax_amount": tax,
        "tax_rate": rate,
        "amount_including_tax": period.quote.price,
        "currency": period.quote.currency,
        "due_at": period.start,
    }


def _line_of(invoice: Columns, period: NextPeriod) -> Columns:
    price = period.quote.price
    return {
        "id": new_id(),
        "invoice_id": invoice["id"],
        "label": _named(period),
        "unit_amount": price,
        "total": price,
    }


def _named(period: NextPeriod) -> str:
    return f"{period.quote.product_name} · {period.quote.plan_name}"


def _waiting_invoices(
    session: Session, customers: Sequence[Customer], since: datetime
) -> tuple[dict[tuple[UUID, datetime], tuple[Columns, int]], set[UUID]]:
    """Per customer and period: the invoice that was opened for it, and how often it was tried.

    And those whose change of plan is asked for, or that another run has tried meanwhile. Looked
    for once the rows are locked, as a change looks for renewals, so that of two at once one
    finds the other.
    """
    asked = {"keys": [customer.id for customer in customers], "since": since}
    rows = session.execute(_WAITING, asked).mappings().all()
    taken = {
        row["customer_id"] for row in rows if row["kind"] is InvoiceKind.UPGRADE or row["is_tried"]
    }
    opened = {
        (row["customer_id"], row["period_start"]): (dict(row), row["tried"])
        for row in rows
        if row["kind"] in (InvoiceKind.FIRST, InvoiceKind.RENEWAL)
    }
    return opened, taken


_WAITING = (
    select(
        Invoice.id,
        Invoice.customer_id,
        Invoice.kind,
        Invoice.period_start,
        Invoice.amount_including_tax,
        Invoice.currency,
        func.coalesce(func.max(PaymentAttempt.attempt_no), 0).label("tried"),
        func.coalesce(func.bool_or(IS_TRIED), False).label("is_tried"),
    )
    .join(PaymentAttempt, PaymentAttempt.invoice_id == Invoice.id, isouter=True)
    .where(among(Invoice.customer_id, "keys"), Invoice.status == InvoiceStatus.PENDING)
    .group_by(Invoice.id)
)


def _write(session: Session, opened: Opened) -> None:
    session.flush()
    insert_together(session, Invoice, opened.invoices)
    insert_together(session, InvoiceLine, opened.lines)
    insert_together(session, PaymentAttempt, opened.attempts)
