"""Beginning a paid period: what a renewal, or the end of a trial, does to its customer's row."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from models.base import Json
from models.billing.customer import Customer, CustomerStatus
from models.billing.invoice import Invoice, InvoiceKind
from models.billing.next_charge import next_charge
from models.billing.periods import period_end
from models.billing.quote import Quote
from models.catalog import Plan
from models.catalog.edit_plan import mark_sold
from models.oversight import Actor, emit


@dataclass(frozen=True)
class NextPeriod:
    """The period that a customer's next payment is for, and the terms it is paid on.

    ``is_first``: the one after a trial. ``end`` is None for what never renews.
    """

    is_first: bool
    start: datetime
    end: datetime | None
    plan_id: UUID
    terms: Json
    quote: Quote


def next_period(customer: Customer) -> NextPeriod:
    """What comes after the period, or the trial, that a customer has now.

    A plan that waits for the period's end begins here. Reckoned from the anchor, so that a
    late payment moves nothing.
    """
    plan_id = customer.next_plan_id or customer.current_plan_id
    terms = _terms_of(customer, plan_id)
    quote = Quote.from_json(terms)
    start = customer.subscription_ends_at or customer.trial_ends_at
    if start is None:
        raise ValueError(f"customer {customer.id} has no period that could end")
    anchor, number = customer.billing_anchor_at or start, customer.periods_since_anchor + 1
    if quote.interval.value != customer.terms["interval"]:
        anchor, number = start, 1
    return NextPeriod(
        is_first=customer.subscription_ends_at is None,
        start=start,
        end=period_end(anchor, number, quote.interval),
        plan_id=plan_id,
        terms=terms,
        quote=quote,
    )


def period_of(customer: Customer, invoice: Invoice) -> NextPeriod:
    """The period that a FIRST or RENEWAL invoice was opened for."""
    terms = _terms_of(customer, invoice.plan_id)
    return NextPeriod(
        is_first=invoice.kind is InvoiceKind.FIRST,
        start=invoice.period_start,
        end=invoice.period_end,
        plan_id=invoice.plan_id,
        terms=terms,
        quote=Quote.from_json(terms),
    )


def _terms_of(customer: Customer, plan_id: UUID) -> Json:
    waits = plan_id == customer.next_plan_id and customer.next_terms is not None
    return customer.next_terms if waits and customer.next_terms else customer.terms


def begin_period(
    session: Session, customer: Customer, period: NextPeriod, *, actor: Actor, now: datetime
) -> None:
    """Give a customer the period that was paid for, or that costs nothing."""
    before = customer.current_plan_id
    if period.terms["interval"] != customer.terms["interval"]:
        customer.billing_anchor_at, customer.periods_since_anchor = period.start, 0
    if period.plan_id == customer.next_plan_id:
        mark_sold(session, Plan.get(session, period.plan_id), at=now)
        customer.current_plan_id, customer.terms = period.plan_id, period.terms
        customer.next_plan_id = customer.next_terms = None
    customer.subscription_ends_at = period.end
    customer.periods_since_anchor += 1
    customer.billing_cycles_done += 1
    if customer.status is not CustomerStatus.ACTIVE:
        customer.become(CustomerStatus.ACTIVE)
    customer.dunning_step, customer.first_failed_at = 0, None
    customer.next_charge_at = next_charge(customer)
    if customer.current_plan_id != before:
        _tell_switch(session, customer, before, actor)


def _tell_switch(session: Session, customer: Customer, before: UUID, actor: Actor) -> None:
    emit(
        session,
        "billing.plan_switched",
        customer,
        actor=actor,
        data={
            "user_id": customer.user_id,
            "product_id": customer.product_id,
            "from_plan_id": before,
            "plan_id": customer.current_plan_id,
            "amount": 0,
            "next_charge_at": customer.next_charge_at,
        },
    )
