"""Mails about changes of a purchase: each fact told once, in words that hold."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from jobs.listeners import LISTENERS
from jobs.mail_rendering import render
from models import clock
from models.billing import CustomerStatus, NoticeKind
from models.billing.cancel_now import cancel_now
from models.billing.cancel_subscription import cancel_subscription
from models.billing.end_periods import end_periods
from models.billing.extend_period import extend_period
from models.billing.give_notices import give_notices
from models.billing.grant_access import grant_access
from models.billing.quote import quote_of
from models.billing.switch_plan import switch_plan
from models.billing.undo_cancel import undo_cancel
from models.catalog import BillingInterval
from models.oversight import OutgoingMail
from models.oversight.dispatch import dispatch_events
from models.session import staff_reading, unit_of_work
from tests.factories import Make
from tests.models.billing.subscribers import (
    END,
    OWNER,
    START,
    give_card,
    on_trial,
    past_due,
    subscribe,
)

MIDDLE = START + timedelta(days=10)


@pytest.fixture
def told(session):
    """Pass on every event, twice; gives the mails by kind, rendered in English."""

    def dispatch():
        session.flush()
        session.expunge_all()
        for _ in range(2):
            dispatch_events(session, LISTENERS, now=MIDDLE)
        return {mail.kind: render(mail) for mail in session.scalars(select(OutgoingMail))}

    return dispatch


@pytest.fixture
def customer(make):
    clock.move_to(MIDDLE)
    return subscribe(make, user=make.user(locale="en"))


WHO = {"actor": OWNER, "now": MIDDLE}


class TestChanges:
    def test_a_cancellation_is_confirmed_with_its_date(self, session, customer, told):
        cancel_subscription(session, customer.id, **WHO)
        mail = told()["cancelled"]
        assert "11 March 2026" in mail.text
        assert "1 April 2026" in mail.text

    def test_a_cancellation_that_ends_at_once_says_so(self, session, make, told):
        clock.move_to(END + timedelta(hours=1))
        customer, _ = past_due(make, user=make.user(locale="en"))
        cancel_subscription(session, customer.id, actor=OWNER, now=clock.now())
        assert "has ended" in told()["cancelled"].text

    def test_an_end_at_once_is_told_without_the_owners_reason(self, session, customer, told):
        cancel_now(session, customer.id, reason="abuse", **WHO)
        mail = told()["subscription_ended"]
        assert "is closed" in mail.text
        assert "abuse" not in mail.text

    def test_an_end_that_was_confirmed_ahead_is_not_told_again(self, session, customer, told):
        cancel_subscription(session, customer.id, **WHO)
        end_periods(session, now=END)
        assert customer.status is CustomerStatus.CANCELLED
        assert "subscription_ended" not in told()

    def test_taking_it_back_says_what_is_charged_next(self, session, customer, told):
        cancel_subscription(session, customer.id, **WHO)
        undo_cancel(session, customer.id, **WHO)
        assert "€49.00 a month" in told()["cancel_undone"].text

    def test_an_extension_says_until_when(self, session, customer, told):
        until = END + timedelta(days=14)
        extend_period(session, customer.id, until=until, reason="sorry", **WHO)
        mail = told()["period_extended"]
        assert "15 April 2026" in mail.text
        assert "sorry" not in mail.text

    def test_a_gift_says_until_when(self, session, make, told):
        clock.move_to(MIDDLE)
        user, product = make.user(locale="en"), make.plan().product
        grant_access(session, user.id, product.id, until=END, reason="friend", **WHO)
        mail = told()["access_granted"]
        assert "1 April 2026" in mail.text
        assert "/login" in mail.text


class TestNotices:
    def test_a_trial_says_price_day_and_until_when_to_cancel(self, session, make, told):
        on_trial(make, user=make.user(locale="en"))
        give_notices(session, NoticeKind.TRIAL_ENDING, now=END - timedelta(days=3))
        text = told()["trial_reminder"].text
        for words in ("€49.00 a month", "1 April 2026", "31 March 2026"):
            assert words in text

    def test_an_annual_plan_says_the_last_day(self, session, make, told):
        plan = make.plan(billing_interval=BillingInterval.ANNUALLY, price_amount=49_000)
        subscribe(make, plan, user=make.user(locale="en"))
        give_notices(session, NoticeKind.ANNUAL_TERM, now=END - timedelta(days=60))
        text = told()["annual_notice"].text
        for words in ("€490.00 a year", "1 April 2026", "30 March 2026"):
            assert words in text

    def test_a_plan_that_waits_is_what_the_term_will_cost(self, session, make, told):
        dear = make.plan(billing_interval=BillingInterval.ANNUALLY, price_amount=49_000)
        cheap = make.plan("light", product=dear.product, price_amount=19_000)
        waiting = {**quote_of(dear.product, cheap).to_json(), "interval": "ANNUALLY"}
        subscribe(
            make,
            dear,
            user=make.user(locale="en"),
            next_plan_id=cheap.id,
            next_terms=waiting,
        )
        give_notices(session, NoticeKind.ANNUAL_TERM, now=END - timedelta(days=60))
        assert "€190.00 a year" in told()["annual_notice"].text

    def test_a_card_says_which_one(self, session, make, told):
        customer = subscribe(make, card=False, user=make.user(locale="en"))
        give_card(make, customer, last4="1881", exp_month=3, exp_year=2026)
        give_notices(session, NoticeKind.CARD_EXPIRING, now=END - timedelta(days=3))
        assert "1881" in told()["card_expiring"].text


def test_changes_of_plan_are_told(committed):
    clock.move_to(MIDDLE)
    with unit_of_work() as session:
        make = Make(session)
        user, basic = make.user(locale="en"), make.plan(name="Basic")
        cheaper = make.plan(product=basic.product, price_amount=1900, name="Light")
        equal = make.plan(product=basic.product, name="Other")
        customer = subscribe(make, basic, user=user)
    switch_plan(customer.id, cheaper.id, actor=OWNER)
    switch_plan(customer.id, equal.id, actor=OWNER)
    with unit_of_work() as session:
        dispatch_events(session, LISTENERS, now=MIDDLE)
    with staff_reading() as session:
        mails = {mail.kind: render(mail) for mail in session.scalars(select(OutgoingMail))}
    assert set(mails) == {"switch_planned", "plan_switched"}
    for words in ("Light", "€19.00 a month", "1 April 2026"):
        assert words in mails["switch_planned"].text
    for words in ("Other", "€49.00 a month"):
        assert words in mails["plan_switched"].text
    assert customer.status is CustomerStatus.ACTIVE
