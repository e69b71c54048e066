"""What the audit trail tells of renewals settled together: each step from where the last left."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from models import clock
from models.billing import Customer
from models.billing.end_periods import end_due_periods
from models.billing.renew_due import renew_due
from models.oversight import AuditEvent
from models.session import staff_reading
from tests.checkouts import GOOD, buy, put_on_sale
from tests.models.billing.test_renewals import change_card

pytestmark = pytest.mark.usefixtures("committed")
MONTH, DAY = timedelta(days=31), timedelta(hours=24)
HARD, SOFT = "4000000000009979", "4000000000000341"


@pytest.fixture
def people(twin, now):
    """Three who bought a month ago."""
    key = put_on_sale()
    for number in range(3):
        buy(twin, key, f"p{number}@example.org")
    clock.advance(MONTH)


def told(action, name):
    """From what to what a fact says that a column went, for each that it befell."""
    asked = select(AuditEvent).where(AuditEvent.action == action).order_by(AuditEvent.id)
    with staff_reading() as session:
        rows = session.scalars(asked).all()
        customers = session.scalars(select(Customer.id)).all()
    assert {row.subject_id for row in rows} == {str(key) for key in customers}
    return [(row.before.get(name), row.after.get(name)) for row in rows]


@pytest.mark.usefixtures("people")
class TestTheTrail:
    def test_of_what_ends_at_once_tells_the_refusal_and_then_the_end(self, twin):
        change_card(HARD, twin)
        assert renew_due()["declined"] == 3

        assert told("billing.renewal_declined", "status") == [("ACTIVE", "PAST_DUE")] * 3
        assert told("billing.subscription_ended", "status") == [("PAST_DUE", "EXPIRED")] * 3

    def test_of_a_recovered_payment_tells_what_is_given_back(self, twin):
        change_card(SOFT, twin)
        renew_due()
        failed_at = clock.now().isoformat()
        clock.advance(7 * DAY)
        assert end_due_periods()["paused"] == 3
        change_card(GOOD, twin)
        assert renew_due()["charged"] == 3

        paused_at = clock.now().isoformat()
        for name, before, after in (
            ("status", "PAST_DUE", "ACTIVE"),
            ("first_failed_at", failed_at, None),
            ("access_paused_at", paused_at, None),
        ):
            assert told("billing.payment_recovered", name) == [(before, after)] * 3, name
