"""Monthly recurring revenue: which subscriptions count, per which interval, rounded once."""

from decimal import Decimal

import pytest
from sqlalchemy import select

from models.billing import Customer, CustomerStatus
from models.billing.mrr import Recurring, mrr_of
from models.catalog import BillingInterval
from models.errors import Missing
from models.ids import new_id

VAT = Decimal("0.20")


@pytest.fixture
def subscribed(make):
    """A plan with subscriptions of these statuses."""

    def subscribe(*statuses, **values):
        plan = make.plan(**values)
        for status in statuses:
            make.add(
                Customer(
                    user_id=make.user().id,
                    product_id=plan.product_id,
                    current_plan_id=plan.id,
                    status=status,
                )
            )
        return plan

    return subscribe


ACTIVE, PAST_DUE = CustomerStatus.ACTIVE, CustomerStatus.PAST_DUE


class TestMrrOf:
    def test_counts_active_and_past_due_subscriptions(self, session, subscribed):
        plan = subscribed(*CustomerStatus, price_amount=6000)
        assert mrr_of(session, plan.id, vat_rate=VAT) == Recurring(2, 10_000)

    def test_leaves_out_what_was_given_and_charges_as_sold(self, session, make, subscribed):
        plan = subscribed(ACTIVE, price_amount=6000)
        make.add(
            Customer(
                user_id=make.user().id,
                product_id=plan.product_id,
                current_plan_id=plan.id,
                status=ACTIVE,
                is_complimentary=True,
            )
        )
        subscriber = session.scalars(select(Customer).where(~Customer.is_complimentary)).one()
        subscriber.terms = {"price": 4800}
        session.flush()
        assert mrr_of(session, plan.id, vat_rate=VAT) == Recurring(1, 4000)

    def test_leaves_out_other_plans(self, session, subscribed):
        subscribed(ACTIVE)
        plan = subscribed(ACTIVE, price_amount=1200)
        assert mrr_of(session, plan.id, vat_rate=VAT) == Recurring(1, 1000)

    @pytest.mark.parametrize(
        ("interval", "monthly"),
        [
            (BillingInterval.MONTHLY, 4083),
            (BillingInterval.QUARTERLY, 1361),
            (BillingInterval.ANNUALLY, 340),
        ],
    )
    def test_is_per_month_excluding_tax(self, session, subscribed, interval, monthly):
        plan = subscribed(ACTIVE, price_amount=4900, billing_interval=interval)
        assert mrr_of(session, plan.id, vat_rate=VAT) == Recurring(1, monthly)

    def test_is_rounded_once_on_the_sum(self, session, subscribed):
        plan = subscribed(ACTIVE, PAST_DUE, ACTIVE, price_amount=4900)
        assert mrr_of(session, plan.id, vat_rate=VAT) == Recurring(3, 12_250)  # not 3 × 4083

    def test_a_half_goes_up(self, session, subscribed):
        plan = subscribed(ACTIVE, price_amount=3, billing_interval=BillingInterval.QUARTERLY)
        half = subscribed(ACTIVE, price_amount=6, billing_interval=BillingInterval.ANNUALLY)
        assert mrr_of(session, plan.id, vat_rate=Decimal(0)) == Recurring(1, 1)
        assert mrr_of(session, half.id, vat_rate=Decimal(0)) == Recurring(1, 1)

    def test_nobody_is_nothing(self, session, subscribed):
        assert mrr_of(session, subscribed().id, vat_rate=VAT) == Recurring(0, 0)

    @pytest.mark.parametrize("interval", [BillingInterval.ONE_TIME, BillingInterval.LIFETIME])
    def test_what_never_renews_has_none(self, session, subscribed, interval):
        plan = subscribed(ACTIVE, billing_interval=interval)
        assert mrr_of(session, plan.id, vat_rate=VAT) is None

    def test_an_unknown_plan_is_missing(self, session):
        with pytest.raises(Missing):
            mrr_of(session, new_id(), vat_rate=VAT)
