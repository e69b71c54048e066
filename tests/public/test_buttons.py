"""The snippet's endpoints: what a button says, and where it was seen."""

import json

import pytest
from flask import g

from models.catalog import ButtonSighting, Community, PaymentButton, Plan, Product
from models.session import unit_of_work
from public.buttons import loses_click, note_own_sightings, payment_button
from tests.shop import open_shop

SOLD = "club-boutique-monthly"
"""A button of STAM."""


@pytest.fixture
def catalogue(client):
    open_shop()


def seen(client, **report):
    return client.post(
        "/api/payments/button-seen",
        data=json.dumps(report),
        content_type="text/plain",
        headers={"Origin": "https://blog.example"},
    )


def sightings():
    with unit_of_work() as session:
        return {row.page_url: row for row in session.query(ButtonSighting)}


class TestButtonConfig:
    def test_says_price_and_trial_to_any_site(self, client, catalogue):
        answer = client.get("/api/payments/button-config?key=academy-premium-monthly")

        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.json["amount"] == 4900
        assert answer.json["trial_days"] == 7
        assert answer.json["checkout_url"].endswith("/checkout/academy-premium-monthly")

    @pytest.mark.parametrize("what", ["button", "plan", "product", "community"])
    def test_is_404_when_anything_is_switched_off(self, client, catalogue, what):
        with unit_of_work() as session:
            button = session.query(PaymentButton).filter_by(button_key=SOLD).one()
            product = session.get(Product, button.product_id)
            row = {
                "button": button,
                "plan": session.get(Plan, button.plan_id),
                "product": product,
                "community": session.get(Community, product.community_id),
            }[what]
            row.is_active = False

        url = f"/api/payments/button-config?key={SOLD}"
        assert client.get(url, base_url="http://stam.localhost").status_code == 404

    def test_is_404_while_it_is_not_published_and_so_is_the_checkout(self, client, catalogue):
        with unit_of_work() as session:
            button = session.query(PaymentButton).filter_by(button_key=SOLD).one()
            session.get(Product, button.product_id).is_published = False

        for url in (f"/api/payments/button-config?key={SOLD}", f"/checkout/{SOLD}"):
            assert client.get(url, base_url="http://stam.localhost").status_code == 404

    def test_is_404_on_the_other_platform(self, client, catalogue):
        assert client.get(f"/api/payments/button-config?key={SOLD}").status_code == 404


class TestSightings:
    def test_are_noted_once_per_page_without_its_query(self, client, catalogue):
        for price in (4900, 5900):
            answer = seen(
                client,
                key="academy-premium-monthly",
                page="https://blog.example/a?utm=1",
                price=price,
                keeps_ref=False,
            )
            assert answer.status_code == 204

        noted = sightings()["https://blog.example/a"]
        assert noted.price_shown == 5900
        assert noted.loses_ref

    def test_of_our_own_pages_are_noted(self, app, client, catalogue):
        app.extensions["noted_sightings"].clear()

        client.get("/", base_url="http://weokto.localhost")

        assert sightings()["http://weokto.localhost/"].price_shown is not None

    def test_of_a_visit_without_ref_say_nothing_of_it(self, client, catalogue):
        about = {"key": "academy-premium-monthly", "page": "https://blog.example/a"}
        seen(client, **about, price=4900, keeps_ref=False)
        seen(client, **about, price=4900, price_follows=True)

        noted = sightings()["https://blog.example/a"]
        assert noted.loses_ref
        assert noted.price_follows

    def test_use_the_key(self, client, catalogue):
        seen(client, key="academy-premium-monthly", page="https://blog.example/a")

        with unit_of_work() as session:
            used = session.query(PaymentButton).filter(PaymentButton.used_at.is_not(None))
            assert [button.button_key for button in used] == ["academy-premium-monthly"]

    @pytest.mark.parametrize(
        ("link", "click", "loses"),
        [
            ("/checkout/{key}", "abc", True),
            ("/p/academy-premium", "abc", True),
            ("/checkout/{key}?click=abc", "abc", False),
            ("/legal/cgv", "abc", False),
            ("/checkout/{key}", None, None),
        ],
    )
    def test_of_our_own_pages_tell_a_link_that_loses_the_click(
        self, app, catalogue, link, click, loses
    ):
        with app.test_request_context("/"):
            g.click_id = click
            page = f'<a href="{link.format(key=SOLD)}">'
            assert loses_click(page) is loses

    def test_of_our_own_pages_tell_a_price_written_by_hand(self, app, catalogue):
        app.extensions["noted_sightings"].clear()
        with app.test_request_context("/a", base_url="http://stam.localhost"):
            page = payment_button(SOLD) + payment_button(SOLD, price=100) + payment_button(SOLD)
            note_own_sightings("/a", page)

        noted = sightings()["http://stam.localhost/a"]
        assert (noted.price_shown, noted.price_follows) == (100, False)

    def test_of_our_own_pages_follow_the_catalogue(self, app, client, catalogue):
        app.extensions["noted_sightings"].clear()

        client.get("/", base_url="http://weokto.localhost")

        noted = sightings()["http://weokto.localhost/"]
        assert noted.price_follows
        assert not noted.loses_ref

    @pytest.mark.parametrize(
        "report",
        [
            {},
            {"key": SOLD, "page": "https://a.example/", "price_follows": 1},
            {"key": SOLD, "page": "https://a.example/", "keeps_ref": None},
            {"key": 3, "page": "https://a.example/"},
            {"key": "academy-premium-monthly", "page": "javascript:alert(1)"},
            {"key": "academy-premium-monthly", "page": "https://a.example/", "price": -1},
            {"key": "academy-premium-monthly", "page": "https://a.example/", "price": True},
            {"key": "academy-premium-monthly", "page": "https://a.example/4242424242424242"},
        ],
    )
    def test_refuses_what_is_no_report(self, client, catalogue, report):
        assert seen(client, **report).status_code == 422

    def test_of_an_unknown_button_are_refused(self, client, catalogue):
        assert seen(client, key="nothing", page="https://a.example/").status_code == 404
