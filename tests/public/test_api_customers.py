"""One's own purchases as JSON: one's own only, whatever is on show by now."""

import pytest

from models import clock
from models.accounts import Platform
from models.billing import Customer, CustomerStatus
from models.billing.quote import quote_of
from models.session import unit_of_work
from tests.factories import Make
from tests.visitors import Visitor, committed_user

ADA = "ada@example.org"

pytestmark = pytest.mark.usefixtures("committed", "redis", "now")


def bought(user, *, name, is_published=True, **values):
    with unit_of_work() as session:
        make = Make(session)
        plan = make.plan(product=make.product(name=name, is_published=is_published), name="Monthly")
        values.setdefault("status", CustomerStatus.ACTIVE)
        return make.add(
            Customer(
                user_id=user.id,
                product_id=plan.product_id,
                current_plan_id=plan.id,
                terms=quote_of(plan.product, plan).to_json(),
                **values,
            )
        )


@pytest.fixture
def ada(app):
    visitor = Visitor(app, Platform.STAM)
    visitor.sign_in(ADA)
    return visitor


class TestCustomers:
    def test_tells_product_plan_and_community(self, ada):
        customer = bought(ada.user(), name="Club", next_charge_at=clock.now())

        [told] = ada.get("/api/customers").json["customers"]

        assert told["id"] == str(customer.id)
        assert (told["status"], told["product"]["name"]) == ("ACTIVE", "Club")
        assert (told["plan"]["name"], told["plan"]["price"]) == ("Monthly", 4900)
        assert told["plan"]["interval"] == "MONTHLY"
        assert told["community"]["name"]
        assert told["next_charge_at"].startswith("2026-03-10T11:00:00")

    def test_running_ones_come_first(self, ada):
        bought(ada.user(), name="Ended", status=CustomerStatus.EXPIRED)
        bought(ada.user(), name="Running")
        bought(ada.user(), name="Cancelled", status=CustomerStatus.CANCELLED)

        told = ada.get("/api/customers").json["customers"]

        assert [it["product"]["name"] for it in told] == ["Running", "Cancelled", "Ended"]

    def test_what_was_bought_is_told_after_it_left_the_shop(self, ada):
        bought(ada.user(), name="Withdrawn", is_published=False)

        [told] = ada.get("/api/customers").json["customers"]

        assert told["product"]["name"] == "Withdrawn"

    def test_shows_nobody_elses(self, ada):
        bought(committed_user("eve@example.org", Platform.STAM), name="Eve's")

        answer = ada.get("/api/customers")

        assert answer.json == {"customers": []}
        assert answer.headers["Cache-Control"] == "no-store"

    def test_wants_somebody(self, app):
        assert Visitor(app, Platform.STAM).get("/api/customers").status_code == 401
