"""Monthly recurring revenue: what subscriptions that pay are worth per month, excluding tax."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from sqlalchemy import BigInteger, cast, func, select
from sqlalchemy.orm import Session

from models.billing.customer import Customer, CustomerStatus
from models.catalog import Plan
from models.money import round_half_up

PAYING = (CustomerStatus.ACTIVE, CustomerStatus.PAST_DUE)
"""Trials pay nothing yet; a declined renewal is still being tried."""


@dataclass(frozen=True, slots=True)
class Recurring:
    """How many subscriptions pay, and their worth per month in cents excluding tax."""

    subscriptions: int
    monthly: int


def mrr_of(session: Session, plan_id: UUID, *, vat_rate: Decimal) -> Recurring | None:
    """The MRR of one plan; None where it renews nothing. Raises Missing for an unknown plan.

    The sum of the prices as sold ÷ months of the interval ÷ (1 + rate), exact until it is
    rounded half-up, once. What was given free counts for nothing.
    """
    plan = Plan.get(session, plan_id)
    months = plan.billing_interval.months
    if months is None:
        return None
    as_sold = func.coalesce(cast(Customer.terms["price"].astext, BigInteger), plan.price_amount)
    count, prices = session.execute(
        select(func.count(), func.coalesce(func.sum(as_sold), 0)).where(
            Customer.current_plan_id == plan_id,
            Customer.status.in_(PAYING),
            Customer.is_complimentary.is_(False),
        )
    ).one()
    worth = Fraction(int(prices), months) / (1 + Fraction(vat_rate))
    return Recurring(subscriptions=count, monthly=round_half_up(worth))
