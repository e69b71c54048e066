"""The sign-in pages, without JavaScript: address, code or link, second factor, and out."""

from datetime import timedelta

import pytest

from models import clock
from models.accounts import Platform, UserType
from models.catalog import Community
from models.communities import CommunityMember
from models.session import unit_of_work
from tests.conftest import NOON
from tests.visitors import Visitor, committed_user

ADA = "ada@example.org"

pytestmark = pytest.mark.usefixtures("committed", "redis")


@pytest.fixture
def visitor(app):
    return Visitor(app, Platform.STAM)


def location(answer):
    assert answer.status_code == 303
    return answer.location


class TestByCode:
    def test_from_the_address_to_the_dashboard(self, visitor):
        assert location(visitor.post("/login", {"email": ADA})) == "/verify-otp"
        assert ADA in visitor.get("/verify-otp").text

        answer = visitor.post(
            "/verify-otp", {"code": visitor.mailed(ADA)["code"]}, form="/verify-otp"
        )

        assert location(answer) == "/dashboard"
        assert visitor.me().json["email"] == ADA

    def test_goes_where_the_page_wanted(self, visitor):
        visitor.post("/login", {"email": ADA, "next": "/settings", "remember": "yes"})

        answer = visitor.post("/verify-otp", {"email": ADA, "code": visitor.mailed(ADA)["code"]})

        assert location(answer) == "/settings"
        assert "Max-Age=2592000" in answer.headers["Set-Cookie"]

    @pytest.mark.parametrize("wanted", ["//evil.example", "https://evil.example", "/\\evil"])
    def test_never_elsewhere(self, visitor, wanted):
        visitor.post("/login", {"email": ADA, "next": wanted})
        code = visitor.mailed(ADA)["code"]

        answer = visitor.post("/verify-otp", {"email": ADA, "code": code, "next": wanted})

        assert location(answer) == "/dashboard"

    def test_a_wrong_address_is_told_in_the_form(self, visitor):
        answer = visitor.post("/login", {"email": "ada"})

        assert answer.status_code == 422
        assert 'aria-invalid="true"' in answer.text

    def test_a_wrong_code_is_told_in_the_form(self, visitor):
        visitor.post("/login", {"email": ADA})

        answer = visitor.post("/verify-otp", {"email": ADA, "code": "nope"})

        assert answer.status_code == 422
        assert 'aria-invalid="true"' in answer.text

    def test_too_many_mails_are_told_with_when_to_come_back(self, visitor):
        for _ in range(5):
            visitor.post("/login", {"email": ADA})

        answer = visitor.post("/login", {"email": ADA})

        assert answer.status_code == 429
        assert int(answer.headers["Retry-After"]) >= 60

    def test_without_an_address_there_is_no_code_to_give(self, visitor):
        assert location(visitor.get("/verify-otp")) == "/login"

    @pytest.mark.parametrize("path", ["/login", "/verify-otp", "/verify", "/logout"])
    def test_a_form_without_its_token_does_nothing(self, visitor, path):
        answer = visitor.browser.post(path, data={"email": ADA}, base_url=visitor.base)

        assert answer.status_code == 400

    def test_a_card_number_is_not_taken(self, visitor):
        answer = visitor.post("/login", {"email": "4242 4242 4242 4242"})

        assert answer.status_code == 422
        assert "4242" not in answer.text

    def test_whoever_is_signed_in_goes_on(self, visitor):
        visitor.sign_in()

        assert location(visitor.get("/login?next=/settings")) == "/settings"
        assert location(visitor.get("/login?next=//evil.example")) == "/dashboard"


class TestByLink:
    def sent(self, visitor):
        visitor.post("/login", {"email": ADA, "next": "/settings"})
        return visitor.mailed(ADA)["token"]

    def test_opening_it_does_nothing_pressing_signs_in(self, app, visitor):
        token = self.sent(visitor)
        scanner = Visitor(app, Platform.STAM)
        for _ in range(3):
            assert scanner.get(f"/verify?token={token}").status_code == 200
        assert scanner.cookie() is None

        answer = visitor.post("/verify", {"token": token}, form=f"/verify?token={token}")

        assert location(answer) == "/settings"
        assert visitor.me().status_code == 200

    def test_works_in_another_browser(self, app, visitor):
        token = self.sent(visitor)
        phone = Visitor(app, Platform.STAM)

        answer = phone.post("/verify", {"token": token}, form=f"/verify?token={token}")

        assert location(answer) == "/settings"

    def test_twice_is_gone(self, visitor):
        token = self.sent(visitor)
        visitor.post("/verify", {"token": token})

        answer = visitor.post("/verify", {"token": token}, form="/settings")

        assert answer.status_code == 410
        assert visitor.get(f"/verify?token={token}").status_code == 410

    @pytest.mark.parametrize("token", ["", "nonsense", "%00", "%F0%9F%A6%8A"])
    def test_a_made_up_one_is_refused(self, visitor, token):
        assert visitor.get(f"/verify?token={token}").status_code in (410, 422)

    def test_is_kept_in_no_cache(self, visitor):
        token = self.sent(visitor)

        assert visitor.get(f"/verify?token={token}").headers["Cache-Control"] == "no-store"


class TestAfterSignIn:
    @pytest.mark.parametrize("user_type", [UserType.CLIENT, UserType.AFFILIATE])
    def test_weokto_members_without_a_guild_choose_one(self, app, user_type):
        committed_user(ADA, Platform.WEOKTO, user_type)

        answer = Visitor(app, Platform.WEOKTO).sign_in()

        assert answer.json == {"redirect_url": "/choose-guild"}

    @pytest.mark.parametrize(
        ("platform", "banned_at", "destination"),
        [
            (Platform.WEOKTO, None, "/home"),
            (Platform.WEOKTO, NOON, "/choose-guild"),
            (Platform.STAM, None, "/choose-guild"),
        ],
    )
    def test_those_with_a_guild_go_home(self, app, platform, banned_at, destination):
        user = committed_user(ADA, Platform.WEOKTO, UserType.AFFILIATE)
        with unit_of_work() as session:
            guild = Community(platform=platform, name="Academy", slug="academy")
            session.add(guild)
            session.flush()
            session.add(
                CommunityMember(community_id=guild.id, user_id=user.id, banned_at=banned_at)
            )

        assert Visitor(app, Platform.WEOKTO).sign_in().json == {"redirect_url": destination}

    @pytest.mark.parametrize(
        ("user_type", "console"),
        [
            (UserType.OWNER, "/wo-renwo-9492xE/"),
            (UserType.ADMIN, "/admin/"),
            (UserType.PRODUCT_MANAGER, "/product-manager/"),
        ],
    )
    def test_staff_go_to_their_console_through_the_second_factor(self, app, user_type, console):
        committed_user(ADA, Platform.WEOKTO, user_type)

        answer = Visitor(app, Platform.WEOKTO).sign_in()

        assert answer.json == {"redirect_url": f"/second-factor?next={console}"}


class TestLogout:
    def test_ends_the_session(self, visitor):
        visitor.sign_in()

        assert location(visitor.post("/logout", form="/settings")) == "/"
        assert visitor.me().status_code == 401

    def test_is_a_post(self, visitor):
        assert visitor.get("/logout").status_code == 405


class TestSecondFactor:
    @pytest.fixture
    def owner(self, app, now):
        committed_user(ADA, Platform.WEOKTO, UserType.OWNER)
        owner = Visitor(app, Platform.WEOKTO)
        owner.sign_in()
        return owner

    def test_is_enrolled_at_the_first_sign_in(self, owner):
        assert location(owner.get("/second-factor?next=/admin/")) == (
            "/second-factor/enrol?next=/admin/"
        )
        page = owner.get("/second-factor/enrol")
        assert '<img src="/second-factor/qr.svg"' in page.text
        picture = owner.get("/second-factor/qr.svg")
        assert picture.mimetype == "image/svg+xml"
        assert picture.headers["Cache-Control"] == "no-store"

        assert len(owner.enrol()) == 10
        assert owner.me().json["needs_second_factor"] is False
        assert owner.get("/second-factor/qr.svg").status_code == 404

    def test_until_then_staff_have_no_pages_but_the_public_ones(self, owner):
        assert location(owner.get("/settings?x=1")) == "/second-factor?next=/settings%3Fx%3D1"
        assert owner.get("/").status_code == 200
        assert owner.me().json["needs_second_factor"] is True

    def test_is_asked_again_in_a_new_session(self, app, owner, now):
        recovery = owner.enrol()
        clock.move_to(now + timedelta(hours=1))
        again = Visitor(app, Platform.WEOKTO)
        again.sign_in()
        assert location(again.get("/settings")) == "/second-factor?next=/settings"

        wrong = again.post("/second-factor", {"code": "000"}, form="/second-factor")
        assert wrong.status_code == 422
        form = "/second-factor?next=/settings"
        right = again.post("/second-factor", {"code": again.totp(), "next": "/settings"}, form=form)
        assert location(right) == "/settings"

        third = Visitor(app, Platform.WEOKTO)
        third.sign_in()
        by_recovery = third.post("/second-factor", {"code": recovery[0]}, form="/second-factor")
        assert location(by_recovery) == "/wo-renwo-9492xE/"
        fourth = Visitor(app, Platform.WEOKTO)
        fourth.sign_in()
        spent = fourth.post("/second-factor", {"code": recovery[0]}, form="/second-factor")
        assert spent.status_code == 422

    def test_locks_after_five_wrong_codes(self, owner):
        owner.enrol()
        for _ in range(5):
            owner.post("/second-factor", {"code": "wrong"}, form="/second-factor")

        answer = owner.post("/second-factor", {"code": "wrong"}, form="/second-factor")

        assert answer.status_code == 429
        assert answer.headers["Retry-After"] == "900"

    @pytest.mark.parametrize("wanted", ["//evil.example", "https://evil.example"])
    def test_leads_nowhere_else(self, app, owner, now, wanted):
        owner.enrol()
        clock.move_to(now + timedelta(minutes=1))

        answer = owner.post(
            "/second-factor", {"code": owner.totp(), "next": wanted}, form="/second-factor"
        )

        assert location(answer) == "/wo-renwo-9492xE/"

    def test_is_nothing_to_others(self, app):
        member = Visitor(app, Platform.WEOKTO)
        assert location(member.get("/second-factor")) == "/login?next=/second-factor"
        member.sign_in("bob@example.org")
        assert member.get("/second-factor").status_code == 404
