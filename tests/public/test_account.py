"""One's own account: profile, language, sessions; nobody else's."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from models import clock
from models.accounts import Platform, UserSession, UserType
from models.session import staff_reading, unit_of_work
from tests.factories import Make
from tests.visitors import Visitor

pytestmark = pytest.mark.usefixtures("committed", "redis")


@pytest.fixture
def ada(app, now):
    visitor = Visitor(app, Platform.STAM)
    visitor.sign_in()
    return visitor


def sessions_of(visitor):
    with staff_reading() as session:
        return list(
            session.scalars(
                select(UserSession)
                .where(UserSession.user_id == visitor.user().id)
                .order_by(UserSession.created_at)
            )
        )


class TestProfile:
    def test_is_saved(self, ada):
        given = {"display_name": "Ada <b>🦊</b>", "bio": "Robert'); DROP TABLE users;--"}

        answer = ada.post("/profile", {**given, "locale": "en"}, form="/profile")

        assert answer.location == "/profile?saved=1"
        page = ada.get("/profile?saved=1").text
        assert "Ada &lt;b&gt;🦊&lt;/b&gt;" in page
        assert '<html lang="en">' in page

    @pytest.mark.parametrize(
        ("field", "text"),
        [
            ("display_name", "x" * 81),
            ("bio", "x" * 1001),
            ("bio", "x" * 60_000),
            ("bio", "call me: 4242-4242-4242-4242"),
            ("display_name", "a\x00b"),
            ("locale", "de"),
        ],
    )
    def test_refuses_what_does_not_fit(self, ada, field, text):
        answer = ada.post("/profile", {"bio": "kept", field: text}, form="/profile")

        assert answer.status_code == 422
        assert ada.user().bio == ""

    def test_a_megabyte_is_too_much(self, ada):
        answer = ada.post("/profile", {"bio": "x" * 1_000_000}, form="/profile")

        assert answer.status_code == 413

    @pytest.mark.parametrize("path", ["/profile", "/settings"])
    def test_wants_somebody(self, app, path):
        answer = Visitor(app, Platform.STAM).get(path)

        assert (answer.status_code, answer.location) == (303, f"/login?next={path}")


class TestSettings:
    def test_lists_and_ends_ones_own_sessions(self, app, ada, now):
        clock.move_to(now + timedelta(minutes=1))
        phone = Visitor(app, Platform.STAM)
        phone.sign_in()
        mine, other = sessions_of(ada)
        page = ada.get("/settings").text
        assert f"/settings/sessions/{mine.id}/end" in page
        assert f"/settings/sessions/{other.id}/end" in page

        answer = ada.post(f"/settings/sessions/{other.id}/end", form="/settings")

        assert answer.location == "/settings?saved=1"
        assert phone.me().status_code == 401
        assert ada.me().status_code == 200

    def test_ends_all_the_others_at_once(self, app, ada):
        others = [Visitor(app, Platform.STAM) for _ in range(2)]
        for other in others:
            other.sign_in()

        ada.post("/settings/sessions/end-others", form="/settings")

        assert [other.me().status_code for other in others] == [401, 401]
        assert ada.me().status_code == 200

    def test_somebody_elses_session_is_nothing(self, app, ada):
        eve = Visitor(app, Platform.STAM)
        eve.sign_in("eve@example.org")
        [session] = sessions_of(ada)

        answer = eve.post(f"/settings/sessions/{session.id}/end", form="/settings")

        assert answer.status_code == 404
        assert ada.me().status_code == 200

    def test_an_affiliate_chooses_their_mails(self, app, now):
        with unit_of_work() as session:
            Make(session).affiliate(
                "alice",
                user=Make(session).user(
                    "alice@example.org",
                    platform=Platform.WEOKTO,
                    user_type=UserType.AFFILIATE,
                ),
            )
        alice = Visitor(app)
        alice.sign_in("alice@example.org")
        assert alice.get("/settings").text.count('name="topic"') == 2

        alice.post("/settings/mails", {"topic": "DIGEST"}, form="/settings")

        page = alice.get("/settings").text
        assert 'value="DIGEST" checked' in page
        assert 'value="SALES" checked' not in page

    def test_a_client_has_no_mail_to_switch_off(self, ada):
        page = ada.get("/settings").text
        section = page.partition('id="mails"')[2].partition("</section>")[0]

        assert "<form" not in section
        assert "Aucun n’est publicitaire" in section

    def test_speaks_the_language_chosen(self, ada):
        ada.post("/settings/language", {"locale": "en"}, form="/settings")

        assert ada.user().locale == "en"

    def test_speaks_the_language_of_the_switch_on_every_page(self, ada):
        answer = ada.browser.post(
            "/language", data={"lang": "en", "next": "/settings"}, base_url=ada.base
        )

        assert answer.location == "/settings"
        assert ada.user().locale == "en"
        assert '<html lang="en">' in ada.get("/settings").text


class TestActivity:
    def test_is_noted_at_most_every_five_minutes(self, ada, now):
        for minutes, noted in ((4, 0), (6, 6), (9, 6), (12, 12)):
            clock.move_to(now + timedelta(minutes=minutes))
            ada.me()
            [row] = sessions_of(ada)
            assert row.last_activity_at == now + timedelta(minutes=noted)
