"""Making, changing, duplicating and closing plans. What was sold keeps its price."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from models.catalog.change import InUse, check_slug, check_text, delete_unused, take_over
from models.catalog.plan import BillingInterval, Plan
from models.catalog.product import Product
from models.errors import N_, BadInput, DomainError
from models.money import MOST_CENTS
from models.oversight import Actor, emit

FIXED_ONCE_SOLD = frozenset(
    {
        "price_amount",
        "billing_interval",
        "trial_days",
        "trial_amount",
        "setup_fee",
        "max_billing_cycles",
    }
)
EDITABLE = FIXED_ONCE_SOLD | {
    "slug",
    "name",
    "description",
    "commission_percent",
    "is_active",
    "is_featured",
    "extra",
}
MOST_CYCLES = 1200
"""A hundred years of months."""


class SoldPlan(DomainError):
    """Subscribers were promised this price."""

    code = "plan_sold"
    message = N_(
        "This plan has been sold, so its price, interval and trial stay as they are. "
        "Duplicate it as a new plan instead."
    )


def create_plan(
    session: Session,
    *,
    product_id: UUID,
    slug: str,
    name: str,
    price_amount: int,
    billing_interval: BillingInterval,
    actor: Actor,
    **values: Any,
) -> Plan:
    """Give a product a price, in tax-inclusive cents. Raises BadInput, Missing.

    The product is held, so that what it says of all its plans cannot change meanwhile.
    """
    product = Product.held(session, product_id)
    plan = Plan(
        product_id=product.id,
        slug=slug,
        name=name,
        price_amount=price_amount,
        billing_interval=billing_interval,
    )
    take_over(plan, values, EDITABLE)
    _check(session, plan, product)
    session.add(plan)
    emit(session, "catalog.plan_created", plan, actor=actor)
    return plan


def edit_plan(session: Session, plan_id: UUID, changes: Mapping[str, Any], *, actor: Actor) -> Plan:
    """Change a plan. Raises SoldPlan where a sold one's price, interval or trial would move.

    Switching it off stops new sales and leaves its subscriptions running.
    """
    plan = Plan.for_update(session, plan_id)
    moved = any(
        field in FIXED_ONCE_SOLD and getattr(plan, field) != value
        for field, value in changes.items()
    )
    if plan.sold_at and moved:
        raise SoldPlan
    with session.no_autoflush:
        if not take_over(plan, changes, EDITABLE):
            return plan
        _check(session, plan, Product.held(session, plan.product_id))
    emit(session, "catalog.plan_edited", plan, actor=actor)
    return plan


def duplicate_plan(
    session: Session, plan_id: UUID, *, slug: str, actor: Actor, **changes: Any
) -> Plan:
    """A new plan with the same terms but for the changes, free to be priced anew."""
    plan = Plan.get(session, plan_id)
    values = {field: getattr(plan, field) for field in EDITABLE - {"slug", "is_featured"}}
    return create_plan(
        session,
        product_id=plan.product_id,
        slug=slug,
        actor=actor,
        **{**values, **changes},
    )


def delete_plan(session: Session, plan_id: UUID, *, actor: Actor) -> None:
    """Delete a plan that was never sold and has no button. Raises InUse otherwise."""
    plan = Plan.for_update(session, plan_id)
    if plan.sold_at:
        raise InUse(name=plan.name)
    emit(session, "catalog.plan_deleted", plan, actor=actor)
    delete_unused(session, plan)


def mark_sold(session: Session, plan: Plan, *, at: datetime) -> None:
    """Remember a plan's first sale; later ones change nothing."""
    if plan.sold_at is None:
        plan.sold_at = at


def _check(session: Session, plan: Plan, product: Product) -> None:
    check_text("name", plan.name)
    check_slug(session, Plan.slug, plan.slug, but=plan.id)
    _check_amounts(plan, product)
    _check_interval(plan)
    if product.requires_trial and plan.is_active is not False and plan.trial_days is None:
        raise BadInput(
            N_("Every plan of this product begins with a trial: give its days."),
            field="trial_days",
        )
    if plan.commission_percent is not None and not 0 <= Decimal(plan.commission_percent) <= 100:
        raise BadInput(N_("A percentage between 0 and 100."), field="commission_percent")


def _check_amounts(plan: Plan, product: Product) -> None:
    for field in ("price_amount", "trial_amount", "setup_fee"):
        if not 0 <= (getattr(plan, field) or 0) <= MOST_CENTS:
            raise BadInput(N_("An amount between 0 and a million euros."), field=field)
    if (plan.price_amount == 0) != product.is_free:
        raise BadInput(
            N_("Only a free product's plans cost nothing, and all of them do."),
            field="price_amount",
        )


def _check_interval(plan: Plan) -> None:
    renews = BillingInterval(plan.billing_interval).renews
    if plan.trial_days is not None and not 1 <= plan.trial_days <= 730:
        raise BadInput(N_("A trial lasts between 1 and 730 days."), field="trial_days")
    if plan.trial_days is None and plan.trial_amount:
        raise BadInput(N_("A trial amount needs a number of trial days."), field="trial_days")
    if plan.trial_days is not None and not renews:
        raise BadInput(N_("Only a plan that renews can have a trial."), field="trial_days")
    most = plan.max_billing_cycles
    if most is not None and not (renews and 1 <= most <= MOST_CYCLES):
        raise BadInput(
            N_("A number of cycles, between 1 and %(most)s, and only for a plan that renews."),
            field="max_billing_cycles",
            most=MOST_CYCLES,
        )
