"""Changing a customer's plan: at once where it is dearer or billed otherwise, else later.

A composition around the charge: the invoice and what it will change are written down and
committed, the card is charged, and whoever settles the payment applies the change.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import clock
from models.billing.apply_switch import apply_unpaid, give_up_switch
from models.billing.charge_invoice import charge_invoice
from models.billing.customer import Customer
from models.billing.invoice import Invoice, InvoiceKind, InvoiceLine, InvoiceStatus
from models.billing.payment_attempt import AttemptOutcome, PaymentAttempt
from models.billing.preview_switch import reckoned
from models.billing.reckon_switch import Switch, SwitchWhen
from models.billing.standing import refuse_under_way, running
from models.billing.undo_switch import undo_switch
from models.errors import N_, DomainError
from models.money import without_tax
from models.oversight import Actor, emit
from models.session import staff_reading, unit_of_work
from models.settings import current_settings


class SwitchChanged(DomainError):
    """The price shown is not the price any more: a day has passed, or the plan changed."""

    code = "switch_changed"
    message = N_("What this change costs today is no longer what was shown. Look again.")


@dataclass(frozen=True)
class Switched:
    """What became of a change: ``outcome`` None where nothing was charged, SUCCEEDED where the
    new plan is in force; PENDING or NEEDS_ACTION (go to ``redirect_url``) where it will be once
    the payment is known; DECLINED or ERROR where nothing has changed."""

    switch: Switch
    invoice_id: UUID | None = None
    outcome: AttemptOutcome | None = None
    decline_code: str | None = None
    redirect_url: str | None = None

    @property
    def is_in_force(self) -> bool:
        """Whether the change is made, or waits for nothing but the period's end."""
        return self.outcome in (None, AttemptOutcome.SUCCEEDED)

    @property
    def is_refused(self) -> bool:
        """Whether the card was refused, so that everything stays as it was."""
        return self.outcome in (AttemptOutcome.DECLINED, AttemptOutcome.ERROR)


def switch_plan(
    customer_id: UUID, plan_id: UUID, *, actor: Actor, expects: int | None = None
) -> Switched:
    """Change a customer's plan as ``preview_switch`` shows it.

    ``expects`` is the charge that was shown, in cents: raises SwitchChanged where it is
    another by now. A plan asked for while a cheaper one waits takes its place; asking for
    the present plan then takes the waiting one back. Raises what ``preview_switch`` does,
    and PaymentUnderWay: of two changes at once only one is charged.
    """
    with unit_of_work() as session:
        now = clock.now()
        customer = running(session, customer_id)
        switch = reckoned(session, customer, plan_id, now=now)
        refuse_under_way(session, customer)
        if expects is not None and switch.charge != expects:
            raise SwitchChanged
        invoice = _begin(session, customer, switch, actor=actor, now=now)
    if invoice is None:
        return Switched(switch)
    by_customer = actor.user_id is not None and actor.user_id == customer.user_id
    outcome = charge_invoice(invoice.id, uses_retry=False, off_session=not by_customer)
    return _told(switch, invoice.id, outcome)


def _begin(
    session: Session, customer: Customer, switch: Switch, *, actor: Actor, now: datetime
) -> Invoice | None:
    """Make the change where nothing is to pay today, else ask for it on an invoice."""
    if switch.plan_id == customer.current_plan_id:
        undo_switch(session, customer.id, actor=actor, now=now)
        return None
    if switch.when is SwitchWhen.PERIOD_END:
        _plan_ahead(session, customer, switch, actor)
        return None
    if not switch.charge:
        apply_unpaid(session, customer, switch, actor=actor, now=now)
        return None
    return _ask(session, customer, switch, now)


def _plan_ahead(session: Session, customer: Customer, switch: Switch, actor: Actor) -> None:
    """Let the renewal at the period's end charge the new plan."""
    customer.next_plan_id = switch.plan_id
    customer.next_terms = switch.terms.to_json()
    emit(
        session,
        "billing.switch_planned",
        customer,
        actor=actor,
        data={
            "user_id": customer.user_id,
            "product_id": customer.product_id,
            "from_plan_id": customer.current_plan_id,
            "plan_id": switch.plan_id,
            "at": customer.subscription_ends_at,
        },
    )


def _ask(session: Session, customer: Customer, switch: Switch, now: datetime) -> Invoice:
    """An invoice of kind UPGRADE that waits for its payment and says what that will change."""
    rate = current_settings().vat_rate
    excluding, tax = without_tax(switch.charge, rate)
    invoice = Invoice(
        customer_id=customer.id,
        plan_id=switch.plan_id,
        kind=InvoiceKind.UPGRADE,
        status=InvoiceStatus.PENDING,
        period_start=switch.period_start,
        period_end=switch.period_end,
        amount_excluding_tax=excluding,
        tax_amount=tax,
        tax_rate=rate,
        amount_including_tax=switch.charge,
        currency=switch.terms.currency,
        due_at=now,
        switch=switch.to_json(),
    )
    invoice.lines = [
        InvoiceLine(
            position=position, label=line.label, unit_amount=line.unit_amount, total=line.total
        )
        for position, line in enumerate(switch.lines)
    ]
    session.add(invoice)
    session.flush()
    return invoice


def _told(switch: Switch, invoice_id: UUID, outcome: AttemptOutcome) -> Switched:
    """What the attempt's row says, for whoever asked; a sure no ends the invoice."""
    with staff_reading() as session:
        attempt = session.scalars(
            select(PaymentAttempt)
            .where(PaymentAttempt.invoice_id == invoice_id)
            .order_by(PaymentAttempt.attempt_no.desc())
            .limit(1)
        ).one()
    told = Switched(switch, invoice_id, outcome, attempt.decline_code, attempt.redirect_url)
    if told.is_refused:
        with unit_of_work() as session:
            give_up_switch(
                session,
                Invoice.for_update(session, invoice_id),
                because=attempt.decline_code or attempt.message,
                now=clock.now(),
            )
    return told
