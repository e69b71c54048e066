"""Changes of plan reckoned to the cent: days of a Paris calendar, halves up, never below zero."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from models.billing.periods import period_end
from models.billing.quote import Quote
from models.billing.reckon_switch import (
    CREDIT,
    DIFFERENCE,
    PaidPeriod,
    SwitchWhen,
    days_between,
    reckon_switch,
    switch_in_trial,
    terms_after_switch,
)
from models.catalog import BillingInterval
from models.clock import PARIS
from models.ids import new_id
from models.money import without_tax

MONTHLY, QUARTERLY, ANNUALLY = (
    BillingInterval.MONTHLY,
    BillingInterval.QUARTERLY,
    BillingInterval.ANNUALLY,
)


def terms(price, interval=MONTHLY, **values):
    values = {
        "product_name": "Premium",
        "plan_name": "Pro",
        "currency": "EUR",
        "trial_days": None,
        "trial_amount": 0,
        "setup_fee": 0,
        "max_billing_cycles": None,
        **values,
    }
    return Quote(price=price, interval=interval, **values)


def at(text):
    """An instant by the wall clock in Paris."""
    return datetime.fromisoformat(text).replace(tzinfo=PARIS).astimezone(UTC)


def month_from(text, interval=MONTHLY):
    anchor = at(text)
    return PaidPeriod(anchor, period_end(anchor, 1, interval))


def switch(new, *, former, period, now):
    return reckon_switch(new_id(), new, former=former, period=period, now=now)


class TestDays:
    @pytest.mark.parametrize(
        ("start", "end", "days"),
        [
            ("2026-03-01T12:00", "2026-04-01T12:00", 31),
            ("2026-02-01T12:00", "2026-03-01T12:00", 28),
            ("2028-02-01T12:00", "2028-03-01T12:00", 29),
            ("2026-03-28T23:59", "2026-03-29T00:01", 1),  # two minutes over midnight
            ("2026-03-29T00:01", "2026-03-29T23:59", 0),  # a day of 23 hours
            ("2026-03-28T23:30", "2026-03-30T00:30", 2),
            ("2026-10-25T00:30", "2026-10-26T00:30", 1),  # a day of 25 hours
        ],
    )
    def test_are_dates_in_paris(self, start, end, days):
        assert days_between(at(start), at(end)) == days

    def test_an_hour_of_utc_is_another_day_in_paris(self):
        late = datetime(2026, 3, 9, 23, 30, tzinfo=UTC)  # the tenth already in Paris
        period = month_from("2026-03-01T12:00")
        assert period.days_left(late) == 22
        assert period.days_left(late.replace(hour=22, minute=30)) == 23

    def test_are_never_below_zero(self):
        period = month_from("2026-03-01T12:00")
        assert period.days_left(at("2026-05-01T12:00")) == 0


class TestSameInterval:
    @pytest.mark.parametrize(
        ("start", "now", "left", "days", "charge"),
        [
            ("2026-03-01T12:00", "2026-03-01T12:00", 31, 31, 5000),  # the first instant: all of it
            ("2026-03-01T12:00", "2026-03-01T23:59", 31, 31, 5000),  # today counts as left
            ("2026-03-01T12:00", "2026-03-02T00:01", 30, 31, 4839),
            ("2026-03-01T12:00", "2026-03-16T12:00", 16, 31, 2581),
            ("2026-03-01T12:00", "2026-03-28T23:59", 4, 31, 645),
            ("2026-03-01T12:00", "2026-03-29T00:01", 3, 31, 484),  # the night without 02:30
            ("2026-03-01T12:00", "2026-03-31T12:00", 1, 31, 161),
            ("2026-03-01T12:00", "2026-04-01T11:59", 0, 31, 0),  # the day it ends on
            ("2026-02-01T12:00", "2026-02-15T12:00", 14, 28, 2500),
            ("2028-02-01T12:00", "2028-02-15T12:00", 15, 29, 2586),
            ("2026-01-31T12:00", "2026-02-14T12:00", 14, 28, 2500),  # ends on 28 February
            ("2026-04-01T12:00", "2026-04-16T12:00", 15, 30, 2500),
            ("2026-10-01T12:00", "2026-10-25T12:00", 7, 31, 1129),  # the day of 25 hours
        ],
    )
    def test_a_dearer_plan_costs_the_difference_of_the_days_left(
        self, start, now, left, days, charge
    ):
        period = month_from(start)
        found = switch(terms(9900), former=terms(4900), period=period, now=at(now))
        assert (found.days_left, found.days_in_period) == (left, days)
        assert found.charge == charge
        assert found.when is SwitchWhen.NOW
        assert not found.moves_anchor
        assert found.period_end == period.end
        assert [line.label for line in found.lines] == ([DIFFERENCE] if charge else [])

    @pytest.mark.parametrize(
        ("difference", "charge"), [(1, 1), (3, 2), (5, 3), (31, 16), (2, 1), (4, 2)]
    )
    def test_a_half_goes_up(self, difference, charge):
        found = switch(
            terms(1000 + difference),
            former=terms(1000),
            period=month_from("2026-02-01T12:00"),
            now=at("2026-02-15T12:00"),  # 14 days of 28
        )
        assert found.charge == charge

    def test_as_dear_a_plan_is_taken_at_once_for_nothing(self):
        period = month_from("2026-03-01T12:00")
        found = switch(terms(4900), former=terms(4900), period=period, now=at("2026-03-10T12:00"))
        assert (found.when, found.charge, found.moves_anchor) == (SwitchWhen.NOW, 0, False)

    def test_a_cheaper_plan_waits_for_the_periods_end(self):
        period = month_from("2026-03-01T12:00")
        found = switch(terms(1900), former=terms(4900), period=period, now=at("2026-03-10T12:00"))
        assert (found.when, found.charge, found.lines) == (SwitchWhen.PERIOD_END, 0, ())
        assert found.period_start == period.end
        assert found.next_price == 1900

    def test_the_tax_of_the_difference_is_in_it(self):
        period = month_from("2026-03-01T12:00")
        charge = switch(
            terms(9900), former=terms(4900), period=period, now=at("2026-03-16T12:00")
        ).charge
        assert without_tax(charge, Decimal("0.20")) == (2151, 430)

    @pytest.mark.parametrize(
        ("interval", "days", "charge"),
        [(QUARTERLY, 90, 4167), (ANNUALLY, 365, 4795)],
        ids=["quarter", "year"],
    )
    def test_longer_periods_are_reckoned_alike(self, interval, days, charge):
        found = switch(
            terms(10_000, interval),
            former=terms(5000, interval),
            period=month_from("2026-01-01T12:00", interval),
            now=at("2026-01-16T12:00"),
        )
        assert (found.days_left, found.days_in_period) == (days - 15, days)
        assert found.charge == charge


class TestAnotherInterval:
    def test_costs_the_new_price_less_the_days_left(self):
        now = at("2026-03-16T12:00")
        found = switch(
            terms(49_000, ANNUALLY),
            former=terms(4900),
            period=month_from("2026-03-01T12:00"),
            now=now,
        )
        credit = 2529  # half-up(4900 × 16 ÷ 31)
        assert found.charge == 49_000 - credit
        assert [(line.label, line.total) for line in found.lines] == [
            ("Premium · Pro", 49_000),
            (CREDIT, -credit),
        ]
        assert found.moves_anchor
        assert (found.period_start, found.period_end) == (now, at("2027-03-16T12:00"))
        assert found.credit_lost == 0

    def test_is_never_below_zero(self):
        found = switch(
            terms(4900),
            former=terms(49_000, ANNUALLY),
            period=month_from("2026-01-01T12:00", ANNUALLY),
            now=at("2026-02-01T12:00"),
        )
        assert (found.charge, found.lines) == (0, ())
        assert found.credit_lost == 44_838 - 4900
        assert found.moves_anchor

    def test_on_the_last_day_the_whole_price_is_due(self):
        period = month_from("2026-03-01T12:00")
        found = switch(
            terms(12_000, QUARTERLY), former=terms(4900), period=period, now=at("2026-04-01T11:00")
        )
        assert found.charge == 12_000
        assert len(found.lines) == 1

    def test_for_life_never_ends(self):
        found = switch(
            terms(99_000, BillingInterval.LIFETIME),
            former=terms(4900),
            period=month_from("2026-03-01T12:00"),
            now=at("2026-03-01T13:00"),
        )
        assert found.charge == 99_000 - 4900
        assert found.period_end is None

    def test_the_anchor_is_a_wall_time_over_a_change_of_hours(self):
        found = switch(
            terms(12_000, QUARTERLY),
            former=terms(4900),
            period=month_from("2026-03-01T12:00"),
            now=at("2026-03-16T09:30"),
        )
        assert found.period_end == at("2026-06-16T09:30")


class TestTerms:
    def test_a_customer_begins_no_trial_and_pays_no_entry(self):
        offer = terms(4900, trial_days=14, trial_amount=100, setup_fee=500)
        kept = terms_after_switch(offer)
        assert (kept.trial_days, kept.trial_amount, kept.setup_fee) == (None, 0, 0)
        assert kept.amount == 4900

    def test_in_a_trial_any_plan_is_taken_for_nothing(self):
        ends = at("2026-03-15T12:00")
        found = switch_in_trial(new_id(), terms(49_000, ANNUALLY), trial_ends_at=ends)
        assert (found.when, found.charge) == (SwitchWhen.NOW, 0)
        assert (found.period_start, found.period_end) == (ends, at("2027-03-15T12:00"))
        assert not found.moves_anchor
