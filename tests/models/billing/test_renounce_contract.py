"""Withdrawing from a contract: within the days, once, with all that was paid asked back."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from jobs.listeners import LISTENERS
from jobs.mail_rendering import render
from models import clock
from models.billing import AccessGrant, Customer, CustomerStatus, Invoice
from models.billing.approve_refund import approve_refund
from models.billing.cancel_subscription import cancel_subscription
from models.billing.end_subscription import end_subscription
from models.billing.order import cancelled_by_renouncing
from models.billing.refund import Refund, RefundStatus
from models.billing.renounce_contract import NothingToWithdraw, NotRenounceable, renounce_contract
from models.billing.request_refund import request_refund
from models.billing.standing import ContractRenounced
from models.billing.undo_cancel import undo_cancel
from models.catalog import BillingInterval
from models.errors import Missing
from models.ids import new_id
from models.oversight import SYSTEM, Actor, OutgoingMail
from models.oversight.dispatch import dispatch_events
from models.session import staff_reading, unit_of_work
from tests.checkouts import buy, put_on_sale
from tests.refunds import give_back
from tests.stored import one

pytestmark = pytest.mark.usefixtures("committed", "now")


@pytest.fixture
def bought(twin):
    """The only customer, who bought for 49 € a month at noon."""
    buy(twin, put_on_sale("monthly", price_amount=4900))
    return the_customer()


def the_customer():
    with staff_reading() as session:
        return session.scalars(select(Customer)).one()


def renounce(customer, *, at=None):
    with unit_of_work() as session:
        actor = Actor(role="CLIENT", user_id=customer.user_id)
        return renounce_contract(
            session, customer.id, reason="Withdrawal", actor=actor, now=at or clock.now()
        )


def refunds():
    with staff_reading() as session:
        return session.scalars(select(Refund).order_by(Refund.id)).all()


class TestRenounceContract:
    def test_asks_back_what_was_paid_and_charges_no_more(self, bought, now):
        renounced = renounce(bought)

        assert renounced.amount == 4900
        [refund] = refunds()
        assert (refund.status, refund.amount) == (RefundStatus.PENDING, 4900)
        customer = the_customer()
        assert customer.status is CustomerStatus.ACTIVE
        assert customer.cancel_at_period_end
        assert customer.next_charge_at is None
        assert cancelled_by_renouncing(customer)

    def test_twice_is_once(self, bought, now):
        first = renounce(bought)
        again = renounce(bought, at=now + timedelta(hours=5))

        assert again.declared_at == first.declared_at == now
        assert again.amount == 4900
        assert len(refunds()) == 1

    @pytest.mark.parametrize("cancelled_before", [False, True])
    def test_is_not_taken_back_with_a_cancellation(self, bought, now, cancelled_before):
        if cancelled_before:
            with unit_of_work() as session:
                cancel_subscription(session, bought.id, actor=SYSTEM, now=now)
        renounce(bought)

        with pytest.raises(ContractRenounced), unit_of_work() as session:
            undo_cancel(session, bought.id, actor=SYSTEM, now=now)

        assert the_customer().next_charge_at is None

    def test_at_the_same_time_is_once(self, bought):
        with ThreadPoolExecutor(4) as pool:
            declared = list(pool.map(lambda _: renounce(bought).declared_at, range(4)))

        assert len(set(declared)) == 1
        assert len(refunds()) == 1

    def test_takes_up_a_request_that_waits(self, bought, now):
        with unit_of_work() as session:
            invoice = session.scalars(select(Invoice)).one()
            request_refund(session, invoice.id, reason="Before", actor=SYSTEM, now=now)

        assert renounce(bought).amount == 4900
        assert len(refunds()) == 1

    def test_once_approved_the_access_ends(self, bought, now):
        renounce(bought)
        with unit_of_work() as session:
            approve_refund(session, refunds()[0].id, actor=SYSTEM, now=now)

        assert the_customer().status is CustomerStatus.CANCELLED
        with staff_reading() as session:
            assert all(grant.revoked_at for grant in session.scalars(select(AccessGrant)))

    def test_of_a_free_trial_ends_it_at_once(self, twin, now):
        buy(twin, put_on_sale("trial", trial_days=30))

        renounced = renounce(the_customer())

        assert renounced.amount == 0
        assert the_customer().status is CustomerStatus.CANCELLED

    def test_of_something_for_life_asks_back_and_leaves_it_open_meanwhile(self, twin, now):
        key = put_on_sale("life", billing_interval=BillingInterval.LIFETIME, price_amount=90000)
        buy(twin, key)

        assert renounce(the_customer()).amount == 90000
        assert the_customer().status is CustomerStatus.ACTIVE

    def test_a_new_order_can_be_withdrawn_from_anew(self, twin, bought, now):
        renounce(bought)
        with unit_of_work() as session:
            approve_refund(session, refunds()[0].id, actor=SYSTEM, now=now)
        clock.move_to(now + timedelta(days=20))
        buy(twin, "monthly")

        renounced = renounce(the_customer())

        assert renounced.declared_at == clock.now()
        assert renounced.amount == 4900
        assert len(refunds()) == 2


class TestEndedWithinTheDays:
    def test_asks_back_what_was_paid(self, bought):
        self.end(bought)

        renounced = renounce(bought)

        assert renounced.amount == 4900
        assert [refund.status for refund in refunds()] == [RefundStatus.PENDING]
        assert the_customer().status is CustomerStatus.EXPIRED
        assert [it.id for it in renounce(bought).refunds] == [it.id for it in renounced.refunds]

    def test_asks_back_no_more_than_is_left(self, bought):
        self.end(bought)
        give_back(one(Invoice).id, 900)

        assert renounce(bought).amount == 4000

    def end(self, bought):
        with unit_of_work() as session:
            customer = Customer.for_update(session, bought.id)
            end_subscription(
                session,
                customer,
                CustomerStatus.EXPIRED,
                actor=SYSTEM,
                now=clock.now(),
                reason="over",
            )


class TestRefused:
    def test_after_the_last_local_day(self, bought, now):
        midnight = now.replace(day=24, hour=23, minute=0)
        with pytest.raises(NotRenounceable):
            renounce(bought, at=midnight)
        assert refunds() == []

        renounce(bought, at=midnight - timedelta(microseconds=1))
        assert len(refunds()) == 1

    def test_what_has_ended_and_was_given_back(self, bought):
        give_back(one(Invoice).id)
        assert the_customer().status is CustomerStatus.CANCELLED

        with pytest.raises(NothingToWithdraw):
            renounce(bought)

    def test_nobodys(self, bought):
        with pytest.raises(Missing), unit_of_work() as session:
            renounce_contract(session, new_id(), reason="", actor=SYSTEM, now=clock.now())


class TestMails:
    def test_one_dated_receipt_and_no_cancellation_beside_it(self, bought, now):
        renounce(bought)
        with unit_of_work() as session:
            dispatch_events(session, LISTENERS, now=now)

        with staff_reading() as session:
            mails = {mail.kind: mail for mail in session.scalars(select(OutgoingMail))}
        assert "cancelled" not in mails
        text = render(mails["withdrawal_receipt"]).text
        assert "49,00" in text
        assert "10 mars 2026" in text
