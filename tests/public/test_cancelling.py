"""Ending a contract without signing in: three clicks, by the link of a mail, telling nothing."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from jobs.mail_rendering import render
from models import clock
from models.accounts import Platform
from models.billing.choose_provider import use_provider
from models.billing.in_process import InProcessProvider
from models.oversight import AuditEvent, OutgoingMail
from models.secrets import seal
from models.session import staff_reading
from tests.public.clients import ADA, EVE, buyer, put_product_on_sale
from tests.visitors import Visitor

pytestmark = pytest.mark.usefixtures("committed", "redis", "now")


@pytest.fixture
def twin():
    twin = InProcessProvider()
    use_provider(twin)
    yield twin
    use_provider(None)


@pytest.fixture
def ada(app, twin):
    return buyer(app, twin, put_product_on_sale("monthly", name="Basic"))


@pytest.fixture
def stranger(app):
    """A browser in which nobody has signed in."""
    visitor = Visitor(app, Platform.STAM)
    visitor.browser.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    return visitor


def mails():
    with staff_reading() as session:
        return session.scalars(
            select(OutgoingMail).where(OutgoingMail.kind == "cancel_link").order_by(OutgoingMail.id)
        ).all()


def link(stranger, email=ADA):
    """Ask for the link and take it out of the mail."""
    assert stranger.post("/resilier", {"email": email}, form="/resilier").status_code == 303
    return token_path(json.loads(mails()[-1].secrets)["token"])


def token_path(token):
    return f"/resilier/contrats?token={token}"


def press(visitor, path, contract):
    token = path.partition("token=")[2]
    fields = {"token": token, "contract": str(contract)}
    return visitor.post("/resilier/contrats", fields, form="/resilier")


class TestThroughTheMail:
    def test_from_the_address_to_the_end(self, ada, stranger):
        path = link(stranger)
        assert path in render(mails()[0]).text.replace("http://stam.localhost:8000", "")

        page = stranger.get(path).text
        assert "Cancelled today, access lasts until 10 April" in page
        assert not ada.customer.cancel_at_period_end, "looking ends nothing"

        answer = press(stranger, path, ada.customer.id)

        assert ada.customer.cancel_at_period_end
        page = stranger.get(answer.location).text
        assert "this contract is cancelled" in page
        assert "Access lasts until 10 April and nothing more is charged." in page
        with staff_reading() as session:
            noted = session.scalars(
                select(AuditEvent).where(AuditEvent.action == "billing.subscription_cancelled")
            ).one()
        assert noted.actor_id == ada.customer.user_id
        assert noted.session_id is None

    def test_a_second_press_changes_nothing(self, ada, stranger, now):
        path = link(stranger)
        press(stranger, path, ada.customer.id)
        clock.move_to(now + timedelta(minutes=5))

        assert press(stranger, path, ada.customer.id).status_code == 303
        assert ada.customer.cancelled_at == now

    def test_whoever_is_signed_in_is_led_to_their_purchases(self, ada):
        assert ada.page("/resilier").location == "/settings#subscriptions"

    def test_shows_only_the_contracts_of_the_address(self, app, twin, ada, stranger):
        eve = buyer(app, twin, put_product_on_sale("other", name="Other"), EVE)
        path = link(stranger)

        assert str(eve.customer.id) not in stranger.get(path).text
        for contract in (eve.customer.id, uuid4(), "x", ""):
            assert press(stranger, path, contract).status_code == 404
        assert not eve.customer.cancel_at_period_end


class TestWhatItTells:
    def test_a_known_and_an_unknown_address_get_the_same_answer(self, ada, stranger):
        answers = [
            stranger.post("/resilier", {"email": email}, form="/resilier")
            for email in (ADA, "unknown@example.org")
        ]

        assert {(it.status_code, it.location, it.text) for it in answers} == {
            (303, "/resilier/envoye", answers[0].text)
        }
        assert [mail.to_email for mail in mails()] == [ADA, "unknown@example.org"]
        page = stranger.get(token_path(json.loads(mails()[1].secrets)["token"])).text
        assert "No running contract belongs to this address" in page

    @pytest.mark.parametrize("email", ["", "nobody", "a@b", "x" * 300 + "@example.org"])
    def test_what_is_no_address_is_said_beside_the_field(self, stranger, email):
        answer = stranger.post("/resilier", {"email": email}, form="/resilier")

        assert answer.status_code == 422
        assert 'id="cancel-problem"' in answer.text
        assert mails() == []

    def test_five_mails_in_a_quarter_of_an_hour(self, stranger, now):
        answers = [stranger.post("/resilier", {"email": ADA}, form="/resilier") for _ in range(6)]
        assert [it.status_code for it in answers] == [303] * 5 + [429]
        assert answers[-1].headers["Retry-After"] == "900"

        clock.move_to(now + timedelta(minutes=16))
        assert stranger.post("/resilier", {"email": ADA}, form="/resilier").status_code == 303


class TestTheLink:
    def test_is_over_after_its_hours(self, ada, stranger, now):
        path = link(stranger)
        clock.move_to(now + timedelta(hours=24))

        assert stranger.get(path).status_code == 410
        assert press(stranger, path, ada.customer.id).status_code == 410
        assert not ada.customer.cancel_at_period_end

    def test_opens_nothing_on_the_other_site(self, app, ada, stranger):
        path = link(stranger)

        assert Visitor(app, Platform.WEOKTO).get(path).status_code == 410

    @pytest.mark.parametrize(
        "sealed",
        [None, "{}", "[]", "not json", '{"for": "other"}', '{"for": "cancel", "until": 5}'],
    )
    def test_forged_or_of_another_purpose_opens_nothing(self, stranger, sealed):
        token = seal(sealed) if sealed else "gAAAAABforged"

        assert stranger.get(token_path(token)).status_code == 410
        assert press(stranger, token_path(token), uuid4()).status_code == 410

    def test_says_nothing_of_where_it_was_followed(self, stranger):
        answer = stranger.get(link(stranger))

        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"

    def test_does_not_sign_anybody_in(self, ada, stranger):
        stranger.get(link(stranger))

        assert stranger.me().status_code == 401
        with staff_reading() as session:
            assert session.scalar(select(func.count()).select_from(OutgoingMail)) > 0
