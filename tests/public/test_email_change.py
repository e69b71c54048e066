"""Changing one's address on the pages: the form, the link of the mail, and the old address told."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from jobs.listeners import LISTENERS
from jobs.mail_rendering import render
from models import clock
from models.accounts import Platform, User
from models.accounts.change_email import MINUTES
from models.oversight import OutgoingMail
from models.oversight.dispatch import dispatch_events
from models.session import staff_reading, unit_of_work
from public import email_change
from tests.visitors import Visitor, committed_user

pytestmark = pytest.mark.usefixtures("committed", "redis")
NEW = "new@example.org"


@pytest.fixture
def ada(app, now):
    visitor = Visitor(app, Platform.STAM)
    visitor.browser.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    visitor.sign_in()
    return visitor


def mails(kind):
    with staff_reading() as session:
        asked = select(OutgoingMail).where(OutgoingMail.kind == kind).order_by(OutgoingMail.id)
        return session.scalars(asked).all()


def ask(visitor, email=NEW):
    return visitor.post("/settings/email", {"email": email}, form="/settings/email")


def token():
    return json.loads(mails("email_change")[-1].secrets)["token"]


def confirm(visitor, given=None):
    fields = {"token": given or token()}
    return visitor.post("/verify-email", fields, form="/login")


class TestChange:
    def test_from_the_settings_to_the_new_address(self, app, ada, now):
        assert "/settings/email" in ada.get("/settings").text
        answer = ask(ada)
        assert (answer.status_code, answer.location) == (303, "/settings/email?sent=1")
        assert 'role="status"' in ada.get(answer.location).text
        assert f"/verify-email?token={token()}" in render(mails("email_change")[0]).text

        page = ada.get(f"/verify-email?token={token()}")
        assert NEW in page.text
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert ada.me().json["email"] == "ada@example.org", "opening a link changes nothing"

        answer = confirm(ada)

        assert answer.location == "/settings"
        assert NEW in ada.get("/settings").text
        other = Visitor(app, Platform.STAM)
        assert other.sign_in(NEW).status_code == 200
        assert other.user().id == ada.user().id

    def test_says_how_long_the_link_is_good(self, ada, monkeypatch):
        assert f"within {MINUTES} minutes" in ada.get("/settings/email?sent=1").text

        monkeypatch.setattr(email_change, "MINUTES", 7)
        assert "within 7 minutes" in ada.get("/settings/email?sent=1").text

    def test_tells_the_old_address(self, ada):
        ask(ada)
        confirm(ada)
        for _ in range(2):
            with unit_of_work() as session:
                dispatch_events(session, LISTENERS, now=clock.now())

        [mail] = mails("email_changed")
        assert mail.to_email == "ada@example.org"
        assert NEW in render(mail).text

    def test_the_link_works_in_a_browser_where_nobody_is_signed_in(self, app, ada):
        ask(ada)
        phone = Visitor(app, Platform.STAM)

        assert confirm(phone).location == "/login"
        assert ada.me().json["email"] == NEW
        assert phone.me().status_code == 401, "it confirms an address and signs nobody in"

    def test_says_the_same_whether_the_address_is_taken(self, ada):
        committed_user("taken@example.org", Platform.STAM)

        told = [(it.status_code, it.location) for it in (ask(ada), ask(ada, "taken@example.org"))]

        assert told[0] == told[1]
        answer = confirm(ada)
        assert answer.status_code == 409
        with staff_reading() as session:
            assert session.scalar(select(User.id).where(User.email == "ada@example.org"))

    @pytest.mark.parametrize("email", ["", "ada@example.org", "nobody", "x" * 300])
    def test_says_in_the_form_what_is_wrong(self, ada, email):
        answer = ask(ada, email)

        assert answer.status_code == 422
        assert 'aria-invalid="true"' in answer.text
        assert not mails("email_change")

    def test_says_how_long_to_wait(self, ada):
        for number in range(5):
            ask(ada, f"new-{number}@example.org")

        answer = ask(ada)

        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "3600")

    def test_a_spent_link_says_where_to_go(self, ada, now):
        ask(ada)
        clock.move_to(now + timedelta(minutes=15))

        for answer in (
            ada.get(f"/verify-email?token={token()}"),
            confirm(ada),
            ada.get("/verify-email"),
        ):
            assert answer.status_code == 410
            assert "/settings/email" in answer.text

    def test_wants_somebody(self, app):
        answer = Visitor(app, Platform.STAM).get("/settings/email")

        assert answer.location == "/login?next=/settings/email"
