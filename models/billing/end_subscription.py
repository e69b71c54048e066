"""Ending purchases: nothing more to charge, accesses closed, what is still open void."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.billing.close_accesses import close_all_accesses
from models.billing.customer import Customer, CustomerStatus
from models.billing.invoice import Invoice, InvoiceStatus
from models.billing.order import cancelled_by_renouncing
from models.oversight import Actor, emit_all

ENDED = "ended_at"
"""Under this name a customer's ``extra`` notes when the purchase last ended."""


def ended_at(customer: Customer) -> datetime | None:
    """When a purchase that is over ended, its accesses with it; None while it runs, and for one
    of before this was noted."""
    noted = customer.extra.get(ENDED)
    return datetime.fromisoformat(noted) if noted and not customer.is_running else None


def end_subscription(
    session: Session,
    customer: Customer,
    status: CustomerStatus,
    *,
    actor: Actor,
    now: datetime,
    reason: str,
    is_unforeseen: bool = False,
) -> Customer:
    """End one purchase as CANCELLED or EXPIRED; the caller holds its row's lock.

    One already ended stays as it ended. Raises IllegalTransition for any other status.
    """
    return end_subscriptions(
        session,
        [customer],
        status,
        actor=actor,
        now=now,
        reason=reason,
        is_unforeseen=is_unforeseen,
    )[0]


def end_subscriptions(
    session: Session,
    customers: Sequence[Customer],
    status: CustomerStatus,
    *,
    actor: Actor,
    now: datetime,
    reason: str,
    is_unforeseen: bool = False,
) -> Sequence[Customer]:
    """End purchases whose rows the caller has locked, in few statements.

    ``is_unforeseen``: before the day that their buyers were told, so that they are to hear of
    it. They keep their dates. An invoice that still waited for its payment is VOID; money that
    comes for it all the same is shown for the owner to give back.
    """
    ending = [customer for customer in customers if customer.is_running]
    for customer in ending:
        customer.become(status)
        customer.next_charge_at = None
        customer.next_plan_id = customer.next_terms = None
        customer.extra = {**customer.extra, ENDED: now.isoformat()}
        if status is CustomerStatus.CANCELLED and customer.cancelled_at is None:
            customer.cancelled_at = now
    if ending:
        void_open_invoices(session, ending, now=now)
        close_all_accesses(session, ending, now=now)
    emit_all(
        session,
        "billing.subscription_ended",
        [(customer, _facts(customer, is_unforeseen)) for customer in ending],
        actor=actor,
        reason=reason,
    )
    return customers


def _facts(customer: Customer, is_unforeseen: bool) -> dict[str, Any]:
    return {
        "user_id": customer.user_id,
        "product_id": customer.product_id,
        "status": customer.status.value,
        "is_unpaid": customer.first_failed_at is not None,
        "is_unforeseen": is_unforeseen,
    }


def is_end_told(customer: Customer, facts: Mapping[str, Any]) -> bool:
    """Whether the buyer is to hear of an end by mail; ``facts`` are those of its event.

    What expired is told, and what ended before the day that the buyer knew; not what their
    own cancellation, or their withdrawal from the contract, has told them of.
    """
    if facts["status"] == CustomerStatus.EXPIRED:
        return True
    return bool(facts.get("is_unforeseen")) and not cancelled_by_renouncing(customer)


def void_open_invoices(
    session: Session, customers: Sequence[Customer], *, now: datetime
) -> Sequence[Invoice]:
    """Void whatever these customers were asked for and have not paid; no number is used up."""
    invoices = session.scalars(
        select(Invoice)
        .where(
            Invoice.customer_id.in_([customer.id for customer in customers]),
            Invoice.status.in_([InvoiceStatus.DRAFT, InvoiceStatus.PENDING]),
        )
        .order_by(Invoice.id)
        .with_for_update()
    ).all()
    for invoice in invoices:
        invoice.become(InvoiceStatus.VOID)
        invoice.voided_at = now
    return invoices
