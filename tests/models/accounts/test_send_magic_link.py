"""Sending a way in: what is kept, what is mailed, how often, and what it never tells."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from models.accounts import MagicLink, Platform, User
from models.accounts.email import NotAnAddress
from models.accounts.send_magic_link import send_magic_link
from models.errors import TooMany
from models.oversight import NOBODY, OutgoingMail
from models.settings import current_settings, use_settings

VISITOR = replace(NOBODY, ip="198.51.100.7")


@pytest.fixture
def send(session, now):
    def send_one(email="ada@example.org", *, at=now, platform=Platform.STAM, ip=None, **values):
        actor = VISITOR if ip is None else replace(VISITOR, ip=ip)
        return send_magic_link(
            session, platform=platform, email=email, locale="fr", actor=actor, now=at, **values
        )

    return send_one


def mails(session):
    return session.scalars(select(OutgoingMail).order_by(OutgoingMail.id)).all()


class TestSendMagicLink:
    def test_mails_a_link_and_a_code_and_keeps_their_hashes(self, session, send, now):
        link = send(next_path="/settings")

        [mail] = mails(session)
        secrets = json.loads(mail.secrets)
        assert (mail.kind, mail.to_email, mail.platform) == (
            "magic_link",
            "ada@example.org",
            "STAM",
        )
        assert mail.context == {"next": "/settings", "minutes": 15}
        assert len(secrets["code"]) == 6
        assert secrets["code"].isdecimal()
        assert secrets["token"] not in (link.token_hash, link.otp_hash)
        assert link.expires_at - now == timedelta(minutes=15)

    def test_a_second_one_voids_the_first(self, send, now):
        first = send()
        second = send(at=now + timedelta(minutes=1))

        assert first.voided_at == now + timedelta(minutes=1)
        assert not second.is_spent

    def test_leaves_another_platforms_link_alone(self, send):
        other = send(platform=Platform.WEOKTO)
        send()

        assert not other.is_spent

    def test_writes_in_the_persons_language(self, session, send, make):
        make.user("ada@example.org", locale="en")
        send("ADA@example.org")

        assert mails(session)[0].locale == "en"

    def test_does_the_same_for_known_unknown_and_suspended(self, session, send, make):
        make.user("known@example.org")
        make.user("out@example.org", is_suspended=True)
        for email in ("known@example.org", "unknown@example.org", "out@example.org"):
            send(email)

        assert {mail.to_email for mail in mails(session)} == {
            "known@example.org",
            "unknown@example.org",
            "out@example.org",
        }
        assert session.scalar(select(User).where(User.email == "unknown@example.org")) is None

    @pytest.mark.parametrize(
        "email",
        ["", "ada", "ada@", "@example.org", "a b@example.org", "ada@example.org\nBcc: x@y.org",
         "x" * 300 + "@example.org", "ada@exam_ple.org", "ada@example..org"],
    )  # fmt: skip
    def test_refuses_what_is_no_address(self, send, email):
        with pytest.raises(NotAnAddress):
            send(email)

    def test_refuses_names_of_this_machine_in_production(self, send):
        assert send("owner@weokto.localhost").email == "owner@weokto.localhost"
        use_settings(current_settings().model_copy(update={"env": "production"}))

        with pytest.raises(NotAnAddress):
            send("owner@weokto.localhost")


class TestLimits:
    def test_five_for_an_address_in_fifteen_minutes(self, send, now):
        for minute in range(5):
            send(at=now + timedelta(minutes=minute), ip=f"198.51.100.{minute}")

        with pytest.raises(TooMany) as refusal:
            send(at=now + timedelta(minutes=5), ip="198.51.100.99")
        assert refusal.value.params["minutes"] == 10

    def test_the_sixth_passes_once_the_first_is_old(self, send, now):
        for _ in range(5):
            send()

        assert send(at=now + timedelta(minutes=15)).email == "ada@example.org"

    def test_counts_whatever_the_case(self, send):
        for _ in range(5):
            send("Ada@Example.org")

        with pytest.raises(TooMany):
            send("ada@example.org")

    def test_twenty_from_an_ip_in_an_hour(self, send, now):
        for number in range(20):
            send(f"person{number}@example.org")

        with pytest.raises(TooMany) as refusal:
            send("one.more@example.org", at=now + timedelta(minutes=59))
        assert refusal.value.params["minutes"] == 1
        assert send("one.more@example.org", at=now + timedelta(hours=1))

    def test_the_limit_of_one_ip_is_not_another_ones(self, send):
        for number in range(20):
            send(f"person{number}@example.org")

        assert send("one.more@example.org", ip="203.0.113.9")

    def test_a_refusal_sends_nothing(self, session, send):
        for _ in range(5):
            send()
        with pytest.raises(TooMany):
            send()

        assert len(session.scalars(select(MagicLink)).all()) == 5
