"""Where periods and trials end: short months, leap years, both nights of the clock change."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from models.billing.periods import period_end, trial_end
from models.catalog import BillingInterval

PARIS = ZoneInfo("Europe/Paris")
MONTHLY, QUARTERLY, ANNUALLY = (
    BillingInterval.MONTHLY,
    BillingInterval.QUARTERLY,
    BillingInterval.ANNUALLY,
)


def at(text, fold=0):
    return datetime.fromisoformat(text).replace(tzinfo=PARIS, fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    ("anchor", "number", "interval", "ends"),
    [
        ("2026-01-31 10:00", 1, MONTHLY, "2026-02-28 10:00"),
        ("2026-01-31 10:00", 2, MONTHLY, "2026-03-31 10:00"),
        ("2026-01-31 10:00", 3, MONTHLY, "2026-04-30 10:00"),
        ("2028-01-31 10:00", 1, MONTHLY, "2028-02-29 10:00"),
        ("2027-12-31 20:00", 2, MONTHLY, "2028-02-29 20:00"),
        ("2027-12-31 20:00", 3, MONTHLY, "2028-03-31 20:00"),
        ("2026-11-30 08:15", 1, QUARTERLY, "2027-02-28 08:15"),
        ("2026-11-30 08:15", 2, QUARTERLY, "2027-05-30 08:15"),
        ("2027-11-30 08:15", 1, QUARTERLY, "2028-02-29 08:15"),
        ("2028-02-29 12:00", 1, ANNUALLY, "2029-02-28 12:00"),
        ("2028-02-29 12:00", 4, ANNUALLY, "2032-02-29 12:00"),
        ("2026-02-15 23:30", 2, MONTHLY, "2026-04-15 23:30"),
        ("2026-09-25 00:30", 2, MONTHLY, "2026-11-25 00:30"),
    ],
)
def test_a_period_ends_on_the_anchors_day_and_hour(anchor, number, interval, ends):
    assert period_end(at(anchor), number, interval) == at(ends)


@pytest.mark.parametrize("interval", [BillingInterval.ONE_TIME, BillingInterval.LIFETIME])
def test_what_never_renews_never_ends(interval):
    assert period_end(at("2026-01-31 10:00"), 1, interval) is None


class TestNightsOfTheClockChange:
    def test_an_hour_left_out_in_spring_falls_an_hour_later(self):
        ends = period_end(at("2026-02-28 02:30"), 1, MONTHLY)
        assert ends == at("2026-03-28 02:30")
        assert period_end(at("2026-03-01 02:30"), 1, MONTHLY) == at("2026-04-01 02:30")
        skipped = period_end(at("2026-01-29 02:30"), 2, MONTHLY)
        assert skipped == at("2026-03-29 03:30")

    def test_an_hour_that_comes_twice_in_autumn_is_the_first(self):
        ends = period_end(at("2026-09-25 02:30"), 1, MONTHLY)
        assert ends == at("2026-10-25 02:30", fold=0)

    def test_the_day_after_is_back_on_the_anchors_hour(self):
        assert period_end(at("2026-01-29 02:30"), 3, MONTHLY) == at("2026-04-29 02:30")

    def test_an_anchor_in_the_hour_that_comes_twice(self):
        assert period_end(at("2026-10-25 02:30", fold=1), 1, MONTHLY) == at("2026-11-25 02:30")


@pytest.mark.parametrize(
    ("start", "days", "ends"),
    [
        ("2026-03-10 12:00", 14, "2026-03-24 12:00"),
        ("2026-03-20 12:00", 14, "2026-04-03 12:00"),  # 335 hours: a spring night is short
        ("2026-10-20 12:00", 7, "2026-10-27 12:00"),  # 169 hours
        ("2028-02-20 12:00", 10, "2028-03-01 12:00"),
    ],
)
def test_a_trial_ends_at_the_same_hour_that_many_dates_later(start, days, ends):
    assert trial_end(at(start), days) == at(ends)
