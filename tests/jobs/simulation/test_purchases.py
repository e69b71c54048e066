"""What purchases give, to the cent and the second: worked out by hand from the documents."""

from datetime import datetime, timedelta

import pytest

from models import clock
from models.settings import current_settings
from tests.jobs.simulation.conftest import BUSINESS, buy, click

PROGRAM = BUSINESS["products"][0]["program"]


def plan(**terms):
    base = {"slug": "premium-monthly", "product": "premium", "price": 4900, "interval": "MONTHLY"}
    return [{**base, **terms}]


def instant(text):
    return datetime.fromisoformat(text)


class TestTax:
    @pytest.mark.parametrize(
        ("rate", "price", "excluding", "tax", "commission"),
        [
            ("0.20", 4900, 4083, 817, 1225),
            ("0", 4900, 4900, 0, 1470),
            ("0.20", 1, 1, 0, 0),
            ("0.055", 999, 947, 52, 284),
            ("0.20", 25000, 20833, 4167, 6250),
        ],
    )
    def test_is_taken_out_of_the_price(self, play, rate, price, excluding, tax, commission):
        result = play(click(), buy(), settings={"vat_rate": rate}, plans=plan(price=price))

        (invoice,) = result["invoices"]
        assert invoice["amount_excluding_tax"] == excluding
        assert invoice["tax_amount"] == tax
        assert invoice["amount_including_tax"] == price
        assert result["affiliates"]["alice"]["earned"] == commission
        assert result["verify"]["ok"]


class TestPeriods:
    @pytest.mark.parametrize(
        ("start", "interval", "ends"),
        [
            ("2026-01-31T09:00:00+01:00", "MONTHLY", "2026-02-28T08:00:00Z"),
            ("2028-01-31T09:00:00+01:00", "MONTHLY", "2028-02-29T08:00:00Z"),
            ("2026-03-28T02:30:00+01:00", "MONTHLY", "2026-04-28T00:30:00Z"),
            ("2026-02-28T02:30:00+01:00", "MONTHLY", "2026-03-28T01:30:00Z"),
            ("2026-09-25T02:30:00+02:00", "MONTHLY", "2026-10-25T00:30:00Z"),
            ("2026-11-30T12:00:00+01:00", "QUARTERLY", "2027-02-28T11:00:00Z"),
            ("2028-02-29T12:00:00+01:00", "ANNUALLY", "2029-02-28T11:00:00Z"),
            ("2026-12-31T23:30:00+01:00", "MONTHLY", "2027-01-31T22:30:00Z"),
        ],
    )
    def test_end_on_the_same_wall_clock(self, play, start, interval, ends):
        until = (instant(start) + timedelta(hours=3)).isoformat()
        result = play(
            buy(visitor=None, at="+0d"), start=start, until=until, plans=plan(interval=interval)
        )

        (customer,) = result["customers"]
        assert result["invoices"][0]["period_end"] == ends
        assert customer["subscription_ends_at"] == ends
        assert customer["next_charge_at"] == ends
        assert customer["billing_cycles_done"] == 1

    @pytest.mark.parametrize("interval", ["ONE_TIME", "LIFETIME"])
    def test_never_end_for_what_is_bought_once(self, play, interval):
        result = play(buy(visitor=None), plans=plan(interval=interval))

        (customer,) = result["customers"]
        assert customer["status"] == "ACTIVE"
        assert customer["subscription_ends_at"] is None
        assert customer["next_charge_at"] is None


class TestTrials:
    def test_free_charges_nothing_and_attributes_all_the_same(self, play):
        result = play(click(), buy(), plans=plan(trial_days=14))

        (customer,) = result["customers"]
        assert customer["status"] == "TRIAL"
        assert customer["trial_ends_at"] == "2026-03-24T10:00:00Z"
        assert customer["next_charge_at"] == "2026-03-24T10:00:00Z"
        assert customer["billing_cycles_done"] == 0
        assert result["invoices"] == []
        assert result["commissions"] == []

    def test_paid_is_invoiced_with_its_setup_fee(self, play):
        result = play(click(), buy(), plans=plan(trial_days=7, trial_amount=100, setup_fee=1900))

        invoice, first = result["invoices"]
        assert invoice["kind"] == "TRIAL"
        assert first["kind"] == "FIRST"
        assert first["period_start"] == invoice["period_end"]
        assert invoice["amount_including_tax"] == 2000
        assert invoice["period_end"] == result["customers"][0]["trial_ends_at"]
        assert result["commissions"][0]["base_amount"] == 1667

    def test_free_with_a_setup_fee_invoices_the_fee(self, play):
        result = play(buy(visitor=None), plans=plan(trial_days=7, setup_fee=1900))

        assert [(row["kind"], row["amount_including_tax"]) for row in result["invoices"]] == [
            ("TRIAL", 1900),
            ("FIRST", 4900),
        ]


class TestAttribution:
    def test_goes_to_the_last_click(self, play):
        affiliates = [
            {"slug": "alice", "email": "alice@example.org"},
            {"slug": "karim", "email": "karim@example.org"},
        ]
        result = play(click(), click(ref="karim", at="+0d0h40m"), buy(), affiliates=affiliates)

        assert [row["affiliate"] for row in result["commissions"]] == ["karim"]

    @pytest.mark.parametrize(("day", "earns"), [("+29d23h59m", 1), ("+30d", 0), ("+31d", 0)])
    def test_ends_with_the_programs_days(self, play, day, earns):
        result = play(click(), buy(at=day), until="2026-04-12T00:00:00+02:00")

        assert len(result["commissions"]) == earns

    def test_of_an_own_purchase_earns_nothing(self, play):
        result = play(click(), buy(email="alice@example.org"))

        assert len(result["invoices"]) == 1
        assert result["commissions"] == []
        assert result["ledger"] == []

    def test_without_a_click_or_program_earns_nothing(self, play):
        without = [{"slug": "premium", "name": "Premium", "community": "academy"}]

        assert play(buy(visitor=None))["commissions"] == []
        assert play(click(), buy(), products=without)["commissions"] == []

    def test_to_an_inactive_program_or_suspended_affiliate_earns_nothing(self, play):
        inactive = [{**BUSINESS["products"][0], "program": {**PROGRAM, "is_active": False}}]
        suspend = {"at": "+0d0h30m", "do": "suspend", "affiliate": "alice"}

        assert play(click(), buy(), products=inactive)["commissions"] == []
        assert play(click(), suspend, buy())["commissions"] == []


class TestLockProfiles:
    @pytest.mark.parametrize(
        ("risk", "main", "days", "extended_days"),
        [
            ("NORMAL", 980, 45, 90),
            ("AT_RISK", 980, 60, 90),
            ("HIGH_RISK", 857, 90, 120),
            ("EXTREME_RISK", 735, 90, 180),
        ],
    )
    def test_follow_the_risk_level(self, play, risk, main, days, extended_days):
        result = play(
            click(),
            buy(),
            affiliates=[{"slug": "alice", "email": "alice@example.org", "risk": risk}],
        )

        (row,) = result["commissions"]
        assert (row["main_amount"], row["extended_amount"]) == (main, 1225 - main)
        earned = instant(row["earned_at"])
        assert instant(row["locked_until"]) == earned + timedelta(days=days)
        assert instant(row["extended_locked_until"]) == earned + timedelta(days=extended_days)

    @pytest.mark.parametrize(
        ("age", "main", "days", "extended_days"),
        [
            ("+30d1h", 980, 45, 90),
            ("+31d1h", 1041, 40, 60),
            ("+60d1h", 1041, 40, 60),
            ("+61d1h", 1102, 35, 40),
            ("+90d1h", 1102, 35, 40),
            ("+91d1h", 1151, 30, 40),
        ],
    )
    def test_follow_the_age_since_the_first_commission(self, play, age, main, days, extended_days):
        once = plan(interval="ONE_TIME")
        result = play(
            click(),
            buy(),
            click(visitor="v2", at=age),
            buy(email="zoe@example.org", visitor="v2", at=age),
            until="2026-06-20T00:00:00+02:00",
            plans=once,
        )

        row = result["commissions"][1]
        assert (row["main_amount"], row["extended_amount"]) == (main, 1225 - main)
        earned = instant(row["earned_at"])
        assert instant(row["locked_until"]) == earned + timedelta(days=days)
        assert instant(row["extended_locked_until"]) == earned + timedelta(days=extended_days)

    def test_follow_a_new_table_from_its_day_on(self, play):
        rules = {
            "at": "+1d",
            "do": "set_lock_rules",
            "rows": [
                {
                    "profile": "NEW",
                    "main_percent": "50",
                    "main_days": 10,
                    "extended_percent": "50",
                    "extended_days": 20,
                }
            ],
        }
        result = play(
            click(),
            buy(),
            rules,
            click(visitor="v2", at="+2d"),
            buy(email="zoe@example.org", visitor="v2", at="+2d"),
        )

        assert [row["main_amount"] for row in result["commissions"]] == [980, 612]


class TestRates:
    @pytest.mark.parametrize(
        ("program", "percent", "rate", "total"),
        [
            ({"rate": "12.5"}, None, "12.5", 510),
            ({"rate": "30"}, "40", "40", 1633),
            ({"rate": "30"}, "0", None, None),
            ({"type": "fixed", "rate": "1000"}, None, "1000", 1000),
            ({"type": "fixed", "rate": "9000"}, None, "9000", 4083),
        ],
    )
    def test_are_the_plans_else_the_programs(self, play, program, percent, rate, total):
        products = [{**BUSINESS["products"][0], "program": {**PROGRAM, **program}}]
        terms = {} if percent is None else {"commission_percent": percent}
        result = play(click(), buy(), products=products, plans=plan(**terms))

        found = [(row["rate_applied"], row["total_amount"]) for row in result["commissions"]]
        assert found == ([] if rate is None else [(rate, total)])


class TestRefusals:
    def test_are_listed_with_their_event_and_code(self, play):
        result = play(
            buy(visitor=None),
            buy(visitor=None, at="+1d"),
            buy(visitor=None, email="zoe@example.org", button="nothing", at="+2d"),
            click(ref="nobody", at="+3d"),
        )

        assert [row["event"] for row in result["refused"]] == [1, 2, 3]
        assert all(row["code"] for row in result["refused"])

    @pytest.mark.parametrize(
        "card", ["4000000000000002", "4000000000009995", "4000000000000069", "4000000000009979"]
    )
    def test_do_not_list_a_declined_card_and_nothing_is_sold(self, play, card):
        result = play(click(), buy(card=card))

        assert result["refused"] == []
        assert result["customers"] == []
        assert result["invoices"] == []
        assert result["ledger"] == []

    def test_after_a_declined_card_another_checkout_sells(self, play):
        result = play(click(), buy(card="4000000000000002"), buy(at="+0d2h"))

        assert [row["number"] for row in result["invoices"]] == ["WS-2026-000001"]
        assert len(result["commissions"]) == 1


class TestCards:
    @pytest.mark.parametrize("card", ["4000002500003155", "4000000000000119", "4000000000000341"])
    def test_that_need_the_bank_or_lose_their_answer_still_buy_once(self, play, card):
        result = play(click(), buy(card=card))

        assert [row["status"] for row in result["invoices"]] == ["PAID"]
        assert len(result["commissions"]) == 1
        assert result["verify"]["ok"]


class TestResult:
    def test_is_the_same_twice(self, play):
        events = [click(), buy(), click(visitor="v2", at="+1d")]

        assert play(*events) == play(*events)

    def test_lists_what_happened_in_one_instant_in_the_order_written(self, play):
        people = [f"b{number}@example.org" for number in range(8)]
        result = play(click(), *(buy(email=email) for email in people))

        for part in ("customers", "invoices", "commissions"):
            assert [row["email"] for row in result[part]] == people
        numbers = [f"WS-2026-{number:06}" for number in range(1, 9)]
        assert [row["number"] for row in result["invoices"]] == numbers
        assert [row["invoice"] for row in result["commissions"]] == numbers

    def test_numbers_invoices_by_the_year_in_paris(self, play):
        result = play(
            buy(visitor=None, at="2026-12-31T22:30:00Z"),
            buy(visitor=None, email="zoe@example.org", at="2026-12-31T23:30:00Z"),
            start="2026-12-31T12:00:00+01:00",
            until="2027-01-02T12:00:00+01:00",
        )

        assert [row["number"] for row in result["invoices"]] == [
            "WS-2026-000001",
            "WS-2027-000001",
        ]

    def test_leaves_the_process_as_it_was(self, play, settings):
        play(click(), buy())

        assert current_settings() == settings
        assert clock.now() > instant("2026-06-01T00:00:00Z")
