"""Cancelling, coming back and switching plans: worked out by hand from document 03.

The purchase is of 10 March at 11:00 in Paris, so its period has 31 days and ends on 10 April.
"""

import pytest

from tests.jobs.simulation.conftest import buy, click, rows_of

BOB = {"email": "bob@example.org", "product": "premium"}
PLANS = [
    {"slug": "premium-monthly", "product": "premium", "price": 4900, "interval": "MONTHLY"},
    {"slug": "premium-plus", "product": "premium", "price": 9800, "interval": "MONTHLY"},
    {"slug": "premium-light", "product": "premium", "price": 2900, "interval": "MONTHLY"},
    {"slug": "premium-yearly", "product": "premium", "price": 49000, "interval": "ANNUALLY"},
]


def do(what, at, **more):
    return {"at": at, "do": what, **BOB, **more}


class TestCancel:
    def test_lets_the_period_run_out(self, play):
        def until(day):
            result = play(buy(visitor=None), do("cancel", "+5d"), until=day)
            (customer,) = result["customers"]
            assert len(result["invoices"]) == 1
            assert customer["next_charge_at"] is None
            assert customer["subscription_ends_at"] == "2026-04-10T09:00:00Z"
            return customer["status"], customer["cancel_at_period_end"]

        assert until("2026-04-10T10:00:00+02:00") == ("ACTIVE", True)
        assert until("2026-04-10T13:00:00+02:00") == ("CANCELLED", True)

    def test_undone_renews(self, play):
        result = play(
            buy(visitor=None),
            do("cancel", "+5d"),
            do("undo_cancel", "+6d"),
            until="2026-04-11T00:00:00+02:00",
        )

        assert [row["kind"] for row in result["invoices"]] == ["FIRST", "RENEWAL"]
        assert result["customers"][0]["cancel_at_period_end"] is False

    @pytest.mark.parametrize("what", ["cancel", "undo_cancel"])
    def test_of_what_nobody_bought_is_refused(self, play, what):
        result = play(do(what, "+1d"))

        assert result["refused"] == [{"event": 0, "code": "not_found"}]

    def test_of_one_that_is_past_due_and_over_ends_at_once(self, play):
        result = play(
            buy(visitor=None, card="4000000000000341"),
            do("cancel", "2026-04-13T12:00:00+02:00"),
            until="2026-04-14T00:00:00+02:00",
        )

        assert result["customers"][0]["status"] == "CANCELLED"
        assert [row["status"] for row in result["invoices"]] == ["PAID", "VOID"]


class TestSwitch:
    def test_to_a_dearer_plan_is_charged_for_the_days_left(self, play):
        """20 March counts as left: 21 of 31 days at 49 € more are 33.19 €."""
        result = play(
            click(),
            buy(),
            do("switch_plan", "+10d1h", to="premium-plus"),
            plans=PLANS,
            until="2026-04-11T00:00:00+02:00",
        )

        assert rows_of(
            result, "invoices", "kind", "plan", "amount_excluding_tax", "amount_including_tax"
        ) == [
            ("FIRST", "premium-monthly", 4083, 4900),
            ("UPGRADE", "premium-plus", 2766, 3319),
            ("RENEWAL", "premium-plus", 8167, 9800),
        ]
        # 30 % of 4083, of 2766 and of 8167.
        assert rows_of(result, "commissions", "total_amount") == [(1225,), (830,), (2450,)]
        (customer,) = result["customers"]
        assert customer["plan"] == "premium-plus"
        assert customer["subscription_ends_at"] == "2026-05-10T09:00:00Z"

    def test_to_a_cheaper_plan_waits_for_the_period_to_end(self, play):
        def until(day):
            result = play(
                buy(visitor=None),
                do("switch_plan", "+10d1h", to="premium-light"),
                plans=PLANS,
                until=day,
            )
            return result["customers"][0]["plan"], [
                row["amount_including_tax"] for row in result["invoices"]
            ]

        assert until("2026-04-09T00:00:00+02:00") == ("premium-monthly", [4900])
        assert until("2026-04-11T00:00:00+02:00") == ("premium-light", [4900, 2900])

    def test_to_another_interval_begins_anew(self, play):
        """What is left of 49 € after 10 of 31 days is 33.19 €: 490 − 33.19 are 456.81 €."""
        result = play(
            buy(visitor=None),
            do("switch_plan", "+10d1h", to="premium-yearly"),
            plans=PLANS,
            until="2026-04-11T00:00:00+02:00",
        )

        assert rows_of(
            result, "invoices", "kind", "amount_excluding_tax", "tax_amount", "amount_including_tax"
        ) == [("FIRST", 4083, 817, 4900), ("UPGRADE", 38068, 7613, 45681)]
        (customer,) = result["customers"]
        assert customer["subscription_ends_at"] == "2027-03-20T10:00:00Z"
        assert customer["next_charge_at"] == "2027-03-20T10:00:00Z"

    def test_that_cannot_be_paid_changes_nothing(self, play):
        result = play(
            buy(visitor=None, card="4000000000000341"),
            do("switch_plan", "+10d1h", to="premium-plus"),
            plans=PLANS,
            until="2026-03-25T00:00:00+01:00",
        )

        (customer,) = result["customers"]
        assert (customer["status"], customer["plan"]) == ("ACTIVE", "premium-monthly")
        assert [row["status"] for row in result["invoices"]] == ["PAID", "VOID"]

    def test_to_a_plan_that_is_not_there_is_refused(self, play):
        result = play(buy(visitor=None), do("switch_plan", "+1d", to="nothing"))

        assert result["refused"] == [{"event": 1, "code": "not_found"}]

    def test_of_one_that_is_past_due_says_that_it_has_to_be_paid_first(self, play):
        result = play(
            buy(visitor=None, card="4000000000000341"),
            do("switch_plan", "2026-04-11T12:00:00+02:00", to="premium-plus"),
            plans=PLANS,
            until="2026-04-11T13:00:00+02:00",
        )

        assert result["refused"] == [{"event": 1, "code": "past_due"}]
