"""One's data on the pages: a copy for oneself alone, and the deletion with its way back."""

import io
import zipfile
from datetime import timedelta

import pytest
from sqlalchemy import select

from admin_views.data_requests import HELD_BY
from jobs.accounts import copy_data, tidy
from jobs.listeners import LISTENERS
from jobs.mail_rendering import render
from models import clock
from models.accounts import DataRequest, DataRequestStatus, Platform, User, UserType
from models.accounts.delete_account import GRACE
from models.affiliation import AffiliateProfile
from models.billing.choose_provider import use_provider
from models.billing.in_process import InProcessProvider
from models.oversight import OutgoingMail
from models.oversight.dispatch import dispatch_events
from models.session import staff_reading, unit_of_work
from public import own_data
from public.own_data import WAYS_OUT
from tests.earnings import Earnings
from tests.factories import Make
from tests.public.clients import buyer, put_product_on_sale, speak_english
from tests.visitors import Visitor, committed_user

pytestmark = pytest.mark.usefixtures("committed", "redis")
ADA = "ada@example.org"


@pytest.fixture
def ada(app, now):
    visitor = Visitor(app, Platform.STAM)
    visitor.sign_in(ADA, remember=True)
    speak_english(ADA)
    return visitor


def press(visitor, path):
    return visitor.post(path, form="/profile")


def requests():
    with staff_reading() as session:
        return session.scalars(select(DataRequest).order_by(DataRequest.id)).all()


def told():
    """The mails of account facts that went out, by kind."""
    for _ in range(2):
        with unit_of_work() as session:
            dispatch_events(session, LISTENERS, now=clock.now())
    with staff_reading() as session:
        mails = session.scalars(select(OutgoingMail).where(OutgoingMail.kind != "magic_link"))
        return {mail.kind: render(mail).text for mail in mails}


class TestCopy:
    @pytest.fixture
    def copy(self, ada):
        """The address of a copy that is ready."""
        assert press(ada, "/settings/data/copy").location == "/settings/data"
        assert "being made" in ada.get("/settings/data").text
        copy_data()
        [request] = requests()
        return f"/settings/data/{request.id}.zip"

    def test_is_told_by_mail_and_downloaded(self, ada, copy):
        assert "/settings/data" in told()["data_ready"]
        page = ada.get("/settings/data").text
        assert copy in page
        assert "/settings/data/copy" not in page, "another one is made after a day"

        answer = ada.get(copy)

        assert answer.mimetype == "application/zip"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "data-2026-03-10.zip" in answer.headers["Content-Disposition"]
        with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
            assert ADA in archive.read("data.json").decode()

    def test_is_nothing_to_anybody_else(self, app, ada, copy):
        eve = Visitor(app, Platform.STAM)
        assert eve.get(copy).location.startswith("/login")
        eve.sign_in("eve@example.org")

        assert eve.get(copy).status_code == 404

    def test_is_gone_after_seven_days(self, ada, copy, now):
        clock.move_to(now + timedelta(days=7))

        assert ada.get(copy).status_code == 404
        assert copy not in ada.get("/settings/data").text
        tidy()
        assert requests()[0].status is DataRequestStatus.EXPIRED


class TestDeletion:
    def test_is_asked_told_and_undone(self, ada):
        assert "/settings/data/delete" in ada.get("/settings/data").text

        assert press(ada, "/settings/data/delete").location == "/settings/data"

        assert "17 March 2026" in told()["deletion_asked"]
        page = ada.get("/settings/data").text
        assert "17/03/2026" in page
        assert press(ada, "/settings/data/keep").status_code == 303
        assert requests()[0].status is DataRequestStatus.CANCELLED
        assert "deletion_undone" in told()
        assert "/settings/data/keep" not in ada.get("/settings/data").text

    @pytest.mark.parametrize("path", ["/settings/data", "/settings/data/delete"])
    def test_says_how_many_days_there_are(self, ada, monkeypatch, path):
        assert f"{GRACE.days} days" in ada.get(path).text

        monkeypatch.setattr(own_data, "GRACE", timedelta(days=3))
        monkeypatch.setattr(own_data, "KEPT", timedelta(days=2))
        page = ada.get(path).text
        assert "3 days" in page
        assert f"{GRACE.days} days" not in page

    def test_happens_after_seven_days(self, ada, now):
        press(ada, "/settings/data/delete")
        clock.move_to(now + timedelta(days=7))
        assert ada.me().status_code == 200

        tidy()

        assert ada.me().status_code == 401
        assert "account_deleted" in told()

    def test_says_what_runs(self, app, now):
        twin = InProcessProvider()
        use_provider(twin)
        bob = buyer(app, twin, put_product_on_sale("monthly", name="Basic"), "bob@example.org")

        answer = bob.press("/settings/data/delete")

        use_provider(None)
        assert answer.status_code == 409
        assert "Still running" in answer.text
        assert 'href="/settings#subscriptions"' in answer.text
        assert not requests()

    def test_says_what_holds_it_and_where_to_settle_it(self, app, ada, now):
        press(ada, "/settings/data/delete")
        clock.move_to(now + timedelta(days=6))
        twin = InProcessProvider()
        use_provider(twin)
        bought = buyer(app, twin, put_product_on_sale("monthly", name="Basic"), ADA)
        use_provider(None)
        clock.move_to(now + timedelta(days=7))
        assert "coming night" in ada.get("/settings/data").text

        tidy()

        assert "Still running" in told()["deletion_held"]
        page = ada.get("/settings/data").text
        assert "Still running" in page
        assert 'href="/settings#subscriptions"' in page
        assert "17/03/2026" not in page, "a day that has passed"
        assert "/settings/data/keep" in page

        bought.press(bought.act("cancel"))
        page = ada.get("/settings/data").text
        assert "Still running" not in page
        assert "coming night" in page, "nothing holds it any more"

    def test_knows_where_to_settle_whatever_holds_it(self):
        assert set(WAYS_OUT) == set(HELD_BY) - {"staff_account"}

    def test_says_which_commissions_are_lost(self, app, ada, now):
        with unit_of_work() as session:
            Earnings(Make(session), now).affiliate(4_000, slug="alice")
            email = session.scalars(
                select(User.email).join(AffiliateProfile, AffiliateProfile.user_id == User.id)
            ).one()
        alice = Visitor(app)
        alice.sign_in(email)
        speak_english(email)

        assert "€40.00 are still locked" in alice.get("/settings/data/delete").text
        assert "still locked" not in ada.get("/settings/data/delete").text

    def test_keeping_what_nobody_deletes_is_told(self, ada):
        assert press(ada, "/settings/data/keep").status_code == 410

    @pytest.mark.parametrize("path", ["/settings/data", "/settings/data/delete"])
    def test_wants_somebody(self, app, path):
        assert Visitor(app, Platform.STAM).get(path).location == f"/login?next={path}"

    def test_staff_have_none(self, app, now):
        committed_user("pm@example.org", user_type=UserType.PRODUCT_MANAGER)
        visitor = Visitor(app)
        visitor.sign_in("pm@example.org")
        visitor.enrol()

        assert visitor.get("/settings/data").status_code == 403
        assert "/settings/data" not in visitor.get("/settings").text
