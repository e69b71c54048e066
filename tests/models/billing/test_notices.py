"""Notices ahead of charges: to whom, when, once, and until when cancelling helps."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select

from models import clock
from models.billing import Customer, CustomerStatus, NoticeKind, SubscriptionNotice
from models.billing.give_notices import (
    annual_notice_missed,
    give_notices,
    last_day_to_cancel,
    next_notice,
    remind_due,
)
from models.catalog import BillingInterval
from models.clock import PARIS
from models.session import staff_reading, unit_of_work
from tests.factories import Make
from tests.models.billing.subscribers import give_card, on_trial, subscribe

TRIAL, ANNUAL, CARD = NoticeKind.TRIAL_ENDING, NoticeKind.ANNUAL_TERM, NoticeKind.CARD_EXPIRING


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=PARIS).astimezone(UTC)


def given(session, kind, now):
    give_notices(session, kind, now=at(now))
    return session.scalars(select(SubscriptionNotice.customer_id)).all()


class TestTrialEnding:
    @pytest.mark.parametrize(
        ("now", "told"),
        [
            ("2026-03-28T09:00", False),
            ("2026-03-29T09:00", True),  # three days before, over the change of hours
            ("2026-03-31T09:00", True),  # a run that was missed is made up for
            ("2026-04-01T12:00", False),  # over
        ],
    )
    def test_is_told_three_days_before(self, session, make, now, told):
        customer = on_trial(make, trial_ends_at=at("2026-04-01T12:00"))
        assert given(session, TRIAL, now) == ([customer.id] if told else [])

    def test_is_told_once(self, session, make):
        on_trial(make, trial_ends_at=at("2026-04-01T12:00"))
        for day in (29, 30, 31):
            assert len(given(session, TRIAL, f"2026-03-{day}T09:00")) == 1

    def test_is_not_told_to_who_cancelled_or_will_pay_nothing(self, session, make):
        ends = at("2026-04-01T12:00")
        on_trial(make, trial_ends_at=ends, next_charge_at=None, cancel_at_period_end=True)
        on_trial(make, make.plan(price_amount=0), trial_ends_at=ends)
        assert given(session, TRIAL, "2026-03-30T09:00") == []

    def test_is_told_again_of_a_new_end(self, session, make):
        customer = on_trial(make, trial_ends_at=at("2026-04-01T12:00"))
        given(session, TRIAL, "2026-03-30T09:00")
        customer.trial_ends_at = at("2026-04-15T12:00")
        session.flush()
        assert len(given(session, TRIAL, "2026-04-12T09:00")) == 2


class TestAnnualTerm:
    @pytest.fixture
    def yearly(self, make):
        """A customer whose yearly plan has its term on 15 May 2027."""

        def subscribed(**values):
            plan = make.plan(billing_interval=BillingInterval.ANNUALLY, price_amount=49_000)
            term = at("2027-05-15T12:00")
            return subscribe(
                make, plan, **{"subscription_ends_at": term, "next_charge_at": term, **values}
            )

        return subscribed

    @pytest.mark.parametrize(
        ("now", "told"),
        [
            ("2027-02-14T09:00", False),
            ("2027-02-15T09:00", True),  # three months before
            ("2027-04-15T09:00", True),  # one month before, the last day
            ("2027-04-16T09:00", False),  # too late: the console shows it
        ],
    )
    def test_is_told_between_three_months_and_one(self, session, yearly, now, told):
        customer = yearly()
        assert given(session, ANNUAL, now) == ([customer.id] if told else [])

    def test_names_the_last_day_on_which_cancelling_helps(self, session, yearly):
        yearly()
        given(session, ANNUAL, "2027-03-01T09:00")
        notice = session.scalars(select(SubscriptionNotice)).one()
        assert (notice.about_at, notice.last_day_on) == (at("2027-05-15T12:00"), date(2027, 5, 13))

    def test_is_for_yearly_plans_that_renew(self, session, make, yearly):
        yearly(next_charge_at=None, cancel_at_period_end=True)
        yearly(status=CustomerStatus.PAST_DUE)
        term = at("2027-05-15T12:00")
        subscribe(make, subscription_ends_at=term, next_charge_at=term)  # a monthly one
        assert given(session, ANNUAL, "2027-03-01T09:00") == []

    def test_what_was_missed_is_found(self, session, yearly):
        missed, told = yearly(), yearly()
        session.add(
            SubscriptionNotice(customer_id=told.id, kind=ANNUAL, about_at=told.subscription_ends_at)
        )
        session.flush()
        for now, found in (("2027-04-10T09:00", []), ("2027-04-20T09:00", [missed.id])):
            conditions = annual_notice_missed(now=at(now))
            assert session.scalars(select(Customer.id).where(*conditions)).all() == found

    @pytest.mark.parametrize(
        ("term", "last"),
        [("2027-05-15T12:00", date(2027, 5, 13)), ("2027-05-15T00:30", date(2027, 5, 13))],
        ids=["noon", "night"],
    )
    def test_the_last_day_is_over_before_any_run_charges(self, term, last):
        assert last_day_to_cancel(ANNUAL, at(term)) == last


class TestCardExpiring:
    @pytest.mark.parametrize(
        ("month", "charged", "told"),
        [
            (4, "2026-04-30T23:30", False),  # good until the month's last minute
            (4, "2026-05-01T00:30", True),
            (5, "2026-05-01T00:30", False),
            (12, "2026-05-01T00:30", False),
        ],
    )
    def test_is_told_of_a_card_too_old_for_the_next_charge(
        self, session, make, month, charged, told
    ):
        customer = subscribe(make, card=False, next_charge_at=at(charged))
        give_card(make, customer, exp_month=month, exp_year=2026)
        assert bool(given(session, CARD, "2026-04-20T09:00")) is told

    def test_is_told_a_month_ahead_and_once(self, session, make):
        customer = subscribe(make, card=False, next_charge_at=at("2027-05-15T12:00"))
        give_card(make, customer, exp_month=6, exp_year=2026)
        assert given(session, CARD, "2027-04-14T09:00") == []
        assert given(session, CARD, "2027-04-15T09:00") == [customer.id]
        assert given(session, CARD, "2027-04-16T09:00") == [customer.id]

    def test_is_not_told_without_a_card_or_a_charge(self, session, make):
        charged = at("2026-05-10T12:00")
        subscribe(make, card=False, next_charge_at=charged)
        subscribe(make, card=False, next_charge_at=None)
        assert given(session, CARD, "2026-05-01T09:00") == []


class TestRun:
    def test_counts_and_runs_twice_alike(self, committed):
        with unit_of_work() as session:
            on_trial(Make(session), trial_ends_at=at("2026-04-01T12:00"))
        clock.move_to(at("2026-03-30T09:00"))
        nothing = {"trial_ending": 0, "annual_term": 0, "card_expiring": 0}
        assert remind_due() == {**nothing, "trial_ending": 1}
        assert remind_due() == nothing

    def test_says_when_it_next_has_work(self, committed):
        with staff_reading() as session:
            assert session.scalar(next_notice()) is None
        with unit_of_work() as session:
            on_trial(Make(session), trial_ends_at=at("2026-04-01T12:00"))
        with staff_reading() as session:
            due = session.scalar(next_notice())
        assert at("2026-03-27T00:00") < due <= at("2026-03-29T09:00")
        clock.move_to(at("2026-03-30T09:00"))
        remind_due()
        with staff_reading() as session:
            assert session.scalar(next_notice()) is None
