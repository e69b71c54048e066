"""Who is to be charged: the subscriptions whose period, trial or wait for a retry is over."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, case, func, select, tuple_
from sqlalchemy.orm import Session

from models.billing.customer import RUNNING, Customer, CustomerStatus
from models.billing.invoice import Invoice, InvoiceStatus
from models.billing.payment_attempt import AttemptOutcome, PaymentAttempt

AHEAD = timedelta(hours=24)
"""How long before its period ends an active subscription is charged for the next one."""
UNDER_WAY = (AttemptOutcome.PENDING, AttemptOutcome.NEEDS_ACTION)


@dataclass(frozen=True, order=True)
class Place:
    """Where a subscription stands in the order of a run."""

    next_charge_at: datetime
    customer_id: UUID


def due_places(
    session: Session, *, now: datetime, since: datetime, after: Place | None, limit: int
) -> Sequence[Place]:
    """The next subscriptions of a run that began at ``since``, in its order."""
    query = (
        select(Customer.next_charge_at, Customer.id)
        .where(*is_due(now, since))
        .order_by(Customer.next_charge_at, Customer.id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(
            tuple_(Customer.next_charge_at, Customer.id)
            > tuple_(after.next_charge_at, after.customer_id)
        )
    return [Place(at, key) for at, key in session.execute(query) if at is not None]


def lock_due(
    session: Session, customer_ids: Collection[UUID], *, now: datetime, since: datetime
) -> Sequence[Customer]:
    """Those of some customers that are still due and that nobody else is at work on, locked.

    The weaker lock lets rows that merely point at a customer be written meanwhile. Attempts
    that were committed between the look and the lock are not seen here.
    """
    return session.scalars(
        select(Customer)
        .where(Customer.id.in_(customer_ids), *is_due(now, since))
        .order_by(Customer.next_charge_at, Customer.id)
        .with_for_update(skip_locked=True, key_share=True)
        .execution_options(populate_existing=True)
    ).all()


def is_due(now: datetime, since: datetime) -> tuple[ColumnElement[bool], ...]:
    """Active ones a day ahead, trials and retries at their instant; none that was charged
    since the run began, or for which a charge of unknown outcome is under way."""
    ahead = case((Customer.status == CustomerStatus.ACTIVE, now + AHEAD), else_=now)
    tried = (
        select(PaymentAttempt.id)
        .join(Invoice, Invoice.id == PaymentAttempt.invoice_id)
        .where(
            Invoice.customer_id == Customer.id,
            Invoice.status == InvoiceStatus.PENDING,
            is_tried(since),
        )
    )
    return (
        Customer.next_charge_at <= now + AHEAD,
        Customer.next_charge_at <= ahead,
        Customer.status.in_(RUNNING),
        Customer.cancel_at_period_end.is_(False),
        Customer.is_complimentary.is_(False),
        ~tried.exists(),
    )


def is_tried(since: datetime) -> ColumnElement[bool]:
    """Whether an attempt was begun since an instant, or may still become a payment."""
    return PaymentAttempt.outcome.in_(UNDER_WAY) | (PaymentAttempt.started_at >= since)


def next_renewal() -> Select[Any]:
    """When the next subscription falls due, at the earliest."""
    return select(func.min(Customer.next_charge_at) - AHEAD).where(
        Customer.next_charge_at.is_not(None)
    )
