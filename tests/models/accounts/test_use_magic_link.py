"""Coming in by link or code: once, in time, five tries, and who one then is."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from models.accounts import Platform, User, UserType
from models.accounts.magic_link import void_links
from models.accounts.make_magic_link import make_magic_link
from models.accounts.send_magic_link import send_magic_link
from models.accounts.use_magic_link import LinkSpent, Suspended, WrongCode, use_code, use_link
from models.oversight import NOBODY, SYSTEM, OutgoingMail
from models.settings import current_settings

ADA = "ada@example.org"


@pytest.fixture
def sent(session, now):
    """Send to an address; the secrets of its mail."""

    def send(email=ADA, *, platform=Platform.STAM, at=now):
        link = send_magic_link(
            session, platform=platform, email=email, locale="fr", actor=NOBODY, now=at
        )
        key = f"magic-link:{link.id}"
        mail = session.scalars(select(OutgoingMail).where(OutgoingMail.idempotency_key == key))
        return json.loads(mail.one().secrets)

    return send


@pytest.fixture
def by_link(session, now):
    def use(token, *, platform=Platform.STAM, at=now):
        return use_link(session, token, platform=platform, locale="fr", actor=NOBODY, now=at)[0]

    return use


@pytest.fixture
def by_code(session, now):
    def use(code, *, email=ADA, platform=Platform.STAM, at=now):
        return use_code(session, email, code, platform=platform, locale="fr", actor=NOBODY, now=at)[
            0
        ]

    return use


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"


class TestUseLink:
    def test_makes_a_newcomer_a_client_of_the_platform(self, sent, by_link, now):
        user = by_link(sent()["token"])

        assert (user.email, user.platform) == (ADA, Platform.STAM)
        assert (user.user_type, user.email_verified_at) == (UserType.CLIENT, now)

    def test_lets_a_known_person_in(self, make, sent, by_link, now):
        known = make.user(ADA, email_verified_at=now - timedelta(days=3))

        user = by_link(sent("ADA@example.org")["token"])

        assert user.id == known.id
        assert user.email_verified_at == now - timedelta(days=3)

    def test_twice_is_refused(self, sent, by_link):
        token = sent()["token"]
        by_link(token)

        with pytest.raises(LinkSpent):
            by_link(token)

    def test_uses_the_code_too(self, sent, by_link, by_code):
        secrets = sent()
        by_link(secrets["token"])

        with pytest.raises(LinkSpent):
            by_code(secrets["code"])

    def test_is_good_for_fifteen_minutes(self, sent, by_link, now):
        token = sent()["token"]

        with pytest.raises(LinkSpent):
            by_link(token, at=now + timedelta(minutes=15))
        assert by_link(token, at=now + timedelta(minutes=14, seconds=59))

    def test_an_older_one_is_void(self, sent, by_link):
        older = sent()["token"]
        sent()

        with pytest.raises(LinkSpent):
            by_link(older)

    @pytest.mark.parametrize("token", ["", "nonsense", "é", "x" * 10_000])
    def test_an_unknown_one_is_refused_alike(self, by_link, token):
        with pytest.raises(LinkSpent):
            by_link(token)

    def test_opens_no_other_platform(self, sent, by_link):
        with pytest.raises(LinkSpent):
            by_link(sent(platform=Platform.WEOKTO)["token"])

    def test_a_suspended_person_stays_out(self, make, sent, by_link):
        make.user(ADA, is_suspended=True)

        with pytest.raises(Suspended):
            by_link(sent()["token"])


class TestUseCode:
    def test_lets_in_and_uses_the_link_too(self, sent, by_link, by_code):
        secrets = sent()

        assert by_code(secrets["code"]).email == ADA
        with pytest.raises(LinkSpent):
            by_link(secrets["token"])

    def test_may_be_typed_with_spaces(self, sent, by_code):
        code = sent()["code"]

        assert by_code(f" {code[:3]} {code[3:]} ")

    def test_twice_is_refused(self, sent, by_code):
        code = sent()["code"]
        by_code(code)

        with pytest.raises(LinkSpent):
            by_code(code)

    @pytest.mark.parametrize("code", ["", "1", "abcdef", "١٢٣٤٥٦", "9" * 5000])
    def test_a_wrong_one_is_refused(self, sent, by_code, code):
        sent()

        with pytest.raises(WrongCode):
            by_code(code)

    def test_five_wrong_ones_void_code_and_link(self, sent, by_link, by_code):
        secrets = sent()
        for _ in range(5):
            with pytest.raises(WrongCode):
                by_code(wrong(secrets["code"]))

        with pytest.raises(LinkSpent):
            by_code(secrets["code"])
        with pytest.raises(LinkSpent):
            by_link(secrets["token"])

    def test_four_wrong_ones_do_not(self, sent, by_code):
        code = sent()["code"]
        for _ in range(4):
            with pytest.raises(WrongCode):
                by_code(wrong(code))

        assert by_code(code)

    def test_is_good_for_fifteen_minutes(self, sent, by_code, now):
        code = sent()["code"]

        with pytest.raises(LinkSpent):
            by_code(code, at=now + timedelta(minutes=15))

    def test_of_one_address_opens_no_other(self, sent, by_code):
        code = sent()["code"]
        sent("eve@example.org")

        with pytest.raises((WrongCode, LinkSpent)):
            by_code(wrong(code), email="eve@example.org")

    def test_without_a_mail_there_is_nothing_to_guess(self, by_code):
        with pytest.raises(LinkSpent):
            by_code("123456")


class TestWelcome:
    """The link of a purchase's mail, which shows no code, beside a code that was asked for."""

    @pytest.fixture
    def welcomed(self, session, now):
        def welcome(at=now):
            return make_magic_link(
                session, platform=Platform.STAM, email=ADA, actor=SYSTEM, now=at, with_code=False
            )

        return welcome

    def test_leaves_the_code_right_that_was_asked_for_before(self, sent, welcomed, by_code, now):
        code = sent()["code"]
        welcomed(now + timedelta(seconds=1))

        assert by_code(code).email == ADA

    def test_still_opens_after_a_code_was_asked_for(self, sent, welcomed, by_link, by_code):
        link = welcomed()
        code = sent()["code"]

        assert by_link(link.token).email == ADA
        assert by_code(code).email == ADA

    def test_has_no_code_to_guess(self, welcomed, by_code):
        way_in = welcomed()

        assert "code" not in way_in.secrets
        for code in ("", "000000"):
            with pytest.raises(LinkSpent):
                by_code(code)

    def test_is_not_one_of_the_mails_asked_for(self, sent, welcomed):
        for _ in range(5):
            welcomed()

        assert sent()["code"]

    def test_ends_with_the_address(self, session, welcomed, by_link, now):
        link = welcomed()
        void_links(session, Platform.STAM, ADA, now=now)

        with pytest.raises(LinkSpent):
            by_link(link.token)


class TestFirstOwner:
    def test_the_settings_owner_becomes_it_at_the_first_sign_in(self, sent, by_link):
        email = current_settings().owner_email
        token = sent(email, platform=Platform.WEOKTO)["token"]

        assert by_link(token, platform=Platform.WEOKTO).user_type is UserType.OWNER

    def test_not_where_there_is_one_already(self, make, sent, by_link):
        make.staff(UserType.OWNER)
        email = current_settings().owner_email
        token = sent(email, platform=Platform.WEOKTO)["token"]

        assert by_link(token, platform=Platform.WEOKTO).user_type is UserType.CLIENT

    def test_not_on_stam(self, session, sent, by_link):
        user = by_link(sent(current_settings().owner_email)["token"])

        assert user.user_type is UserType.CLIENT
        assert session.scalar(select(func.count()).select_from(User)) == 1
