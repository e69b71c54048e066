"""Which clients of an affiliate are active; the database's ``my_clients`` counts by the same."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, cast, func, or_

from models.affiliation.attribution import Attribution
from models.billing import RUNNING, Customer
from models.catalog import Plan


def active_clients(*, now: datetime) -> tuple[Any, ...]:
    """Conditions on attributions, their customers and current plans: a running purchase, paid
    for or in the trial of a plan that is, under an attribution whose days have not passed.

    Own purchases and what was given free are nobody's clients.
    """
    return (
        Attribution.replaced_at.is_(None),
        ~Attribution.self_referral,
        or_(
            Attribution.converted_at.is_not(None),
            Attribution.expires_at.is_(None),
            Attribution.expires_at > now,
        ),
        Customer.status.in_(RUNNING),
        ~Customer.is_complimentary,
        func.greatest(
            _as_sold("price", Plan.price_amount),
            _as_sold("trial_amount", Plan.trial_amount),
            _as_sold("setup_fee", Plan.setup_fee),
        )
        > 0,
    )


def _as_sold(name: str, listed: Any) -> Any:
    """A term as the purchase has it, else as the plan lists it."""
    return func.coalesce(cast(Customer.terms[name].astext, BigInteger), listed)
