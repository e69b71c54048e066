"""Giving somebody a product free until a date, by the owner: no invoice, no charge after it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.accounts import User
from models.accounts.use_magic_link import Suspended
from models.billing.customer import Customer, CustomerStatus, customer_of
from models.billing.open_accesses import open_accesses
from models.billing.quote import quote_of
from models.billing.reckon_switch import terms_after_switch
from models.catalog import Plan, Product
from models.errors import N_, BadInput, DomainError
from models.oversight import Actor, emit


class PaysAlready(DomainError):
    code = "pays_already"
    message = N_("This person has “%(product)s” already: extend their period instead.")


class NotAhead(BadInput):
    code = "not_ahead"
    message = N_("The day must be in the future.")


class NoPlan(DomainError):
    code = "no_plan"
    message = N_("“%(product)s” has no plan yet: make one first.")


def grant_access(
    session: Session,
    user_id: UUID,
    product_id: UUID,
    *,
    until: datetime,
    reason: str,
    actor: Actor,
    now: datetime,
) -> Customer:
    """Open a product to a person until an instant, as a customer who is asked for nothing.

    Whoever has it free already gets the new end, be it earlier; a second call changes
    nothing. It counts in no revenue. Raises Missing, Suspended, NotAhead, NoPlan, and
    PaysAlready where the person bought it.
    """
    user = User.for_update(session, user_id)
    if user.is_suspended:
        raise Suspended
    product = Product.get(session, product_id)
    if until <= now:
        raise NotAhead(field="until")
    customer = customer_of(session, user_id, product_id)
    if customer is not None:
        customer = Customer.for_update(session, customer.id)
        if customer.is_running and not customer.is_complimentary:
            raise PaysAlready(product=product.name)
        if customer.is_running and customer.subscription_ends_at == until:
            return customer
    customer = _as_given(session, customer, user, product, until)
    open_accesses(session, customer, now=now)
    emit(
        session,
        "billing.access_granted",
        customer,
        actor=actor,
        reason=reason,
        data={"user_id": user_id, "product_id": product_id, "until": until},
    )
    return customer


def _as_given(
    session: Session, customer: Customer | None, user: User, product: Product, until: datetime
) -> Customer:
    """The customer's row, new or revived, as one who was given the product free."""
    plan = _plan_of(session, product)
    if customer is None:
        customer = Customer(user_id=user.id, product_id=product.id, status=CustomerStatus.ACTIVE)
        session.add(customer)
    elif not customer.is_running:
        customer.become(CustomerStatus.ACTIVE)
    customer.current_plan_id = plan.id
    customer.terms = terms_after_switch(quote_of(product, plan)).to_json()
    customer.is_complimentary = True
    customer.subscription_ends_at = until
    customer.trial_ends_at = customer.billing_anchor_at = customer.next_charge_at = None
    customer.periods_since_anchor = customer.billing_cycles_done = customer.dunning_step = 0
    customer.cancel_at_period_end = False
    customer.cancelled_at = customer.first_failed_at = customer.access_paused_at = None
    customer.next_plan_id = customer.next_terms = None
    session.flush()
    return customer


def _plan_of(session: Session, product: Product) -> Plan:
    """The plan that stands for what was given: the product's featured one, else its first."""
    plan = session.scalars(
        select(Plan)
        .where(Plan.product_id == product.id)
        .order_by(Plan.is_active.desc(), Plan.is_featured.desc(), Plan.id)
        .limit(1)
    ).first()
    if plan is None:
        raise NoPlan(product=product.name)
    return plan
