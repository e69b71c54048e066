"""Sales in figures: what was paid, how often and by how many new customers, by span of days.

Revenue is the sum of paid invoices including tax, on the day they were paid, less the
refunds given back, on the day of their credit note. A sale is a first purchase that was
paid (a first payment or a paid trial), so that renewals raise revenue but not sales; one
given back later was a sale all the same. A new customer is a person's first purchase of a
product, free trials included.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from models import clock
from models.billing.credit_note import CreditNote
from models.billing.customer import RUNNING, Customer, CustomerStatus
from models.billing.invoice import EVER_PAID, Invoice, InvoiceKind
from models.billing.payment_attempt import AttemptOutcome, PaymentAttempt
from models.catalog import Plan, Product
from models.ids import first_id_at

SALES = (InvoiceKind.FIRST, InvoiceKind.TRIAL)


@dataclass(frozen=True, slots=True)
class Span:
    """From an instant up to another, the last one left out."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Sales:
    """Of one span: paid first purchases, cents paid less cents given back, people new to a
    product."""

    sales: int
    revenue: int
    customers: int


def last_days(days: int, *, now: datetime) -> tuple[Span, Span]:
    """The last Paris days with today, so far; and as long a span just before it.

    Today until now stands against yesterday until the same hour.
    """
    today = clock.paris(now).date()
    start = midnight(today - timedelta(days=days - 1))
    before = midnight(today - timedelta(days=2 * days - 1))
    yesterday = clock.paris(now).replace(tzinfo=None) - timedelta(days=days)
    return Span(start, now), Span(before, yesterday.replace(tzinfo=clock.PARIS))


def midnight(on: date) -> datetime:
    """The instant when a day begins in Paris."""
    return datetime.combine(on, time(), tzinfo=clock.PARIS)


def sales_in(session: Session, span: Span) -> Sales:
    """The sales of a span, in a few statements."""
    sales, revenue = session.execute(
        select(
            func.count().filter(Invoice.kind.in_(SALES)),
            func.coalesce(func.sum(Invoice.amount_including_tax), 0),
        ).where(
            Invoice.paid_at >= span.start,
            Invoice.paid_at < span.end,
            Invoice.status.in_(EVER_PAID),
        )
    ).one()
    customers = session.scalar(
        select(func.count()).where(
            Customer.id >= first_id_at(span.start), Customer.id < first_id_at(span.end)
        )
    )
    back = session.scalar(
        select(func.coalesce(func.sum(CreditNote.amount_including_tax), 0)).where(
            CreditNote.issued_at >= span.start, CreditNote.issued_at < span.end
        )
    )
    return Sales(sales=sales, revenue=int(revenue) - int(back or 0), customers=customers or 0)


def sales_by_day(session: Session, span: Span) -> list[tuple[date, int, int]]:
    """Each Paris day of a span as (day, sales, revenue in cents), days without any included."""
    day = func.date(func.timezone("Europe/Paris", Invoice.paid_at))
    found = session.execute(
        select(
            day,
            func.count().filter(Invoice.kind.in_(SALES)),
            func.sum(Invoice.amount_including_tax),
        )
        .where(
            Invoice.paid_at >= span.start,
            Invoice.paid_at < span.end,
            Invoice.status.in_(EVER_PAID),
        )
        .group_by(day)
    )
    known = {on: (sales, int(revenue)) for on, sales, revenue in found}
    for on, back in _given_back_by_day(session, span):
        sales, revenue = known.get(on, (0, 0))
        known[on] = (sales, revenue - back)
    first, last = clock.paris(span.start).date(), clock.paris(span.end).date()
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return [(on, *known.get(on, (0, 0))) for on in days]


def _given_back_by_day(session: Session, span: Span) -> list[tuple[date, int]]:
    day = func.date(func.timezone("Europe/Paris", CreditNote.issued_at))
    found = session.execute(
        select(day, func.sum(CreditNote.amount_including_tax))
        .where(CreditNote.issued_at >= span.start, CreditNote.issued_at < span.end)
        .group_by(day)
    )
    return [(on, int(back)) for on, back in found]


def running_by_status(session: Session) -> dict[CustomerStatus, int]:
    """How many purchases are in force, by status."""
    found = session.execute(
        select(Customer.status, func.count())
        .where(Customer.status.in_(RUNNING))
        .group_by(Customer.status)
    )
    return {status: int(count) for status, count in found}


def sales_by_plan(session: Session, span: Span, limit: int = 20) -> Sequence[tuple[str, str, int]]:
    """The best-sold plans of a span as (product, plan, sales)."""
    found = session.execute(
        select(Product.name, Plan.name, func.count())
        .select_from(Invoice)
        .join(Plan, Plan.id == Invoice.plan_id)
        .join(Product, Product.id == Plan.product_id)
        .where(
            Invoice.paid_at >= span.start,
            Invoice.paid_at < span.end,
            Invoice.status.in_(EVER_PAID),
            Invoice.kind.in_(SALES),
        )
        .group_by(Product.name, Plan.name)
        .order_by(func.count().desc(), Product.name, Plan.name)
        .limit(limit)
    )
    return [(product, plan, count) for product, plan, count in found]


def trials_in(session: Session, span: Span) -> tuple[int, int]:
    """Of the purchases begun in a span that had a trial: how many, and how many now pay."""
    paying = case((Customer.status.in_((CustomerStatus.ACTIVE, CustomerStatus.PAST_DUE)), 1))
    begun, kept = session.execute(
        select(func.count(), func.count(paying)).where(
            Customer.id >= first_id_at(span.start),
            Customer.id < first_id_at(span.end),
            Customer.trial_ends_at.is_not(None),
        )
    ).one()
    return begun, kept


def charges_by_outcome(session: Session, since: datetime) -> dict[AttemptOutcome, int]:
    """How many charges were asked for since an instant, by what became of them; 0 for none."""
    statement = (
        select(PaymentAttempt.outcome, func.count())
        .where(PaymentAttempt.id >= first_id_at(since))
        .group_by(PaymentAttempt.outcome)
    )
    none = dict.fromkeys(AttemptOutcome, 0)
    return none | {outcome: int(count) for outcome, count in session.execute(statement)}
