"""Who is to be charged: the subscriptions whose period, trial or wait for a retry is over."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Select, bindparam, func, select, tuple_
from sqlalchemy.orm import Session

from models.base import among
from models.billing.customer import RUNNING, Customer, CustomerStatus
from models.billing.invoice import Invoice, InvoiceStatus
from models.billing.payment_attempt import AttemptOutcome, PaymentAttempt

AHEAD = timedelta(hours=24)
"""How long before its period ends an active subscription is charged for the next one."""
RETRIED_AHEAD = timedelta(minutes=30)
"""How long before its instant a retry may be made: a refusal is noted some moments into a night's
run, and its retry shall not wait for the night after the one that was named."""
INSTANT = DateTime(timezone=True)
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
    asked = _instants(now, since) | {"most": limit}
    if after is None:
        rows = session.execute(_FIRST_DUE, asked)
    else:
        asked |= {"after_at": after.next_charge_at, "after_id": after.customer_id}
        rows = session.execute(_DUE_AFTER, asked)
    return [Place(at, key) for at, key in rows if at is not None]


def lock_due(
    session: Session, customer_ids: Collection[UUID], *, now: datetime, since: datetime
) -> Sequence[Customer]:
    """Those of some customers that are still due and that nobody else is at work on, locked.

    The weaker lock lets rows that merely point at a customer be written meanwhile. Attempts
    that were committed between the look and the lock are not seen here.
    """
    asked = _instants(now, since) | {"keys": list(customer_ids)}
    return session.scalars(_LOCKING, asked).all()


def _instants(now: datetime, since: datetime) -> dict[str, Any]:
    return {"now": now, "ahead": now + AHEAD, "retried": now + RETRIED_AHEAD, "since": since}


IS_TRIED = PaymentAttempt.outcome.in_(UNDER_WAY) | (
    PaymentAttempt.started_at >= bindparam("since", type_=INSTANT)
)
"""Whether an attempt was begun since an instant, or may still become a payment."""

_TRIED = (
    select(PaymentAttempt.id)
    .join(Invoice, Invoice.id == PaymentAttempt.invoice_id)
    .where(Invoice.customer_id == Customer.id, Invoice.status == InvoiceStatus.PENDING, IS_TRIED)
)
_IS_DUE = (
    Customer.next_charge_at <= bindparam("ahead", type_=INSTANT),
    (Customer.status == CustomerStatus.ACTIVE)
    | (Customer.next_charge_at <= bindparam("now", type_=INSTANT))
    | (
        (Customer.status == CustomerStatus.PAST_DUE)
        & (Customer.next_charge_at <= bindparam("retried", type_=INSTANT))
    ),
    Customer.status.in_(RUNNING),
    Customer.cancel_at_period_end.is_(False),
    Customer.is_complimentary.is_(False),
    ~_TRIED.exists(),
)
"""Active ones a day ahead, trials at their instant, retries shortly before theirs; none that was
charged since the run began, or for which a charge of unknown outcome is under way."""

_FIRST_DUE = (
    select(Customer.next_charge_at, Customer.id)
    .where(*_IS_DUE)
    .order_by(Customer.next_charge_at, Customer.id)
    .limit(bindparam("most"))
)
_DUE_AFTER = _FIRST_DUE.where(
    tuple_(Customer.next_charge_at, Customer.id)
    > tuple_(bindparam("after_at", type_=INSTANT), bindparam("after_id", type_=Customer.id.type))
)
_LOCKING = (
    select(Customer)
    .where(among(Customer.id, "keys"), *_IS_DUE)
    .order_by(Customer.next_charge_at, Customer.id)
    .with_for_update(skip_locked=True, key_share=True)
    .execution_options(populate_existing=True)
)


def next_renewal() -> Select[Any]:
    """When the next subscription falls due, at the earliest."""
    return select(func.min(Customer.next_charge_at) - AHEAD).where(
        Customer.next_charge_at.is_not(None)
    )
