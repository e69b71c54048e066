"""Another card for one's own purchase: the checkout's form, with and without scripts."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from models import clock
from models.accounts import Platform
from models.billing import CaptureEndpoint, PaymentMethod
from models.billing.complete_checkout import complete_checkout
from models.billing.hear_vault import hear_vault
from models.session import staff_reading
from tests.checkouts import ASKS_BANK, DECLINED, GOOD, typed_card
from tests.public.clients import EVE, buyer, client_of, put_product_on_sale
from tests.visitors import Visitor

pytestmark = pytest.mark.usefixtures("committed", "redis", "now")

OTHER = "4000000000000341"
"""Kept like any other; only a later charge of it is declined."""


@pytest.fixture
def ada(app, twin):
    return buyer(app, twin, put_product_on_sale("monthly", name="Basic"))


def card_page(client):
    return f"/settings/card/{client.customer.id}"


def begun(client):
    """Ask for a card form; the address of its page."""
    answer = client.press(card_page(client))
    assert answer.status_code == 303
    return answer.location


def enter(twin, number):
    """Type a card into the newest form; the vault tells us and the card is set up."""
    raw, secret = typed_card(twin, list(twin.captures)[-1], number)
    hear_vault(raw, secret)
    with staff_reading() as session:
        capture = session.scalars(
            select(CaptureEndpoint).order_by(CaptureEndpoint.id.desc()).limit(1)
        ).one()
    complete_checkout(capture.id)
    return capture


def default_card(client):
    with staff_reading() as session:
        return session.get(PaymentMethod, client.customer.default_payment_method_id)


def state(client, path):
    page = client.page(path)
    return re.search(r'data-state="(\w+)"', page.text)[1]


class TestWithoutScripts:
    def test_the_new_card_takes_the_place_of_the_former(self, ada, twin):
        assert "Card charged today: Visa •••• 4242" in ada.page(card_page(ada)).text
        path = begun(ada)
        assert state(ada, path) == "card"

        enter(twin, OTHER)

        assert state(ada, path) == "done"
        assert 'href="/settings"' in ada.page(path).text
        assert default_card(ada).last4 == "0341"
        assert len(ada.invoices) == 1, "nothing is charged"
        assert "Visa •••• 0341" in ada.page().text

    def test_after_a_refusal_another_is_tried(self, ada, twin):
        path = begun(ada)
        enter(twin, DECLINED)
        page = ada.page(path)
        assert 'data-state="declined"' in page.text
        assert default_card(ada).last4 == "4242"

        again = ada.press(path.replace("/pay/", "/retry/"))
        assert again.location == path
        enter(twin, OTHER)

        assert default_card(ada).last4 == "0341"

    def test_to_the_bank_and_back(self, ada, twin):
        path = begun(ada)
        capture = enter(twin, ASKS_BANK)
        page = ada.page(path).text
        assert 'data-state="action"' in page

        [waiting] = [it for it in twin.payments.values() if it.redirect_url]
        twin.answer_bank(waiting.payment_id, authorised=True)
        clock.advance(timedelta(seconds=3))
        back = ada.page(f"/checkout/return/{capture.id}")

        assert back.location.endswith("/settings")
        assert default_card(ada).last4 == "3155"


class TestWithScripts:
    def test_the_status_tells_the_same(self, ada, twin):
        path = begun(ada)
        api = "/api/payments/status/" + path.rpartition("/")[2]
        assert ada.page(api).json["status"] == "pending"

        enter(twin, DECLINED)
        told = ada.page(api).json
        assert (told["status"], told["retry"]) == ("declined", True)
        again = ada.visitor.json(f"/api/payments/retry/{told['id']}", {})
        assert again.status_code == 200
        assert again.json["amount"] == 0
        enter(twin, GOOD)

        told = ada.page(api).json
        assert told["status"] == "succeeded"
        assert told["redirect_url"].endswith("/settings")


class TestSomebodyElses:
    def test_purchase_is_nothing(self, app, ada):
        eve = client_of(app, EVE)
        for customer_id in (ada.customer.id, uuid4()):
            assert eve.page(f"/settings/card/{customer_id}").status_code == 404
            assert eve.press(f"/settings/card/{customer_id}").status_code == 404

    def test_card_form_is_nothing(self, app, ada):
        path = begun(ada)
        capture_id = path.rpartition("/")[2]
        eve, stranger = client_of(app, EVE), Visitor(app, Platform.STAM)

        assert eve.page(path).status_code == 404
        assert eve.page(f"/checkout/return/{capture_id}").status_code == 404
        assert eve.press(f"/checkout/retry/{capture_id}").status_code == 404
        assert stranger.get(path).location == f"/login?next={path}"
        for visitor in (eve.visitor, stranger):
            assert visitor.get(f"/api/payments/status/{capture_id}").status_code == 404
            assert visitor.json(f"/api/payments/retry/{capture_id}", {}).status_code == 404

    def test_is_for_those_signed_in(self, app, ada):
        path = card_page(ada)
        stranger = Visitor(app, Platform.STAM)

        assert stranger.get(path).location == f"/login?next={path}"
        assert stranger.post(path, form="/login").location == "/login"


class TestWhatNeedsNone:
    def test_says_so(self, ada):
        ada.press(ada.act("cancel"))

        assert "it needs no card" in ada.page(card_page(ada)).text
