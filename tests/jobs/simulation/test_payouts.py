"""Money that leaves by the owner's hand: worked out by hand from document 05."""

import pytest

from tests.jobs.simulation.conftest import rows_of


def gift(amount=20000, at="+1d"):
    return {"at": at, "do": "adjust", "affiliate": "alice", "amount": amount, "reason": "gift"}


def withdraw(amount=10000, at="+2d", name="w1"):
    return {"at": at, "do": "withdraw", "affiliate": "alice", "amount": amount, "as": name}


def do(what, at, **more):
    return {"at": at, "do": what, "withdrawal": "w1", **more}


def kinds(result):
    return [row["type"] for row in result["ledger"]]


class TestWithdrawal:
    @pytest.mark.parametrize(
        ("amount", "fee"), [(5000, 150), (5050, 152), (10000, 300), (12345, 370)]
    )
    def test_costs_three_percent_rounded_half_up(self, play, amount, fee):
        result = play(
            gift(),
            withdraw(amount),
            do("approve", "+3d"),
            do("pay", "+4d", reference="SEPA-1"),
        )

        fields = ("as", "affiliate", "requested_amount", "fee_amount", "net_amount", "status")
        assert rows_of(result, "withdrawals", *fields) == [
            ("w1", "alice", amount, fee, amount - fee, "PAID")
        ]
        alice = result["affiliates"]["alice"]
        assert (alice["available"], alice["reserved"]) == (20000 - amount, 0)
        assert (alice["paid_out"], alice["fees"]) == (amount - fee, fee)
        assert result["verify"]["ok"]

    @pytest.mark.parametrize("slug", ["a", "a1", "2026"])
    def test_reaches_whoever_has_a_name_of_few_letters(self, play, slug):
        result = play(
            {**gift(), "affiliate": slug},
            {**withdraw(), "affiliate": slug},
            affiliates=[{"slug": slug, "email": "one@example.org"}],
        )

        assert result["refused"] == []
        assert result["affiliates"][slug]["reserved"] == 10000

    def test_moves_the_ledger_step_by_step(self, play):
        result = play(
            gift(), withdraw(), do("approve", "+3d"), do("pay", "+4d", reference="SEPA-1")
        )

        assert [(row["type"], row["entries"]) for row in result["ledger"]] == [
            ("ADJUSTMENT_CREDIT", {"AVAILABLE": 20000, "ADJUSTMENTS": -20000}),
            ("WITHDRAWAL_REQUESTED", {"AVAILABLE": -10000, "RESERVED": 10000}),
            ("WITHDRAWAL_APPROVED", {"RESERVED": 0}),
            ("WITHDRAWAL_PAID", {"RESERVED": -9700, "PAID_OUT": 9700}),
            ("FEE_DEDUCTED", {"RESERVED": -300, "FEES": 300}),
        ]

    def test_whose_fee_is_waived_is_paid_whole(self, play):
        result = play(
            gift(),
            withdraw(),
            do("approve", "+3d"),
            do("pay", "+4d", reference="SEPA-1", waive_fee=True, method="paypal"),
        )

        assert rows_of(result, "withdrawals", "fee_amount", "net_amount", "payment_method") == [
            (0, 10000, "paypal")
        ]
        assert "FEE_DEDUCTED" not in kinds(result)
        assert result["affiliates"]["alice"]["paid_out"] == 10000

    @pytest.mark.parametrize(
        ("end", "status"),
        [
            (do("cancel_withdrawal", "+3d"), "CANCELLED"),
            (do("reject", "+3d", reason="no invoice"), "REJECTED"),
        ],
    )
    def test_that_is_not_paid_gives_the_money_back(self, play, end, status):
        result = play(gift(), withdraw(), end)

        assert rows_of(result, "withdrawals", "status") == [(status,)]
        assert kinds(result)[-1] == "WITHDRAWAL_REJECTED"
        alice = result["affiliates"]["alice"]
        assert (alice["available"], alice["reserved"], alice["paid_out"]) == (20000, 0, 0)

    def test_keeps_the_name_that_another_was_given_after_it(self, play):
        result = play(gift(), withdraw(), do("cancel_withdrawal", "+3d"), withdraw(at="+4d"))

        assert rows_of(result, "withdrawals", "as", "status") == [
            ("w1", "CANCELLED"),
            ("w1", "PENDING_REVIEW"),
        ]

    def test_cannot_be_paid_before_it_is_approved_nor_cancelled_after(self, play):
        result = play(
            gift(),
            withdraw(),
            do("pay", "+3d", reference="SEPA-1"),
            do("approve", "+4d"),
            do("cancel_withdrawal", "+5d"),
        )

        assert [row["event"] for row in result["refused"]] == [2, 4]
        assert rows_of(result, "withdrawals", "status") == [("APPROVED",)]

    @pytest.mark.parametrize(
        ("amount", "code"), [(4999, "below_minimum"), (20001, "not_enough_available")]
    )
    def test_is_of_what_there_is_and_not_too_little(self, play, amount, code):
        result = play(gift(), withdraw(amount), do("approve", "+3d"))

        assert result["refused"] == [
            {"event": 1, "code": code},
            {"event": 2, "code": "not_found"},
        ]
        assert result["withdrawals"] == []

    def test_twice_reserves_the_same_money_once(self, play):
        result = play(gift(15000), withdraw(), withdraw(name="w2"))

        assert result["refused"] == [{"event": 2, "code": "not_enough_available"}]
        assert result["affiliates"]["alice"]["reserved"] == 10000


class TestAdjustment:
    def test_may_leave_a_debt(self, play):
        result = play(gift(-700))

        assert kinds(result) == ["ADJUSTMENT_DEBIT"]
        alice = result["affiliates"]["alice"]
        assert (alice["available"], alice["debt"]) == (-700, 700)

    def test_of_nothing_is_refused(self, play):
        result = play(gift(0))

        assert result["refused"] == [{"event": 0, "code": "bad_adjustment"}]
