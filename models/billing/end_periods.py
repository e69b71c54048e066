"""Ends that come by themselves: of periods that are not renewed, and of the grace of the unpaid."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from models import clock
from models.billing.close_accesses import close_all_accesses
from models.billing.customer import Customer, CustomerStatus
from models.billing.due_renewals import UNDER_WAY
from models.billing.end_subscription import end_subscriptions
from models.billing.invoice import Invoice, InvoiceStatus
from models.billing.payment_attempt import PaymentAttempt
from models.oversight import SYSTEM, emit_all
from models.session import unit_of_work
from models.settings import current_settings

CHUNK = 1000
PERIOD_OVER = "period_over"


def end_due_periods() -> dict[str, int]:
    """End and pause all whose time has come, a chunk at a time. A composition."""
    counts = {"ended": 0, "paused": 0}
    while True:
        with unit_of_work() as session:
            done = end_periods(session, now=clock.now())
        for name, count in done.items():
            counts[name] += count
        if max(done.values()) < CHUNK:
            return counts


def end_periods(session: Session, *, now: datetime) -> dict[str, int]:
    """End up to a thousand purchases whose last period is over, and pause as many whose grace is.

    What was cancelled becomes CANCELLED, what was given free or has paid its last cycle
    EXPIRED; one whose payment may be on its way waits until that is known. The unpaid lose
    their accesses when the grace since their first failure is over, never before the period
    they have paid for. A second call changes nothing.
    """
    ended = _take(session, over_periods(now))
    for status in (CustomerStatus.CANCELLED, CustomerStatus.EXPIRED):
        end_subscriptions(
            session,
            [customer for customer in ended if _ends_as(customer) is status],
            status,
            actor=SYSTEM,
            now=now,
            reason=PERIOD_OVER,
        )
    paused = _take(session, select(Customer).where(*_is_out_of_grace(now)))
    for customer in paused:
        customer.access_paused_at = now
    if paused:
        close_all_accesses(session, paused, now=now)
    emit_all(
        session,
        "billing.access_paused",
        [
            (customer, {"user_id": customer.user_id, "product_id": customer.product_id})
            for customer in paused
        ],
        actor=SYSTEM,
    )
    return {"ended": len(ended), "paused": len(paused)}


def _ends_as(customer: Customer) -> CustomerStatus:
    return CustomerStatus.CANCELLED if customer.cancel_at_period_end else CustomerStatus.EXPIRED


def _take(session: Session, which: Select[Customer]) -> Sequence[Customer]:
    return session.scalars(
        which.order_by(Customer.id)
        .limit(CHUNK)
        .with_for_update(skip_locked=True, key_share=True)
        .execution_options(populate_existing=True)
    ).all()


PAID_FOR = (CustomerStatus.ACTIVE, CustomerStatus.PAST_DUE)


def over_periods(now: datetime) -> Select[Customer]:
    """Asks for those whose last period, or trial, is over.

    Each way of being over says what its own index says, so that a run each hour looks at
    nobody whose time has not come.
    """
    under_way = (
        select(PaymentAttempt.id)
        .join(Invoice, Invoice.id == PaymentAttempt.invoice_id)
        .where(
            Invoice.customer_id == Customer.id,
            Invoice.status == InvoiceStatus.PENDING,
            PaymentAttempt.outcome.in_(UNDER_WAY),
        )
    )
    return select(Customer).where(
        Customer.next_charge_at.is_(None),
        or_(
            and_(Customer.status.in_(PAID_FOR), Customer.subscription_ends_at <= now),
            and_(Customer.status == CustomerStatus.TRIAL, Customer.trial_ends_at <= now),
            and_(
                Customer.status == CustomerStatus.PAST_DUE,
                Customer.subscription_ends_at.is_(None),
                Customer.trial_ends_at <= now,
            ),
        ),
        ~under_way.exists(),
    )


def _grace() -> timedelta:
    return timedelta(hours=24 * current_settings().grace_days)


def _is_out_of_grace(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        Customer.status == CustomerStatus.PAST_DUE,
        Customer.access_paused_at.is_(None),
        Customer.first_failed_at <= now - _grace(),
        or_(Customer.subscription_ends_at.is_(None), Customer.subscription_ends_at <= now),
    )


def next_end() -> Select[Any]:
    """When the next purchase ends by itself, or the next grace does."""
    quiet = Customer.next_charge_at.is_(None)
    period = select(func.min(Customer.subscription_ends_at)).where(
        quiet,
        Customer.subscription_ends_at.is_not(None),
        Customer.status.in_(PAID_FOR),
    )
    trial = select(func.min(Customer.trial_ends_at)).where(
        quiet, Customer.status == CustomerStatus.TRIAL
    )
    failed = select(func.min(Customer.first_failed_at) + _grace()).where(
        Customer.access_paused_at.is_(None), Customer.status == CustomerStatus.PAST_DUE
    )
    return select(
        func.least(period.scalar_subquery(), trial.scalar_subquery(), failed.scalar_subquery())
    )
