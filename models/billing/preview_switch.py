"""Looking at a change of plan before it is made: what it would cost, and why it may not be."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.billing.customer import Customer, CustomerStatus
from models.billing.invoice import EVER_PAID, Invoice, opens_a_period
from models.billing.next_charge import pays_again
from models.billing.periods import period_end
from models.billing.quote import Quote, quote_of
from models.billing.reckon_switch import (
    PaidPeriod,
    Switch,
    SwitchWhen,
    reckon_switch,
    switch_in_trial,
)
from models.billing.standing import Cancelling, Complimentary, NeverRenews, NotRunning, PastDue
from models.catalog import Plan, Product
from models.errors import N_, DomainError


class AnotherProduct(DomainError):
    code = "another_product"
    message = N_("This plan is of another product.")


class PlanOff(DomainError):
    code = "plan_inactive"
    message = N_("This plan is no longer on sale.")


class SamePlan(DomainError):
    code = "same_plan"
    message = N_("This is the present plan already.")


class CyclesUsedUp(DomainError):
    """The plan ends after so many payments, and as many have been made."""

    code = "cycles_used_up"
    message = N_("This plan has a fixed number of payments, and as many have been made already.")


class NoCard(DomainError):
    code = "no_card"
    message = N_("There is no card to charge. Add one first.")


def preview_switch(session: Session, customer_id: UUID, plan_id: UUID, *, now: datetime) -> Switch:
    """The change of plan as it would be made now; nothing is locked or written.

    Raises Missing and whatever ``reckoned`` refuses with.
    """
    return reckoned(session, Customer.get(session, customer_id), plan_id, now=now)


def reckoned(session: Session, customer: Customer, plan_id: UUID, *, now: datetime) -> Switch:
    """A customer's change to a plan at this instant.

    Raises NotRunning, Complimentary, PastDue, Cancelling, NeverRenews for what was bought for
    good and for a cheaper plan where nothing more is charged, AnotherProduct, PlanOff,
    SamePlan, CyclesUsedUp, and NoCard where there is something to pay, now or later, and no card.
    """
    _refuse_standing(customer)
    plan = _refuse_plan(customer, session.get(Plan, plan_id))
    if plan.id == customer.current_plan_id:
        return _as_it_is(customer)
    quote = quote_of(Product.get(session, plan.product_id), plan)
    if customer.default_payment_method_id is None and quote.price:
        raise NoCard
    most = quote.max_billing_cycles
    if most is not None and customer.billing_cycles_done >= most:
        raise CyclesUsedUp
    if customer.status is CustomerStatus.TRIAL:
        assert customer.trial_ends_at is not None
        return switch_in_trial(plan.id, quote, trial_ends_at=customer.trial_ends_at)
    former = Quote.from_json(customer.terms)
    period = paid_period(session, customer, former)
    switch = reckon_switch(plan.id, quote, former=former, period=period, now=now)
    if switch.when is SwitchWhen.PERIOD_END and not pays_again(customer):
        raise NeverRenews
    return switch


def _refuse_standing(customer: Customer) -> None:
    if not customer.is_running:
        raise NotRunning
    if customer.is_complimentary:
        raise Complimentary
    if customer.status is CustomerStatus.PAST_DUE:
        raise PastDue
    if customer.cancel_at_period_end:
        raise Cancelling
    if customer.status is CustomerStatus.ACTIVE and customer.subscription_ends_at is None:
        raise NeverRenews


def _refuse_plan(customer: Customer, plan: Plan | None) -> Plan:
    if plan is None or plan.product_id != customer.product_id:
        raise AnotherProduct
    if not plan.is_active:
        raise PlanOff
    if plan.id == customer.current_plan_id and customer.next_plan_id is None:
        raise SamePlan
    return plan


def _as_it_is(customer: Customer) -> Switch:
    """Staying with the present plan and its terms, where another waits."""
    end = customer.subscription_ends_at
    assert end is not None
    return Switch(
        plan_id=customer.current_plan_id,
        terms=Quote.from_json(customer.terms),
        when=SwitchWhen.NOW,
        lines=(),
        period_start=end,
        period_end=end,
    )


def paid_period(session: Session, customer: Customer, terms: Quote) -> PaidPeriod:
    """The period an active customer has paid for, with whatever the owner added to it.

    Reckoned from the anchor; after an extension, which moves the anchor to the period's end,
    it began where the last invoice that paid a period says.
    """
    end, anchor = customer.subscription_ends_at, customer.billing_anchor_at
    assert end is not None
    anchor = anchor or end
    paid = customer.periods_since_anchor
    if paid > 1:
        return PaidPeriod(period_end(anchor, paid - 1, terms.interval) or anchor, end)
    if paid == 1:
        return PaidPeriod(anchor, end)
    began = _began(session, customer) or period_end(anchor, -1, terms.interval) or anchor
    return PaidPeriod(began, end)


def _began(session: Session, customer: Customer) -> datetime | None:
    """Where the period that was paid last began, by its invoice."""
    return session.scalar(
        select(Invoice.period_start)
        .where(
            Invoice.customer_id == customer.id,
            Invoice.status.in_(EVER_PAID),
            opens_a_period(),
        )
        .order_by(Invoice.paid_at.desc(), Invoice.id.desc())
        .limit(1)
    )


def plans_to_switch_to(session: Session, customer: Customer) -> list[Plan]:
    """The other plans on sale of a customer's product, cheapest first."""
    return list(
        session.scalars(
            select(Plan)
            .where(
                Plan.product_id == customer.product_id,
                Plan.is_active,
                Plan.id != customer.current_plan_id,
            )
            .order_by(Plan.price_amount, Plan.id)
        )
    )
