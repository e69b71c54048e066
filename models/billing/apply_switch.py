"""Applying a change of plan: the customer's terms and dates, once nothing is left to pay."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from models.billing.customer import Customer
from models.billing.invoice import Invoice, InvoiceStatus
from models.billing.next_charge import next_charge
from models.billing.quote import Quote
from models.billing.reckon_switch import Switch
from models.catalog import Plan
from models.catalog.edit_plan import mark_sold
from models.oversight import SYSTEM, Actor, emit


def apply_switch(
    session: Session,
    customer: Customer,
    invoice: Invoice,
    *,
    now: datetime,
    actor: Actor = SYSTEM,
) -> bool:
    """Give a customer the plan that a paid UPGRADE invoice is for; the caller holds their row.

    The dates are those of the instant the change was asked for, however late its payment is
    known. False for somebody whose purchase has ended meanwhile: nothing is applied, and the
    owner is told of money that has to be given back.
    """
    kept = invoice.switch or {}
    if not customer.is_running or not kept:
        emit(
            session,
            "billing.switch_unapplied",
            invoice,
            actor=actor,
            data={"user_id": customer.user_id, "amount": invoice.amount_including_tax},
        )
        return False
    _give(
        session,
        customer,
        invoice.plan_id,
        Quote.from_json(kept["terms"]),
        own_period=(invoice.period_start, invoice.period_end) if kept["moves_anchor"] else None,
        charged=invoice.amount_including_tax,
        actor=actor,
        now=now,
    )
    return True


def apply_unpaid(
    session: Session, customer: Customer, switch: Switch, *, actor: Actor, now: datetime
) -> Customer:
    """Give a customer a plan at once where nothing is to be paid for it today."""
    return _give(
        session,
        customer,
        switch.plan_id,
        switch.terms,
        own_period=(switch.period_start, switch.period_end) if switch.moves_anchor else None,
        charged=0,
        actor=actor,
        now=now,
    )


def _give(
    session: Session,
    customer: Customer,
    plan_id: UUID,
    terms: Quote,
    *,
    own_period: tuple[datetime, datetime | None] | None,
    charged: int,
    actor: Actor,
    now: datetime,
) -> Customer:
    """``own_period`` is the paid period that begins with the new plan, None where the present
    one goes on; only the first counts as a cycle."""
    before = customer.current_plan_id
    mark_sold(session, Plan.get(session, plan_id), at=now)
    customer.current_plan_id = plan_id
    customer.terms = terms.to_json()
    customer.next_plan_id = customer.next_terms = None
    if own_period is not None:
        customer.billing_anchor_at, customer.subscription_ends_at = own_period
        customer.periods_since_anchor = 1
        customer.billing_cycles_done += 1
    customer.next_charge_at = next_charge(customer)
    emit(
        session,
        "billing.plan_switched",
        customer,
        actor=actor,
        data={
            "user_id": customer.user_id,
            "product_id": customer.product_id,
            "from_plan_id": before,
            "plan_id": plan_id,
            "amount": charged,
            "next_charge_at": customer.next_charge_at,
        },
    )
    return customer


def give_up_switch(
    session: Session,
    invoice: Invoice,
    *,
    because: str | None,
    now: datetime,
    actor: Actor = SYSTEM,
) -> Invoice:
    """Void an UPGRADE invoice that will not be paid: its customer keeps plan and dates.

    A second call changes nothing. No number is used up.
    """
    if invoice.status not in (InvoiceStatus.DRAFT, InvoiceStatus.PENDING):
        return invoice
    invoice.become(InvoiceStatus.VOID)
    invoice.voided_at = now
    emit(
        session,
        "billing.switch_given_up",
        invoice,
        actor=actor,
        reason=because,
        data={"plan_id": invoice.plan_id, "amount": invoice.amount_including_tax},
    )
    return invoice
