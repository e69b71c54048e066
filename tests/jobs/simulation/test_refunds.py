"""Refunds and what they take back from affiliates: worked out by hand from documents 03 and 04."""

import pytest

from tests.jobs.simulation.conftest import buy, click, rows_of

BOB = {"email": "bob@example.org", "product": "premium"}
ONCE = [{"slug": "premium-monthly", "product": "premium", "price": 25000, "interval": "ONE_TIME"}]


def do(what, at, invoice=1, **more):
    return {"at": at, "do": what, **BOB, "invoice": invoice, **more}


def clawbacks(result):
    return [
        (row["entries"].get("LOCKED"), row["entries"].get("AVAILABLE"))
        for row in result["ledger"]
        if row["type"] == "COMMISSION_CLAWED_BACK"
    ]


class TestOfTheCurrentPeriod:
    def test_in_full_ends_the_purchase_and_takes_all_back(self, play):
        result = play(click(), buy(), do("refund", "+2d"))

        (customer,) = result["customers"]
        assert customer["status"] == "CANCELLED"
        assert customer["subscription_ends_at"] == "2026-03-12T09:00:00Z"
        assert customer["next_charge_at"] is None
        assert rows_of(result, "invoices", "status", "refunded_amount") == [("REFUNDED", 4900)]
        assert rows_of(result, "commissions", "status", "clawed_back_amount") == [
            ("CLAWED_BACK", 1225)
        ]
        assert rows_of(result, "refunds", "amount", "status", "processed_at") == [
            (4900, "PROCESSED", "2026-03-12T09:00:00Z")
        ]
        alice = result["affiliates"]["alice"]
        assert (alice["locked"], alice["earned"], alice["clawed_back"]) == (0, 1225, 1225)
        assert alice["total_refunds"] == 1
        assert clawbacks(result) == [(-1225, None)]
        assert result["verify"]["ok"]

    def test_of_what_is_refunded_already_has_nothing_left(self, play):
        result = play(click(), buy(), do("refund", "+2d"), do("refund", "+3d"))

        assert result["refused"] == [{"event": 3, "code": "nothing_left_to_refund"}]
        assert rows_of(result, "refunds", "amount") == [(4900,)]

    def test_and_bought_again_at_the_same_instant_is_two_purchases(self, play):
        result = play(click(), buy(), do("refund", "+0d1h"), buy(), do("refund", "+2d", invoice=2))

        assert rows_of(result, "invoices", "kind", "status", "period_start") == [
            ("FIRST", "REFUNDED", "2026-03-10T10:00:00Z"),
            ("FIRST", "REFUNDED", "2026-03-10T10:00:00Z"),
        ]
        assert rows_of(result, "commissions", "status", "total_amount") == [
            ("CLAWED_BACK", 1225),
            ("CLAWED_BACK", 1225),
        ]
        assert result["customers"][0]["status"] == "CANCELLED"
        assert (result["refused"], result["verify"]["ok"]) == ([], True)

    def test_in_two_parts_ends_it_with_the_second(self, play):
        def after(*events):
            result = play(click(), buy(), *events)
            return result["customers"][0]["status"], result["invoices"][0]["status"]

        first, second = do("refund", "+2d", amount=2450), do("refund", "+3d", amount=2450)
        assert after(first) == ("ACTIVE", "PAID")
        assert after(first, second) == ("CANCELLED", "REFUNDED")

    def test_in_many_parts_takes_the_rounded_share_of_all_so_far(self, play):
        """1225 × 333k ÷ 4900 is 83.25, 166.5, 249.75, 333, 416.25, 499.5 and 582.75."""
        parts = [do("refund", f"+2d{hour}h", amount=333) for hour in range(7)]
        result = play(click(), buy(), *parts)

        assert clawbacks(result) == [
            (-83, None), (-84, None), (-83, None), (-83, None), (-83, None), (-84, None),
            (-83, None),
        ]  # fmt: skip
        assert rows_of(result, "invoices", "status", "refunded_amount") == [("PAID", 2331)]
        assert result["affiliates"]["alice"]["locked"] == 1225 - 583
        assert result["affiliates"]["alice"]["total_refunds"] == 1
        assert result["customers"][0]["status"] == "ACTIVE"

    def test_of_more_than_was_paid_is_refused(self, play):
        result = play(
            click(), buy(), do("refund", "+2d", amount=4000), do("refund", "+3d", amount=901)
        )

        assert [row["event"] for row in result["refused"]] == [3]
        assert result["invoices"][0]["refunded_amount"] == 4000


class TestOfAnOlderPeriod:
    def test_leaves_the_subscription_alone(self, play):
        result = play(
            click(),
            buy(),
            do("refund", "2026-04-12T12:00:00+02:00", invoice=1),
            until="2026-04-13T00:00:00+02:00",
        )

        (customer,) = result["customers"]
        assert (customer["status"], customer["billing_cycles_done"]) == ("ACTIVE", 2)
        assert rows_of(result, "invoices", "status") == [("REFUNDED",), ("PAID",)]
        assert rows_of(result, "commissions", "clawed_back_amount") == [(1225,), (0,)]


class TestRequest:
    def test_waits_for_the_owner(self, play):
        asked = do("request_refund", "+2d", reason="not for me")
        result = play(click(), buy(), asked)

        assert rows_of(result, "refunds", "amount", "status", "reason") == [
            (4900, "PENDING", "not for me")
        ]
        assert result["invoices"][0]["refunded_amount"] == 0
        assert result["affiliates"]["alice"]["clawed_back"] == 0

    def test_approved_gives_the_money_back(self, play):
        result = play(
            click(), buy(), do("request_refund", "+2d", reason="no"), do("approve_refund", "+3d")
        )

        assert rows_of(result, "refunds", "status", "approved_at") == [
            ("PROCESSED", "2026-03-13T09:00:00Z")
        ]
        assert result["customers"][0]["status"] == "CANCELLED"
        assert result["affiliates"]["alice"]["locked"] == 0

    def test_rejected_changes_nothing(self, play):
        result = play(
            click(), buy(), do("request_refund", "+2d", reason="no"), do("reject_refund", "+3d")
        )

        assert rows_of(result, "refunds", "status", "rejected_at") == [
            ("REJECTED", "2026-03-13T09:00:00Z")
        ]
        assert result["customers"][0]["status"] == "ACTIVE"

    @pytest.mark.parametrize(
        ("at", "is_late"),
        [("2026-03-24T23:59:00+01:00", False), ("2026-03-25T00:01:00+01:00", True)],
    )
    def test_comes_within_fourteen_local_days(self, play, at, is_late):
        result = play(
            buy(visitor=None),
            do("request_refund", at, reason="no"),
            until="2026-03-26T00:00:00+01:00",
        )

        assert bool(result["refused"]) is is_late

    def test_that_nobody_made_cannot_be_decided_on(self, play):
        result = play(buy(visitor=None), do("approve_refund", "+2d"))

        assert result["refused"] == [{"event": 1, "code": "not_found"}]


class TestDebt:
    """One sale of 250 €: 62.50 € earned, 50 € of them released on 25 April and paid out."""

    SALE = (
        click(),
        buy(),
        {"at": "+47d", "do": "withdraw", "affiliate": "alice", "amount": 5000, "as": "w1"},
        {"at": "+48d", "do": "approve", "withdrawal": "w1"},
        {"at": "+49d", "do": "pay", "withdrawal": "w1", "reference": "SEPA-1"},
        do("refund", "+60d"),
    )

    def test_is_what_was_paid_and_is_taken_back(self, play):
        result = play(*self.SALE, plans=ONCE, until="2026-05-20T00:00:00+02:00")

        alice = result["affiliates"]["alice"]
        assert (alice["available"], alice["debt"], alice["locked"]) == (-5000, 5000, 0)
        assert (alice["paid_out"], alice["fees"]) == (4850, 150)
        assert clawbacks(result) == [(-1250, -5000)]
        assert rows_of(result, "commissions", "status", "clawed_back_amount", "paid_amount") == [
            ("CLAWED_BACK", 6250, 5000)
        ]
        assert result["customers"][0]["status"] == "CANCELLED"
        assert result["verify"]["ok"]

    def test_is_paid_down_by_later_sales_before_anything_is_withdrawn(self, play):
        """The second sale comes at an age of 61 days: 90 % of it after 35 days, 56.25 €."""
        result = play(
            *self.SALE,
            click(visitor="v2", at="+61d1h"),
            buy(visitor="v2", email="eve@example.org", at="+61d2h"),
            {"at": "+70d", "do": "withdraw", "affiliate": "alice", "amount": 5000, "as": "w2"},
            plans=ONCE,
            until="2026-06-30T00:00:00+02:00",
        )

        assert result["refused"] == [{"event": 8, "code": "in_debt"}]
        alice = result["affiliates"]["alice"]
        assert (alice["available"], alice["debt"], alice["locked"]) == (1250, 0, 0)
        assert rows_of(result, "commissions", "status", "main_amount") == [
            ("CLAWED_BACK", 5000),
            ("MATURED", 5625),
        ]
