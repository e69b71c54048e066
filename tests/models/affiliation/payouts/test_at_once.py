"""Sixteen connections on committed data: money is reserved once, paid once, and the proof holds."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Barrier
from types import SimpleNamespace

import pytest
from sqlalchemy import func, select

from models.affiliation import (
    Commission,
    CommissionStatus,
    PayoutMethod,
    SepaBatch,
    Withdrawal,
    WithdrawalAllocation,
)
from models.affiliation.claw_back import claw_back
from models.affiliation.payouts.adjust_balance import adjust_balance
from models.affiliation.payouts.ask_withdrawal import ask_withdrawal
from models.affiliation.payouts.business_days import next_business_day
from models.affiliation.payouts.decide_withdrawal import (
    approve_withdrawal,
    cancel_withdrawal,
    reject_withdrawal,
)
from models.affiliation.payouts.make_batch import give_up_batch, make_batch
from models.affiliation.payouts.pay_withdrawal import pay_now, pay_withdrawal
from models.affiliation.payouts.settle_batch import settle_batch
from models.affiliation.prove_ledger import prove_ledger
from models.billing import Invoice
from models.clock import today
from models.errors import DomainError
from models.ids import new_id
from models.ledger import balances_of
from models.oversight import Actor, OutboxEvent
from models.session import unit_of_work
from tests.earnings import Earnings
from tests.factories import Make

SIXTEEN = 16
OWNER = Actor(role="OWNER")


@pytest.fixture
def affiliate(committed, now):
    """An affiliate with 160.00 € released of four commissions."""
    with unit_of_work() as session:
        return Earnings(Make(session), now).affiliate(4_000, 4_000, 4_000, 4_000)


def at_once(*acts):
    """Run sixteen acts in as many connections; what each answered, or its refusal's code."""
    gate = Barrier(SIXTEEN)

    def run(number):
        act = acts[number % len(acts)]
        gate.wait()
        try:
            with unit_of_work() as session:
                act(session, number)
        except DomainError as refusal:
            return refusal.code
        return "done"

    with ThreadPoolExecutor(SIXTEEN) as pool:
        return Counter(pool.map(run, range(SIXTEEN)))


def proven():
    with unit_of_work() as session:
        report = prove_ledger(session)
    assert report.ok, report.difference


def balances(affiliate):
    with unit_of_work() as session:
        return balances_of(session, affiliate.user_id)


def asked(affiliate, now, amount=16_000, approved=True):
    with unit_of_work() as session:
        made = ask_withdrawal(session, affiliate.user_id, amount, actor=OWNER, now=now)
        if approved:
            approve_withdrawal(session, made.id, actor=OWNER, now=now)
        return made.id


def paying(key, now, **options):
    return lambda session, number: pay_withdrawal(
        session,
        key,
        method=PayoutMethod.WIRE,
        reference=f"VIR-{number}",
        actor=OWNER,
        now=now,
        **options,
    )


def paying_now(affiliate, now, **options):
    return lambda session, number: pay_now(
        session,
        affiliate.user_id,
        method=PayoutMethod.WIRE,
        actor=OWNER,
        now=now,
        **options,
    )


class TestAsking:
    def test_reserves_the_same_money_once(self, affiliate, now):
        answers = at_once(
            lambda session, number: ask_withdrawal(
                session, affiliate.user_id, 5_000, actor=OWNER, now=now
            )
        )

        assert answers == {"done": 3, "not_enough_available": 13}
        assert (balances(affiliate).available, balances(affiliate).reserved) == (1_000, 15_000)
        proven()

    def test_all_of_it_goes_to_one(self, affiliate, now):
        answers = at_once(
            lambda session, number: ask_withdrawal(
                session, affiliate.user_id, 16_000, actor=OWNER, now=now
            )
        )

        assert answers["done"] == 1
        assert (balances(affiliate).available, balances(affiliate).reserved) == (0, 16_000)
        proven()

    def test_one_adjustment_sent_by_all_is_made_and_told_once(self, affiliate, now):
        key = new_id()

        at_once(
            lambda session, number: adjust_balance(
                session, affiliate.user_id, 100, reason="x", key=key, actor=OWNER, now=now
            )
        )

        assert balances(affiliate).adjusted == 100
        with unit_of_work() as session:
            told = OutboxEvent.kind == "affiliation.balance_adjusted"
            assert session.scalar(select(func.count()).where(told)) == 1

    def test_one_key_sent_by_all_asks_once(self, affiliate, now):
        key = new_id()

        answers = at_once(
            lambda session, number: ask_withdrawal(
                session, affiliate.user_id, 5_000, key=key, actor=OWNER, now=now
            )
        )

        assert answers == {"done": SIXTEEN}
        assert (balances(affiliate).available, balances(affiliate).reserved) == (11_000, 5_000)
        proven()

    def test_one_payment_sent_by_all_pays_once(self, affiliate, now):
        key = new_id()

        answers = at_once(paying_now(affiliate, now, amount=5_000, reference="VIR-1", key=key))

        assert answers == {"done": SIXTEEN}
        assert balances(affiliate).available == 11_000
        proven()

    def test_beside_debits_never_overdraws_by_asking(self, affiliate, now):
        at_once(
            lambda session, number: ask_withdrawal(
                session, affiliate.user_id, 5_000, actor=OWNER, now=now
            ),
            lambda session, number: adjust_balance(
                session, affiliate.user_id, -1_000, reason="x", actor=OWNER, now=now
            ),
        )

        found = balances(affiliate)
        assert found.adjusted == -8_000
        assert found.available == 8_000 - found.reserved
        assert found.reserved in (5_000, 10_000, 15_000)
        proven()

    def test_adjusting_beside_other_postings_does_not_deadlock(self, affiliate, now):
        keys = [asked(affiliate, now, amount=5_000, approved=False) for _ in range(3)]

        answers = at_once(
            lambda session, number: adjust_balance(
                session, affiliate.user_id, 100, reason="x", actor=OWNER, now=now
            ),
            lambda session, number: cancel_withdrawal(
                session, keys[number // 2 % 3], actor=OWNER, now=now
            ),
        )

        assert answers["done"] >= SIXTEEN // 2 + 3
        assert balances(affiliate).available == 16_000 + 8 * 100
        proven()


class TestDeciding:
    def test_approve_and_approve(self, affiliate, now):
        key = asked(affiliate, now, approved=False)

        answers = at_once(
            lambda session, number: approve_withdrawal(session, key, actor=OWNER, now=now)
        )

        assert answers == {"done": SIXTEEN}
        proven()

    def test_approve_cancel_and_reject(self, affiliate, now):
        key = asked(affiliate, now, approved=False)

        at_once(
            lambda session, number: approve_withdrawal(session, key, actor=OWNER, now=now),
            lambda session, number: cancel_withdrawal(session, key, actor=OWNER, now=now),
            lambda session, number: reject_withdrawal(
                session, key, reason="No.", actor=OWNER, now=now
            ),
        )

        found = balances(affiliate)
        assert (found.available, found.reserved) in ((16_000, 0), (0, 16_000))
        proven()

    def test_pay_and_pay(self, affiliate, now):
        key = asked(affiliate, now)

        assert at_once(paying(key, now)) == {"done": SIXTEEN}

        assert (balances(affiliate).paid_out, balances(affiliate).fees) == (15_520, 480)
        proven()

    def test_pay_and_reject(self, affiliate, now):
        key = asked(affiliate, now)

        at_once(
            paying(key, now),
            lambda session, number: reject_withdrawal(
                session, key, reason="No.", actor=OWNER, now=now
            ),
        )

        found = balances(affiliate)
        assert (found.available, found.paid_out + found.fees) in ((16_000, 0), (0, 16_000))
        proven()

    def test_cancel_and_pay_now(self, affiliate, now):
        key = asked(affiliate, now, approved=False)

        at_once(
            lambda session, number: cancel_withdrawal(session, key, actor=OWNER, now=now),
            paying_now(affiliate, now, reference="x"),
        )

        found = balances(affiliate)
        assert found.available + found.paid_out + found.fees == 16_000
        proven()


class TestPayingCommissions:
    def test_two_withdrawals_of_one_affiliate_pay_each_cent_once(self, affiliate, now):
        keys = [asked(affiliate, now, amount=8_000) for _ in range(2)]

        at_once(*(paying(key, now) for key in keys))

        with unit_of_work() as session:
            paid = session.execute(select(Commission.paid_amount, Commission.status)).all()
            allocated = session.scalar(select(func.sum(WithdrawalAllocation.amount)))
        assert set(paid) == {(4_000, CommissionStatus.PAID)}
        assert allocated == 16_000
        proven()

    def test_paying_while_refunds_claw_back_waits_and_does_not_deadlock(self, affiliate, now):
        with unit_of_work() as session:
            invoices = session.scalars(select(Commission.invoice_id)).all()
        parts = count()

        def take_back(session, number):
            in_all = 100 * (1 + next(parts))
            claw_back(
                session,
                invoice=Invoice.for_update(session, invoices[number % len(invoices)]),
                refund=SimpleNamespace(id=new_id(), amount=100),
                refunded_in_all=in_all,
                actor=OWNER,
                now=now,
            )

        at_once(
            take_back,
            paying_now(affiliate, now, amount=1_000, reference="x"),
        )

        proven()

    def test_settling_a_file_twice_and_giving_it_up(self, affiliate, now):
        keys = [asked(affiliate, now, amount=5_000) for _ in range(3)]
        with unit_of_work() as session:
            day = next_business_day(today())
            batch = make_batch(session, keys, execution_date=day, actor=OWNER, now=now).id

        at_once(
            lambda session, number: settle_batch(
                session, batch, reference="R", bounced={keys[1]: "AC01"}, actor=OWNER, now=now
            ),
            lambda session, number: give_up_batch(
                session, batch, reason="Not sent.", actor=OWNER, now=now
            ),
            paying(keys[0], now),
        )

        proven()

    def test_one_line_is_in_one_file(self, affiliate, now):
        keys = [asked(affiliate, now, amount=5_000) for _ in range(3)]
        day = next_business_day(today())

        answers = at_once(
            *(
                lambda session, number, some=some: make_batch(
                    session, some, execution_date=day, actor=OWNER, now=now
                )
                for some in (keys, keys[:2], keys[1:])
            )
        )

        with unit_of_work() as session:
            assert session.scalar(select(func.count()).select_from(SepaBatch)) in (1, 2)
            in_files = session.scalars(select(Withdrawal.batch_id)).all()
        assert len(in_files) == 3
        assert set(answers) <= {"done", "not_for_a_batch"}
        proven()
