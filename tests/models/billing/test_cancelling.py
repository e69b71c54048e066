"""Cancelling, taking it back, ending at once: in every state a purchase can be in."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from models.billing import (
    AttemptOutcome,
    Customer,
    CustomerStatus,
    InvoiceStatus,
    PaymentAttempt,
)
from models.billing.cancel_now import cancel_now
from models.billing.cancel_subscription import cancel_subscription
from models.billing.standing import Complimentary, NeverRenews, NotRunning, PeriodOver
from models.billing.undo_cancel import undo_cancel
from models.catalog import BillingInterval
from models.errors import Missing
from models.ids import new_id
from models.oversight import AuditEvent, OutboxEvent
from tests.models.billing.subscribers import END, OWNER, START, on_trial, past_due, subscribe

MIDDLE = START + timedelta(days=10)
ENDED = [CustomerStatus.CANCELLED, CustomerStatus.EXPIRED]


def cancel(session, customer, now=MIDDLE):
    return cancel_subscription(session, customer.id, actor=OWNER, now=now)


def undo(session, customer, now=MIDDLE):
    return undo_cancel(session, customer.id, actor=OWNER, now=now)


def told(session):
    return session.scalars(select(OutboxEvent.kind).order_by(OutboxEvent.id)).all()


class TestCancel:
    def test_leaves_access_until_the_period_ends(self, session, make):
        customer = cancel(session, subscribe(make))
        assert (customer.status, customer.cancel_at_period_end) == (CustomerStatus.ACTIVE, True)
        assert (customer.cancelled_at, customer.next_charge_at) == (MIDDLE, None)
        assert customer.subscription_ends_at == END
        assert told(session) == ["billing.subscription_cancelled"]

    def test_leaves_a_trial_until_its_end(self, session, make):
        customer = cancel(session, on_trial(make))
        assert (customer.status, customer.next_charge_at) == (CustomerStatus.TRIAL, None)
        assert customer.trial_ends_at == END

    def test_twice_tells_once(self, session, make):
        customer = cancel(session, subscribe(make))
        cancel(session, customer, MIDDLE + timedelta(days=1))
        assert customer.cancelled_at == MIDDLE
        assert len(told(session)) == 1

    def test_past_due_after_the_paid_period_ends_at_once(self, session, make):
        customer, invoice = past_due(make)
        cancel(session, customer, END + timedelta(hours=3))
        assert customer.status is CustomerStatus.CANCELLED
        assert invoice.status is InvoiceStatus.VOID
        assert "billing.subscription_ended" in told(session)

    def test_past_due_before_the_paid_period_ends_waits_for_it(self, session, make):
        customer, invoice = past_due(make, failed_at=END - timedelta(hours=10))
        cancel(session, customer, END - timedelta(hours=2))
        assert (customer.status, customer.next_charge_at) == (CustomerStatus.PAST_DUE, None)
        assert invoice.status is InvoiceStatus.PENDING

    def test_past_due_while_money_may_be_on_its_way_waits_for_word(self, session, make):
        customer, invoice = past_due(make)
        make.add(
            PaymentAttempt(
                invoice_id=invoice.id,
                attempt_no=1,
                idempotency_key="k",
                amount=4900,
                outcome=AttemptOutcome.PENDING,
            )
        )
        cancel(session, customer, END + timedelta(hours=3))
        assert (customer.status, customer.cancel_at_period_end) == (CustomerStatus.PAST_DUE, True)
        assert invoice.status is InvoiceStatus.PENDING

    @pytest.mark.parametrize("status", ENDED)
    def test_of_what_has_ended_is_refused(self, session, make, status):
        customer = subscribe(make, status=status, next_charge_at=None)
        with pytest.raises(NotRunning):
            cancel(session, customer)

    @pytest.mark.parametrize("interval", [BillingInterval.ONE_TIME, BillingInterval.LIFETIME])
    def test_of_what_was_bought_for_good_is_refused(self, session, make, interval):
        plan = make.plan(billing_interval=interval)
        customer = subscribe(make, plan, subscription_ends_at=None, next_charge_at=None)
        with pytest.raises(NeverRenews):
            cancel(session, customer)

    def test_of_what_was_given_is_refused(self, session, make):
        customer = subscribe(make, is_complimentary=True, next_charge_at=None)
        with pytest.raises(Complimentary):
            cancel(session, customer)

    def test_of_nobody_is_missing(self, session):
        with pytest.raises(Missing):
            cancel_subscription(session, new_id(), actor=OWNER, now=MIDDLE)


class TestUndo:
    def test_lets_an_active_one_go_on(self, session, make):
        customer = undo(session, cancel(session, subscribe(make)))
        assert (customer.cancel_at_period_end, customer.cancelled_at) == (False, None)
        assert customer.next_charge_at == END
        assert told(session)[-1] == "billing.cancel_undone"

    def test_lets_a_trial_go_on(self, session, make):
        customer = undo(session, cancel(session, on_trial(make)))
        assert customer.next_charge_at == END

    def test_lets_the_retries_of_one_past_due_go_on(self, session, make):
        failed = END - timedelta(hours=10)
        customer, _ = past_due(make, failed_at=failed, dunning_step=1)
        undo(session, cancel(session, customer), END - timedelta(hours=1))
        assert customer.next_charge_at == failed + timedelta(days=7)

    def test_of_a_last_cycle_charges_nothing(self, session, make):
        plan = make.plan(max_billing_cycles=1)
        customer = undo(session, cancel(session, subscribe(make, plan, next_charge_at=None)))
        assert customer.next_charge_at is None

    def test_of_what_was_not_cancelled_changes_nothing(self, session, make):
        customer = undo(session, subscribe(make))
        assert customer.next_charge_at == END
        assert not told(session)

    @pytest.mark.parametrize("status", ENDED)
    def test_of_what_has_ended_is_refused(self, session, make, status):
        customer = subscribe(make, status=status, next_charge_at=None)
        with pytest.raises(NotRunning):
            undo(session, customer)

    def test_after_the_end_is_refused(self, session, make):
        customer = cancel(session, subscribe(make))
        with pytest.raises(PeriodOver):
            undo(session, customer, END)


class TestCancelNow:
    @pytest.mark.parametrize("make_one", [subscribe, on_trial], ids=["active", "trial"])
    def test_ends_a_running_one(self, session, make, make_one):
        customer = make_one(make)
        cancel_now(session, customer.id, reason="abuse", actor=OWNER, now=MIDDLE)
        assert (customer.status, customer.next_charge_at) == (CustomerStatus.CANCELLED, None)
        assert session.scalar(select(AuditEvent.reason)) == "abuse"

    def test_ends_one_past_due_and_voids_what_it_owes(self, session, make):
        customer, invoice = past_due(make)
        cancel_now(session, customer.id, reason="asked", actor=OWNER, now=MIDDLE)
        assert invoice.status is InvoiceStatus.VOID

    def test_ends_what_was_given_or_bought_for_good(self, session, make):
        for values in ({"is_complimentary": True}, {"subscription_ends_at": None}):
            customer = subscribe(make, next_charge_at=None, **values)
            cancel_now(session, customer.id, reason="asked", actor=OWNER, now=MIDDLE)
            assert customer.status is CustomerStatus.CANCELLED

    def test_twice_ends_once(self, session, make):
        customer = subscribe(make)
        for _ in range(2):
            cancel_now(session, customer.id, reason="asked", actor=OWNER, now=MIDDLE)
        assert session.scalar(select(func.count()).select_from(OutboxEvent)) == 1

    def test_of_what_expired_is_refused(self, session, make):
        customer = subscribe(make, status=CustomerStatus.EXPIRED, next_charge_at=None)
        with pytest.raises(NotRunning):
            cancel_now(session, customer.id, reason="asked", actor=OWNER, now=MIDDLE)
        assert session.get(Customer, customer.id).status is CustomerStatus.EXPIRED
