"""Reckoning a change of plan: what it costs today, from when it counts, and what follows.

Nothing here reads or writes rows. Prices are tax-inclusive cents; days are dates on a Paris
calendar, so that a night of 23 or 25 hours is one day like any other.
"""

import enum
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from models.base import Json
from models.billing.periods import period_end
from models.billing.quote import Quote, QuoteLine
from models.clock import paris
from models.errors import N_
from models.money import share

DIFFERENCE = N_("Change of plan, for the days left of the period")
CREDIT = N_("Days left of the plan before")


class SwitchWhen(enum.StrEnum):
    NOW = "now"
    PERIOD_END = "period_end"


@dataclass(frozen=True)
class PaidPeriod:
    """The period that a customer has paid for."""

    start: datetime
    end: datetime

    @property
    def days(self) -> int:
        """Its length in Paris days, never below one."""
        return max(1, days_between(self.start, self.end))

    def days_left(self, now: datetime) -> int:
        """The days of it still to come, today counted, the day it ends on not; 0 once it is
        over, and all of them before it begins."""
        return min(self.days, max(0, days_between(now, self.end)))


@dataclass(frozen=True)
class Switch:
    """A change of plan as it would be made at one instant.

    ``lines`` are what is charged today, none where nothing is. ``terms`` are what renewals
    charge from then on. ``moves_anchor``: a period of its own starts now. ``credit_lost`` is
    what the days left are worth beyond the new price, which is not paid out.
    """

    plan_id: UUID
    terms: Quote
    when: SwitchWhen
    lines: tuple[QuoteLine, ...]
    period_start: datetime
    period_end: datetime | None
    moves_anchor: bool = False
    days_left: int = 0
    days_in_period: int = 0
    credit_lost: int = 0

    @property
    def charge(self) -> int:
        """What is charged today."""
        return sum(line.total for line in self.lines)

    @property
    def next_price(self) -> int:
        """What each period costs from then on."""
        return self.terms.price

    def to_json(self) -> Json:
        """What an invoice keeps of it, so that whoever settles the payment can apply it."""
        return {"terms": self.terms.to_json(), "moves_anchor": self.moves_anchor}


def days_between(start: datetime, end: datetime) -> int:
    """How many times midnight strikes in Paris between two instants."""
    return (paris(end).date() - paris(start).date()).days


def terms_after_switch(quote: Quote) -> Quote:
    """A plan's terms for somebody who is a customer already: no trial and no setup fee."""
    return replace(quote, trial_days=None, trial_amount=0, setup_fee=0)


def switch_in_trial(plan_id: UUID, quote: Quote, *, trial_ends_at: datetime) -> Switch:
    """Nothing was paid yet, so any plan may take the place of the first: its price is charged
    when the trial ends, which stays where it is."""
    return Switch(
        plan_id=plan_id,
        terms=terms_after_switch(quote),
        when=SwitchWhen.NOW,
        lines=(),
        period_start=trial_ends_at,
        period_end=period_end(trial_ends_at, 1, quote.interval),
    )


def reckon_switch(
    plan_id: UUID, quote: Quote, *, former: Quote, period: PaidPeriod, now: datetime
) -> Switch:
    """The change from ``former`` to a plan's ``quote`` within a paid period.

    Same interval, as dear or dearer: now, half-up((new − old) × days left ÷ days in the
    period), and the period stays. Same interval, cheaper: at the period's end, for nothing.
    Another interval: now, the new price less half-up(old × days left ÷ days in the period),
    never below zero, and a period of its own starts.
    """
    terms = terms_after_switch(quote)
    left, days = period.days_left(now), period.days
    if quote.interval is not former.interval:
        return _to_another_interval(plan_id, terms, former, left, days, now)
    if quote.price < former.price:
        return Switch(
            plan_id=plan_id,
            terms=terms,
            when=SwitchWhen.PERIOD_END,
            lines=(),
            period_start=period.end,
            period_end=None,
            days_left=left,
            days_in_period=days,
        )
    difference = share(quote.price - former.price, left, days)
    return Switch(
        plan_id=plan_id,
        terms=terms,
        when=SwitchWhen.NOW,
        lines=_lines(QuoteLine(DIFFERENCE, difference)),
        period_start=now,
        period_end=period.end,
        days_left=left,
        days_in_period=days,
    )


def _to_another_interval(
    plan_id: UUID, terms: Quote, former: Quote, left: int, days: int, now: datetime
) -> Switch:
    credit = share(former.price, left, days)
    used = min(credit, terms.price)
    name = f"{terms.product_name} · {terms.plan_name}"
    lines = _lines(QuoteLine(name, terms.price), QuoteLine(CREDIT, -used))
    return Switch(
        plan_id=plan_id,
        terms=terms,
        when=SwitchWhen.NOW,
        lines=lines if terms.price > used else (),
        period_start=now,
        period_end=period_end(now, 1, terms.interval),
        moves_anchor=True,
        days_left=left,
        days_in_period=days,
        credit_lost=credit - used,
    )


def _lines(*lines: QuoteLine) -> tuple[QuoteLine, ...]:
    """Lines of nothing are left out."""
    return tuple(line for line in lines if line.total)
