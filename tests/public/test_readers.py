"""Who reads a kept page, told from the cookie before Flask."""

from datetime import timedelta

import pytest

from models import clock
from models.accounts import Platform, UserSession
from models.secrets import digest
from models.session import unit_of_work
from public.readers import reader_of
from tests.factories import Make


@pytest.fixture
def reader(committed, now):
    """Somebody who reads English, signed in on WEOKTO with the token ``token``."""
    with unit_of_work() as session:
        user = Make(session).user(platform=Platform.WEOKTO, locale="en")
        row = UserSession(
            user_id=user.id, token_hash=digest("token"), expires_at=now + timedelta(days=1)
        )
        session.add(row)
    return row


def asked(cookie="weokto_session=token", host="weokto.localhost:8000"):
    return reader_of({"HTTP_HOST": host, "HTTP_COOKIE": cookie})


class TestReaderOf:
    def test_is_the_language_of_a_live_session(self, reader):
        assert asked() == "en"
        assert asked("lang=fr; weokto_session=token; consent=yes") == "en"

    @pytest.mark.parametrize(
        ("cookie", "host"),
        [
            ("", "weokto.localhost"),
            ("weokto_session=other", "weokto.localhost"),
            ("weokto_session=token", "stam.localhost"),
            ("stam_session=token", "stam.localhost"),
            ("weokto_session=token", "elsewhere.example"),
        ],
    )
    def test_is_nobody_for_a_cookie_that_opens_nothing_here(self, reader, cookie, host):
        assert asked(cookie, host) is None

    def test_is_nobody_once_the_session_has_ended(self, reader):
        with unit_of_work() as session:
            UserSession.for_update(session, reader.id).revoked_at = clock.now()

        assert asked() is None

    def test_leaves_a_session_to_the_application_that_has_to_note_its_use(self, reader, now):
        clock.move_to(now + timedelta(minutes=6))

        assert asked() is None
