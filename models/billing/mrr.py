"""Monthly recurring revenue: what subscriptions that pay are worth per month, excluding tax."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from sqlalchemy import func, select
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

    Price ÷ months of its interval ÷ (1 + rate) × subscriptions, exact until the sum is
    rounded half-up, once.
    """
    plan = Plan.get(session, plan_id)
    months = plan.billing_interval.months
    if months is None:
        return None
    paying = session.scalar(
        select(func.count()).where(Customer.current_plan_id == plan_id, Customer.status.in_(PAYING))
    )
    count = paying or 0
    worth = Fraction(plan.price_amount * count, months) / (1 + Fraction(vat_rate))
    return Recurring(subscriptions=count, monthly=round_half_up(worth))
