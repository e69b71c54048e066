"""The modal's endpoints: the same answer for every address, one use, bounded tries."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app import create_app
from jobs import queue
from models import clock
from models.accounts import Platform, User, UserSession
from models.accounts.suspend_user import suspend_user
from models.oversight import SYSTEM
from models.session import staff_reading, unit_of_work
from models.settings import current_settings, use_settings
from public.limits import limiter
from tests.visitors import Visitor, committed_user

ADA = "ada@example.org"
SEND = "/api/auth/magic-link/send"
VERIFY = "/api/auth/magic-link/verify-otp"

pytestmark = pytest.mark.usefixtures("committed", "redis")


@pytest.fixture
def visitor(app):
    return Visitor(app, Platform.STAM)


def error_of(answer):
    return answer.status_code, answer.json["error"]["code"]


def wrong(code):
    return f"{(int(code) + 1) % 10**6:06}"


class TestSend:
    def test_answers_the_same_for_known_unknown_and_suspended(self, visitor):
        committed_user("known@example.org", Platform.STAM)
        committed_user("out@example.org", Platform.STAM, is_suspended=True)

        answers = [
            visitor.json(SEND, {"email": email})
            for email in ("known@example.org", "unknown@example.org", "out@example.org")
        ]

        assert {(it.status_code, it.text) for it in answers} == {(200, answers[0].text)}

    @pytest.mark.parametrize("email", ["", "ada", "x" * 255, "a\x00@b.c", "ada@example.org\n"])
    def test_refuses_what_is_no_address(self, visitor, email):
        answer = visitor.json(SEND, {"email": email})

        assert answer.status_code == (200 if email == "ada@example.org\n" else 422)

    def test_the_sixth_in_fifteen_minutes_waits(self, app):
        for number in range(5):
            browser = Visitor(app, Platform.STAM, ip=f"203.0.113.{number}")
            assert browser.json(SEND, {"email": ADA}).status_code == 200

        answer = Visitor(app, Platform.STAM, ip="203.0.113.99").json(SEND, {"email": ADA})

        assert error_of(answer) == (429, "too_many")
        assert int(answer.headers["Retry-After"]) == 15 * 60
        assert "15" in answer.json["error"]["message"]

    def test_one_address_of_the_net_sends_twenty_an_hour(self, visitor):
        for number in range(20):
            assert visitor.json(SEND, {"email": f"p{number}@example.org"}).status_code == 200

        answer = visitor.json(SEND, {"email": "one.more@example.org"})

        assert answer.status_code == 429
        assert int(answer.headers["Retry-After"]) > 0

    def test_a_next_elsewhere_is_forgotten(self, visitor):
        answer = visitor.sign_in(next="//evil.example")

        assert answer.json == {"redirect_url": "/dashboard"}


class TestVerify:
    def test_signs_in_with_a_guarded_cookie(self, visitor):
        answer = visitor.sign_in(remember=True)

        [cookie] = [it for it in answer.headers.getlist("Set-Cookie") if "stam_session" in it]
        flags = {part.strip().split("=")[0].lower() for part in cookie.split(";")[1:]}
        assert {"httponly", "samesite", "path", "max-age"} <= flags
        assert "SameSite=Lax" in cookie
        assert "domain" not in flags
        assert visitor.me().json["email"] == ADA

    def test_without_remember_the_cookie_ends_with_the_browser(self, visitor):
        answer = visitor.sign_in()

        [cookie] = [it for it in answer.headers.getlist("Set-Cookie") if "stam_session" in it]
        assert "Max-Age" not in cookie

    def test_the_cookie_is_secure_over_https(self, app):
        visitor = Visitor(app, Platform.STAM, scheme="https")
        answer = visitor.sign_in()

        [cookie] = [it for it in answer.headers.getlist("Set-Cookie") if "stam_session" in it]
        assert "Secure" in cookie

    @pytest.mark.parametrize(
        ("remember", "lasts"), [(True, timedelta(days=30)), (False, timedelta(hours=12))]
    )
    def test_lasts_as_asked(self, visitor, now, remember, lasts):
        visitor.sign_in(remember=remember)

        clock.move_to(now + lasts - timedelta(seconds=1))
        assert visitor.me().status_code == 200
        clock.move_to(now + lasts)
        assert visitor.me().status_code == 401

    def test_goes_where_it_was_asked_to(self, visitor):
        assert visitor.sign_in(next="/settings").json == {"redirect_url": "/settings"}

    def test_a_code_works_once(self, app, visitor):
        visitor.sign_in()
        code = visitor.mailed(ADA)["code"]

        again = Visitor(app, Platform.STAM).json(VERIFY, {"email": ADA, "code": code})

        assert error_of(again) == (410, "link_spent")

    def test_five_wrong_codes_void_the_right_one(self, app, visitor):
        visitor.json(SEND, {"email": ADA})
        code = visitor.mailed(ADA)["code"]
        for number in range(5):
            guess = Visitor(app, Platform.STAM, ip=f"203.0.113.{number}")
            answer = guess.json(VERIFY, {"email": ADA, "code": wrong(code)})
            assert error_of(answer) == (422, "wrong_code")

        answer = visitor.json(VERIFY, {"email": ADA, "code": code})

        assert error_of(answer) == (410, "link_spent")

    def test_ten_tries_a_minute(self, visitor):
        statuses = [
            visitor.json(VERIFY, {"email": f"p{n}@example.org", "code": "123456"}).status_code
            for n in range(11)
        ]

        assert statuses == [410] * 10 + [429]

    def test_fifteen_minutes_later_it_is_over(self, visitor, now):
        visitor.json(SEND, {"email": ADA})
        clock.move_to(now + timedelta(minutes=15))

        answer = visitor.json(VERIFY, {"email": ADA, "code": visitor.mailed(ADA)["code"]})

        assert error_of(answer) == (410, "link_spent")

    def test_the_other_platform_knows_nothing_of_it(self, app, visitor):
        visitor.json(SEND, {"email": ADA})
        code = visitor.mailed(ADA)["code"]

        answer = Visitor(app, Platform.WEOKTO).json(VERIFY, {"email": ADA, "code": code})

        assert error_of(answer) == (410, "link_spent")

    def test_a_suspended_person_stays_out_and_is_told(self, visitor):
        committed_user(ADA, Platform.STAM, is_suspended=True)

        answer = visitor.sign_in()

        assert error_of(answer) == (403, "suspended")
        assert visitor.cookie() is None

    def test_signing_in_again_here_ends_the_former_session(self, visitor, now):
        for minute in range(2):
            clock.move_to(now + timedelta(minutes=minute))
            visitor.sign_in()

        with staff_reading() as session:
            live = session.scalar(
                select(func.count())
                .select_from(UserSession)
                .where(UserSession.revoked_at.is_(None))
            )
        assert live == 1

    def test_an_unknown_address_becomes_one_client_of_this_platform(self, visitor):
        visitor.sign_in()

        with staff_reading() as session:
            [user] = session.scalars(select(User))
        assert (user.email, user.platform, user.user_type) == (ADA, Platform.STAM, "CLIENT")


class TestMeAndLogout:
    def test_nobody_is_401(self, visitor):
        assert error_of(visitor.me()) == (401, "not_signed_in")

    @pytest.mark.parametrize("token", ["", "nonsense", "x" * 4000, "é"])
    def test_a_made_up_cookie_is_nobody_and_is_dropped(self, visitor, token):
        visitor.browser.set_cookie("stam_session", token, domain="stam.localhost")

        assert visitor.me().status_code == 401
        assert visitor.cookie() is None

    def test_one_platforms_cookie_is_nothing_on_the_other(self, app, visitor):
        visitor.sign_in()
        other = Visitor(app, Platform.WEOKTO)
        other.browser.set_cookie(
            "weokto_session", visitor.cookie().value, domain="weokto.localhost"
        )

        assert other.me().status_code == 401

    def test_logout_ends_the_session_itself(self, visitor):
        visitor.sign_in()
        token = visitor.cookie().value

        assert visitor.json("/api/auth/logout").json == {"signed_out": True}
        assert visitor.cookie() is None
        visitor.browser.set_cookie("stam_session", token, domain="stam.localhost")
        assert visitor.me().status_code == 401

    def test_logging_out_twice_is_no_trouble(self, visitor):
        assert visitor.json("/api/auth/logout").status_code == 200

    def test_suspension_ends_the_session_at_once(self, visitor):
        visitor.sign_in()
        with unit_of_work() as session:
            suspend_user(session, visitor.user().id, reason="spam", actor=SYSTEM, now=clock.now())

        assert visitor.me().status_code == 401

    def test_another_sites_page_cannot_sign_anyone_out(self, visitor):
        visitor.sign_in()

        answer = visitor.json("/api/auth/logout", headers={"Origin": "https://evil.example"})

        assert error_of(answer) == (403, "foreign_origin")
        assert visitor.me().status_code == 200


class TestRedisAway:
    @pytest.fixture
    def lonely(self, settings, monkeypatch):
        monkeypatch.setattr(queue, "_left_alone_until", 0.0)  # what it learns here ends here
        before = dict(vars(limiter))
        away = settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})
        yield create_app(away)
        use_settings(settings)
        vars(limiter).update(before)

    def test_signing_in_works_and_stays_limited(self, lonely):
        assert current_settings().redis_url.endswith(":1/0")
        visitor = Visitor(lonely, Platform.STAM)
        assert visitor.sign_in().status_code == 200

        statuses = [
            Visitor(lonely, Platform.STAM, ip=f"203.0.113.{n}")
            .json(SEND, {"email": ADA})
            .status_code
            for n in range(5)
        ]
        assert statuses == [200] * 4 + [429]
