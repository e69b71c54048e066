"""Changes of plan, whatever the dates and prices: nobody pays twice, nobody is paid."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from models.billing.periods import period_end
from models.billing.quote import Quote
from models.billing.reckon_switch import PaidPeriod, SwitchWhen, reckon_switch
from models.catalog import BillingInterval
from models.ids import new_id

INTERVALS = st.sampled_from([each for each in BillingInterval if each.renews])
PRICES = st.integers(0, 1_000_000)
ANCHORS = st.integers(0, 6 * 365 * 24 * 60).map(
    lambda minutes: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
PLACES = st.integers(-40, 999)
"""How far into the period, in thousandths; below zero before it begins, as after a renewal that
was charged a day early."""


def terms(price, interval):
    return Quote("Product", "Plan", price, "EUR", interval, None, 0, 0, None)


def found(old, new, before, after, anchor, place):
    period = PaidPeriod(anchor, period_end(anchor, 1, before))
    now = anchor + (period.end - anchor) * place // 1000
    switch = reckon_switch(
        new_id(), terms(new, after), former=terms(old, before), period=period, now=now
    )
    return switch, period, now


@given(PRICES, PRICES, INTERVALS, ANCHORS, PLACES)
def test_the_same_interval_costs_at_most_the_difference(old, new, interval, anchor, place):
    switch, period, _ = found(old, new, interval, interval, anchor, place)
    assert 0 <= switch.charge <= max(0, new - old)
    assert 0 <= switch.days_left <= switch.days_in_period == period.days
    assert (switch.when is SwitchWhen.PERIOD_END) == (new < old)
    assert not switch.moves_anchor


@given(PRICES, PRICES, INTERVALS, INTERVALS, ANCHORS, PLACES)
def test_another_interval_never_costs_more_than_its_price(old, new, before, after, anchor, place):
    switch, _, now = found(old, new, before, after, anchor, place)
    if before is after:
        return
    assert 0 <= switch.charge <= new
    assert switch.period_end == period_end(now, 1, after)
    credit = new - switch.charge + switch.credit_lost
    assert 0 <= credit <= old
    assert switch.credit_lost == 0 or switch.charge == 0
    assert sum(line.total for line in switch.lines) == switch.charge


@given(PRICES, PRICES, INTERVALS, ANCHORS, PLACES)
def test_waiting_never_makes_it_dearer(old, new, interval, anchor, place):
    switch, period, now = found(old, new, interval, interval, anchor, place)
    tomorrow = min(now + timedelta(days=1), period.end)
    later = reckon_switch(
        new_id(), terms(new, interval), former=terms(old, interval), period=period, now=tomorrow
    )
    assert later.charge <= switch.charge
