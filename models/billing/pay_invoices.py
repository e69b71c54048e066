"""Paying invoices: numbers, mentions, the customers' new dates, and what others add."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.accounts import User
from models.base import among
from models.billing.apply_switch import apply_switch
from models.billing.begin_period import begin_period, period_of
from models.billing.capture_endpoint import CaptureEndpoint, CapturePurpose, CaptureStatus
from models.billing.customer import Customer
from models.billing.invoice import Invoice, InvoiceKind, InvoiceStatus
from models.billing.issue_invoice import Buyer, mentions_for
from models.billing.number_invoice import INVOICES, next_numbers
from models.billing.open_accesses import open_accesses
from models.billing.payment_attempt import PaymentAttempt
from models.billing.provider import Payment
from models.billing.quote import Quote
from models.billing.signals import invoices_paid
from models.catalog import PaymentButton
from models.oversight import Actor, emit_all
from models.oversight.emit import told_together


@dataclass
class Case:
    """One attempt with all that its settlement changes, locked."""

    attempt: PaymentAttempt
    invoice: Invoice
    customer: Customer
    payment: Payment


def pay_invoices(session: Session, cases: Sequence[Case], *, actor: Actor, now: datetime) -> None:
    """Pay these invoices, in this order, in one step of the counter.

    The counter's row is taken before memberships and ledger, as purchases do, so that two
    never wait for one another.
    """
    if not cases:
        return
    people = _people(session, [case.customer for case in cases])
    recovered = [case.customer for case in cases if case.customer.first_failed_at is not None]
    numbers = next_numbers(session, INVOICES, len(cases), at=now)
    with told_together(session):
        for case, number in zip(cases, numbers, strict=True):
            _issue(case, number, people[case.customer.user_id], now)
            _apply(session, case, actor, now)
        _reopen(session, recovered, now)
        invoices = [case.invoice for case in cases]
        invoices_paid.send(None, session=session, invoices=invoices, actor=actor, now=now)
        _tell(session, cases, recovered, actor)


def _people(session: Session, customers: Sequence[Customer]) -> Mapping[UUID, Buyer]:
    keys = {customer.user_id for customer in customers}
    rows = session.execute(_PEOPLE, {"keys": list(keys)})
    return {key: Buyer(name, email) for key, name, email in rows}


_PEOPLE = select(User.id, User.display_name, User.email).where(among(User.id, "keys"))


def _issue(case: Case, number: str, buyer: Buyer, now: datetime) -> None:
    invoice, payment = case.invoice, case.payment
    invoice.become(InvoiceStatus.PAID)
    invoice.number, invoice.paid_at = number, now
    invoice.payment_method_id = case.attempt.payment_method_id
    invoice.psp_payment_id, invoice.psp_status = payment.payment_id, payment.psp_status
    invoice.mentions = mentions_for(buyer, _quote_of(case), tax_rate=invoice.tax_rate)


def _apply(session: Session, case: Case, actor: Actor, now: datetime) -> None:
    """Give the customer what the invoice was for: another plan, or the next period."""
    customer, invoice = case.customer, case.invoice
    if invoice.kind is InvoiceKind.UPGRADE:
        apply_switch(session, customer, invoice, actor=actor, now=now)
        return
    begin_period(session, customer, period_of(customer, invoice), actor=actor, now=now)


def _quote_of(case: Case) -> Quote:
    """The terms that an invoice was asked for on."""
    switch = case.invoice.switch
    if switch is not None:
        return Quote.from_json(switch["terms"])
    return period_of(case.customer, case.invoice).quote


def _reopen(session: Session, customers: Sequence[Customer], now: datetime) -> None:
    """Give back what was paused for want of this payment."""
    for customer in customers:
        if customer.access_paused_at is not None:
            open_accesses(session, customer, now=now)
            customer.access_paused_at = None


def _tell(
    session: Session, cases: Sequence[Case], recovered: Sequence[Customer], actor: Actor
) -> None:
    buttons = _buttons(session, [case.customer for case in cases])
    emit_all(
        session,
        "billing.invoice_paid",
        [(case.invoice, _facts(case, buttons.get(case.customer.id))) for case in cases],
        actor=actor,
    )
    emit_all(
        session,
        "billing.payment_recovered",
        [
            (customer, {"user_id": customer.user_id, "product_id": customer.product_id})
            for customer in recovered
        ],
        actor=actor,
    )


def _facts(case: Case, button_id: UUID | None) -> dict[str, Any]:
    invoice, customer = case.invoice, case.customer
    return {
        "user_id": customer.user_id,
        "button_id": button_id,
        "customer_id": customer.id,
        "product_id": customer.product_id,
        "plan_id": invoice.plan_id,
        "invoice_id": invoice.id,
        "amount": invoice.amount_including_tax,
    }


def _buttons(session: Session, customers: Sequence[Customer]) -> dict[UUID, UUID]:
    """Per customer: the button they came through, where its endpoint is told of payments."""
    rows = session.execute(_BUTTONS, {"keys": [customer.id for customer in customers]})
    return {customer: button for customer, button in rows if customer and button}


_BUTTONS = (
    select(CaptureEndpoint.customer_id, CaptureEndpoint.button_id)
    .join(PaymentButton, PaymentButton.id == CaptureEndpoint.button_id)
    .where(
        among(CaptureEndpoint.customer_id, "keys"),
        CaptureEndpoint.purpose == CapturePurpose.PURCHASE,
        CaptureEndpoint.status == CaptureStatus.COMPLETED,
        PaymentButton.webhook_url.is_not(None),
    )
    .order_by(CaptureEndpoint.completed_at)
)
