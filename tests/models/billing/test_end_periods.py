"""Ends that come by themselves, in each state, and that nobody else is looked at for them."""

from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.dialects import postgresql

from models.billing import CustomerStatus
from models.billing.cancel_subscription import cancel_subscription
from models.billing.end_periods import end_periods, over_periods
from tests.models.billing.subscribers import END, OWNER, on_trial, past_due, subscribe

EARLIER = END - timedelta(seconds=1)


class TestEndPeriods:
    def test_ends_what_was_cancelled_at_its_instant(self, session, make):
        customers = [subscribe(make), on_trial(make)]
        for customer in customers:
            cancel_subscription(session, customer.id, actor=OWNER, now=EARLIER)

        assert end_periods(session, now=EARLIER)["ended"] == 0
        assert end_periods(session, now=END)["ended"] == 2
        assert {customer.status for customer in customers} == {CustomerStatus.CANCELLED}

    def test_ends_what_is_not_renewed_as_expired(self, session, make):
        customer = subscribe(make, next_charge_at=None)
        assert end_periods(session, now=END)["ended"] == 1
        assert customer.status is CustomerStatus.EXPIRED

    def test_ends_a_trial_that_was_not_paid_and_is_not_tried_again(self, session, make):
        customer, _ = past_due(
            make, subscription_ends_at=None, trial_ends_at=END, next_charge_at=None
        )
        assert end_periods(session, now=END)["ended"] == 1
        assert customer.status is CustomerStatus.EXPIRED

    def test_leaves_who_will_be_charged_and_what_lasts_for_good(self, session, make):
        subscribe(make)
        subscribe(make, next_charge_at=None, subscription_ends_at=None)
        assert end_periods(session, now=END + timedelta(days=1))["ended"] == 0

    def test_is_found_by_its_indexes(self, session):
        """Every other way but through an index on what is asked is shut here."""
        for way in ("seqscan", "indexscan", "indexonlyscan"):
            session.execute(text(f"SET LOCAL enable_{way} = off"))
        asked = over_periods(END).compile(
            dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True}
        )
        plan = session.connection().exec_driver_sql(f"EXPLAIN {asked}").scalars().all()

        for index in ("ix_customers_period_ends", "ix_customers_trial_ends"):
            assert any(index in line for line in plan), plan
