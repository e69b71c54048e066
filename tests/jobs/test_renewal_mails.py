"""What customers are told of a renewal that fails, recovers or ends their purchase."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from jobs.oversight import dispatch
from models import clock
from models.billing.end_periods import end_due_periods
from models.billing.renew_due import renew_due
from models.oversight import OutgoingMail
from models.session import staff_reading
from tests.checkouts import GOOD, buy, put_on_sale
from tests.models.billing.test_renewals import LATER_DECLINED, change_card

pytestmark = pytest.mark.usefixtures("committed", "now")
DAY = timedelta(hours=24)


def told(twin_kind=None):
    dispatch()
    with staff_reading() as session:
        mails = session.scalars(select(OutgoingMail).order_by(OutgoingMail.id)).all()
    return [mail for mail in mails if mail.kind not in ("welcome", "receipt")]


@pytest.fixture
def customer(twin):
    buy(twin, put_on_sale(), card=LATER_DECLINED)
    clock.advance(timedelta(days=30))
    renew_due()
    return twin


class TestMails:
    def test_the_first_failure_says_why_and_where_to_change_the_card(self, customer):
        [mail] = told()

        assert mail.kind == "payment_failed"
        assert "bank" in mail.context["why"].lower()
        assert mail.context["retry_at"] == (clock.now() + 2 * DAY).isoformat()
        assert mail.context["customer_id"]

    def test_later_ones_are_not_told_until_it_ends(self, customer):
        for days in (2, 5, 7, 7):
            clock.advance(days * DAY)
            renew_due()
            end_due_periods()

        assert [mail.kind for mail in told()] == [
            "payment_failed",
            "access_paused",
            "subscription_ended",
        ]

    def test_a_recovery_is_told_with_its_receipt(self, customer):
        change_card(GOOD, customer)
        clock.advance(2 * DAY)
        renew_due()

        assert [mail.kind for mail in told()] == ["payment_failed", "payment_recovered"]

    def test_the_receipt_after_a_trial_says_when_it_renews(self, twin):
        buy(twin, put_on_sale(trial_days=7))
        clock.advance(8 * DAY)
        renew_due()

        dispatch()
        with staff_reading() as session:
            receipt = session.scalars(
                select(OutgoingMail).where(OutgoingMail.kind == "receipt")
            ).one()
        assert receipt.context["trial_ends_at"] is None
        assert receipt.context["next_charge_at"] is not None
