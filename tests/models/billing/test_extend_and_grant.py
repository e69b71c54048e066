"""What the owner may give: more time, or a product free until a date."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from models.accounts.use_magic_link import Suspended
from models.billing import AccessGrant, CustomerStatus, Invoice
from models.billing.cancel_subscription import cancel_subscription
from models.billing.extend_period import NotLater, extend_period
from models.billing.grant_access import NoPlan, NotAhead, PaysAlready, grant_access
from models.billing.mrr import mrr_of
from models.billing.standing import NeverRenews, NotRunning, PastDue, PaymentUnderWay
from models.errors import Missing
from models.ids import new_id
from models.oversight import OutboxEvent
from tests.models.billing.subscribers import (
    END,
    OWNER,
    START,
    on_trial,
    past_due,
    subscribe,
    unpaid,
)

MIDDLE = START + timedelta(days=10)
LATER = END + timedelta(days=12)


def extend(session, customer, until=LATER, now=MIDDLE):
    return extend_period(session, customer.id, until=until, reason="goodwill", actor=OWNER, now=now)


def kinds(session):
    return session.scalars(select(OutboxEvent.kind).order_by(OutboxEvent.id)).all()


class TestExtend:
    def test_moves_the_end_and_all_that_is_reckoned_from_it(self, session, make):
        customer = extend(session, subscribe(make))
        assert customer.subscription_ends_at == customer.next_charge_at == LATER
        assert (customer.billing_anchor_at, customer.periods_since_anchor) == (LATER, 0)
        assert customer.billing_cycles_done == 1
        assert kinds(session) == ["billing.period_extended"]

    def test_moves_the_end_of_a_trial(self, session, make):
        customer = extend(session, on_trial(make))
        assert customer.trial_ends_at == customer.billing_anchor_at == LATER
        assert customer.next_charge_at == LATER
        assert customer.subscription_ends_at is None

    def test_leaves_a_cancelled_one_cancelled(self, session, make):
        customer = subscribe(make)
        cancel_subscription(session, customer.id, actor=OWNER, now=MIDDLE)
        extend(session, customer)
        assert (customer.subscription_ends_at, customer.next_charge_at) == (LATER, None)

    def test_leaves_a_last_cycle_the_last(self, session, make):
        plan = make.plan(max_billing_cycles=1)
        customer = extend(session, subscribe(make, plan, next_charge_at=None))
        assert (customer.subscription_ends_at, customer.next_charge_at) == (LATER, None)

    def test_gives_more_of_what_was_given(self, session, make):
        customer = extend(session, subscribe(make, is_complimentary=True, next_charge_at=None))
        assert (customer.subscription_ends_at, customer.next_charge_at) == (LATER, None)

    def test_twice_moves_once(self, session, make):
        customer = extend(session, subscribe(make))
        extend(session, customer)
        assert kinds(session) == ["billing.period_extended"]

    @pytest.mark.parametrize("days", [-1, -20], ids=["earlier", "past"])
    def test_to_an_earlier_end_is_refused(self, session, make, days):
        customer = subscribe(make)
        with pytest.raises(NotLater):
            extend(session, customer, END + timedelta(days=days))

    def test_of_what_has_no_end_or_has_ended_is_refused(self, session, make):
        for_good = subscribe(make, subscription_ends_at=None, next_charge_at=None)
        with pytest.raises(NeverRenews):
            extend(session, for_good)
        ended = subscribe(make, status=CustomerStatus.EXPIRED, next_charge_at=None)
        with pytest.raises(NotRunning):
            extend(session, ended)

    def test_of_one_past_due_is_refused(self, session, make):
        customer, _ = past_due(make)
        with pytest.raises(PastDue):
            extend(session, customer)

    def test_while_a_payment_is_made_is_refused(self, session, make):
        customer = subscribe(make)
        unpaid(make, customer)
        with pytest.raises(PaymentUnderWay):
            extend(session, customer)


class TestGrant:
    @pytest.fixture
    def given(self, session, make):
        """Give a product to a person until an instant."""

        def give(plan, user, until=LATER, now=MIDDLE):
            return grant_access(
                session,
                user.id,
                plan.product_id,
                until=until,
                reason="friend",
                actor=OWNER,
                now=now,
            )

        return give

    def test_makes_a_customer_who_is_asked_for_nothing(self, session, make, given):
        plan = make.plan()
        customer = given(plan, make.user())
        assert (customer.status, customer.is_complimentary) == (CustomerStatus.ACTIVE, True)
        assert (customer.subscription_ends_at, customer.next_charge_at) == (LATER, None)
        assert session.scalars(select(AccessGrant)).one().customer_id == customer.id
        assert session.scalars(select(Invoice)).all() == []
        assert mrr_of(session, plan.id, vat_rate=0).subscriptions == 0
        assert kinds(session) == ["billing.access_granted"]

    def test_revives_one_whose_purchase_ended(self, session, make, given):
        plan, user = make.plan(), make.user()
        subscribe(
            make,
            plan,
            user=user,
            status=CustomerStatus.EXPIRED,
            next_charge_at=None,
            cancel_at_period_end=True,
            dunning_step=3,
        )
        customer = given(plan, user)
        assert (customer.status, customer.is_complimentary) == (CustomerStatus.ACTIVE, True)
        assert (customer.cancel_at_period_end, customer.dunning_step) == (False, 0)

    def test_a_second_one_moves_the_date_either_way(self, session, make, given):
        plan, user = make.plan(), make.user()
        given(plan, user)
        given(plan, user)
        assert len(kinds(session)) == 1
        assert given(plan, user, END).subscription_ends_at == END

    def test_to_one_who_pays_is_refused(self, session, make, given):
        plan, user = make.plan(), make.user()
        subscribe(make, plan, user=user)
        with pytest.raises(PaysAlready):
            given(plan, user)

    def test_into_the_past_or_to_nobody_is_refused(self, session, make, given):
        plan = make.plan()
        with pytest.raises(NotAhead):
            given(plan, make.user(), MIDDLE)
        with pytest.raises(Suspended):
            given(plan, make.user(is_suspended=True))
        with pytest.raises(Missing):
            grant_access(
                session, new_id(), plan.product_id, until=END, reason="", actor=OWNER, now=MIDDLE
            )

    def test_of_a_product_without_a_plan_is_refused(self, session, make):
        product = make.product()
        with pytest.raises(NoPlan):
            grant_access(
                session, make.user().id, product.id, until=END, reason="", actor=OWNER, now=MIDDLE
            )
