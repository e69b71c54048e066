"""Which commissions a payment pays: tables, and what must hold for any of them."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text

from models.affiliation import Commission, CommissionStatus, PayoutMethod, WithdrawalAllocation
from models.affiliation.payouts.allocation import ReleasedPart, released_parts, share_out
from models.affiliation.payouts.pay_withdrawal import pay_now
from models.affiliation.prove_ledger import prove_ledger

DAY = timedelta(days=1)
START = datetime(2026, 3, 1, tzinfo=UTC)
KEYS = [UUID(int=number) for number in range(1, 9)]


def part(day, key, amount):
    return ReleasedPart(START + day * DAY, KEYS[key], amount)


class TestShareOut:
    @pytest.mark.parametrize(
        ("amount", "parts", "shares"),
        [
            (100, [], {}),
            (0, [part(0, 0, 50)], {}),
            (50, [part(0, 0, 50)], {0: 50}),
            (60, [part(0, 0, 50)], {0: 50}),
            (60, [part(1, 0, 50), part(0, 1, 50)], {1: 50, 0: 10}),
            (60, [part(0, 1, 50), part(0, 0, 50)], {0: 50, 1: 10}),
            (75, [part(0, 0, 50), part(1, 1, 50), part(2, 0, 20)], {0: 50, 1: 25}),
            (120, [part(0, 0, 50), part(1, 1, 50), part(2, 0, 20)], {0: 70, 1: 50}),
            (1, [part(0, 0, 1), part(0, 1, 1)], {0: 1}),
        ],
    )
    def test_oldest_release_first_then_by_key(self, amount, parts, shares):
        assert share_out(amount, parts) == {KEYS[key]: cents for key, cents in shares.items()}

    @given(
        amount=st.integers(0, 10**9),
        parts=st.lists(
            st.builds(part, st.integers(0, 5), st.integers(0, 7), st.integers(1, 10**8)),
            max_size=12,
        ),
    )
    def test_gives_out_all_that_is_covered_and_never_more(self, amount, parts):
        shares = share_out(amount, parts)

        owed = {key: sum(p.amount for p in parts if p.commission_id == key) for key in KEYS}
        assert sum(shares.values()) == min(amount, sum(owed.values()))
        assert all(0 < cents <= owed[key] for key, cents in shares.items())
        assert share_out(amount, reversed(parts)) == shares

    @given(
        first=st.integers(0, 500),
        second=st.integers(0, 500),
        amounts=st.lists(st.integers(1, 200), min_size=1, max_size=6),
    )
    def test_two_payments_pay_what_one_of_both_would(self, first, second, amounts):
        parts = [part(day, day, cents) for day, cents in enumerate(amounts)]
        once = share_out(first + second, parts)

        shares = share_out(first, parts)
        left = [
            ReleasedPart(p.released_at, p.commission_id, p.amount - shares.get(p.commission_id, 0))
            for p in parts
        ]
        more = share_out(second, [p for p in left if p.amount])

        both = {key: shares.get(key, 0) + more.get(key, 0) for key in {*shares, *more}}
        assert both == once


def commission(main, extended, *, paid=0, clawed=(0, 0, 0), main_at=0, extended_at=1):
    at_extended, at_main, later = clawed
    return Commission(
        total_amount=main + extended,
        main_amount=main,
        extended_amount=extended,
        main_matured_at=None if main_at is None else START + main_at * DAY,
        extended_matured_at=None if extended_at is None else START + extended_at * DAY,
        paid_amount=paid,
        clawed_back_amount=sum(clawed),
        clawed_from_extended=at_extended,
        clawed_from_main=at_main,
        clawed_from_available=later,
    )


class TestReleasedParts:
    @pytest.mark.parametrize(
        ("row", "left"),
        [
            (commission(80, 20), [(0, 80), (1, 20)]),
            (commission(80, 20, extended_at=None), [(0, 80)]),
            (commission(80, 20, main_at=None, extended_at=None), []),
            (commission(80, 20, paid=30), [(0, 50), (1, 20)]),
            (commission(80, 20, paid=80), [(1, 20)]),
            (commission(80, 20, paid=95), [(1, 5)]),
            (commission(80, 20, paid=100), []),
            (commission(80, 20, clawed=(15, 0, 0)), [(0, 80), (1, 5)]),
            (commission(80, 20, clawed=(20, 30, 0)), [(0, 50)]),
            (commission(80, 20, clawed=(20, 0, 60)), [(0, 20)]),
            (commission(80, 20, clawed=(0, 0, 90)), [(1, 10)]),
            (commission(80, 20, clawed=(0, 0, 30), paid=60), [(1, 10)]),
            (commission(80, 20, clawed=(0, 0, 100), paid=100), []),
            (commission(100, 0), [(0, 100)]),
        ],
        ids=lambda value: "",
    )
    def test_are_what_is_neither_paid_nor_clawed_back(self, row, left):
        found = [((p.released_at - START).days, p.amount) for p in released_parts(row)]
        assert found == left


class TestPaying:
    def test_marks_a_commission_paid_once_nothing_is_left_of_it(
        self, session, earnings, owner, now
    ):
        affiliate = earnings.affiliate()
        old = earnings.commission(affiliate, 1000, released=("main", "extended"), at=now - 9 * DAY)
        half = earnings.commission(affiliate, 1000, released=("main",), at=now - 10 * DAY)
        young = earnings.commission(affiliate, 1000, released=("main", "extended"))

        for amount, expected in (
            (900, [(100, "MATURED"), (800, "PARTIALLY_MATURED"), (0, "MATURED")]),
            (900, [(1000, "PAID"), (800, "PARTIALLY_MATURED"), (0, "MATURED")]),
            (1000, [(1000, "PAID"), (800, "PARTIALLY_MATURED"), (1000, "PAID")]),
        ):
            pay_now(
                session,
                affiliate.user_id,
                amount=amount,
                method=PayoutMethod.PAYPAL,
                reference="pp",
                actor=owner,
                now=now,
            )
            assert [(each.paid_amount, each.status) for each in (old, half, young)] == expected

        earnings.release(half, "extended")
        pay_now(
            session,
            affiliate.user_id,
            method=PayoutMethod.PAYPAL,
            reference="pp",
            actor=owner,
            now=now,
        )
        assert (half.paid_amount, half.status) == (1000, CommissionStatus.PAID)
        paid = select(WithdrawalAllocation.amount).where(
            WithdrawalAllocation.commission_id == half.id
        )
        assert sorted(session.scalars(paid)) == [200, 800]
        session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
        report = prove_ledger(session)
        assert report.ok, report.difference
