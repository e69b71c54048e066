"""The JSON endpoint of one's own purchases."""

from datetime import datetime
from uuid import UUID

from flask import Blueprint, Response
from flask_login import current_user

from models.accounts import Permission
from models.billing.own_purchases import OwnPurchase, own_purchases
from public.identity import member_reading, needs
from public.json_api import Answer, endpoint

pages = Blueprint("api_customers", __name__)


class CustomerProduct(Answer):
    """``slug`` is None for a product that is no longer on show."""

    id: UUID
    slug: str | None
    name: str


class CustomerPlan(Answer):
    """The terms as they were sold; ``price`` in cents."""

    id: UUID
    name: str
    price: int
    currency: str
    interval: str


class CustomerCommunity(Answer):
    slug: str
    name: str


class CustomerShown(Answer):
    """One purchase and where it stands. ``next_charge_at`` is None where nothing is to come."""

    id: UUID
    status: str
    product: CustomerProduct
    plan: CustomerPlan
    community: CustomerCommunity | None
    trial_ends_at: datetime | None
    subscription_ends_at: datetime | None
    next_charge_at: datetime | None
    cancel_at_period_end: bool


class CustomersShown(Answer):
    customers: list[CustomerShown]


@pages.after_request
def _keep_nowhere(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"
    return answer


@pages.get("/api/customers")
@endpoint(answers=CustomersShown, refuses=(401,), tag="customers")
@needs(Permission.CUSTOMERS_READ_OWN)
def customers() -> CustomersShown:
    """What whoever is signed in has bought, running purchases first."""
    with member_reading() as session:
        purchases = own_purchases(session, current_user.id)
    return CustomersShown(customers=[_shown(purchase) for purchase in purchases])


def _shown(purchase: OwnPurchase) -> CustomerShown:
    customer, terms, community = purchase.customer, purchase.terms, purchase.community
    return CustomerShown(
        id=customer.id,
        status=customer.status.value,
        product=CustomerProduct(
            id=customer.product_id,
            slug=customer.product.slug if customer.product else None,
            name=purchase.product_name,
        ),
        plan=CustomerPlan(
            id=customer.current_plan_id,
            name=purchase.plan_name,
            price=terms.price if terms else 0,
            currency=terms.currency if terms else "EUR",
            interval=terms.interval.value if terms else "",
        ),
        community=CustomerCommunity(slug=community.slug, name=community.name)
        if community
        else None,
        trial_ends_at=customer.trial_ends_at,
        subscription_ends_at=customer.subscription_ends_at,
        next_charge_at=customer.next_charge_at,
        cancel_at_period_end=customer.cancel_at_period_end,
    )
