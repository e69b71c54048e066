"""Sessions: how long they last, whom their cookie opens for, how they are touched and ended."""

from datetime import timedelta

import pytest

from models.accounts import Platform
from models.accounts.open_session import (
    end_all_sessions,
    end_session,
    open_session,
    touch,
    what_it_is,
)
from models.accounts.user_session import fresh_second_factor, live_session, live_sessions_of
from models.oversight import NOBODY, SYSTEM, history_of

PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
)


@pytest.fixture
def user(make, now):
    return make.user()


@pytest.fixture
def opened(session, user, now):
    def open_one(*, remember=False, agent=PHONE):
        return open_session(
            session, user, user_agent=agent, remember=remember, actor=NOBODY, now=now
        )

    return open_one


class TestOpenSession:
    @pytest.mark.parametrize(
        ("remember", "lasts"), [(True, timedelta(days=30)), (False, timedelta(hours=12))]
    )
    def test_lasts_as_asked(self, session, opened, now, remember, lasts):
        row, token = opened(remember=remember)

        assert row.expires_at - now == lasts
        last = row.expires_at - timedelta(seconds=1)
        assert live_session(session, token, platform=Platform.STAM, now=last) is row
        assert live_session(session, token, platform=Platform.STAM, now=row.expires_at) is None

    def test_keeps_the_hash_and_tells_the_device(self, opened, user, now):
        row, token = opened()

        assert token not in row.token_hash
        assert (row.device, row.browser, row.os) == ("iPhone", "Mobile Safari 17", "iOS 17")
        assert user.last_login_at == now

    def test_its_cookie_opens_one_platform_only(self, session, opened, now):
        _, token = opened()

        assert live_session(session, token, platform=Platform.WEOKTO, now=now) is None

    @pytest.mark.parametrize("token", ["", "nonsense"])
    def test_another_cookie_opens_nothing(self, session, opened, now, token):
        opened()

        assert live_session(session, token, platform=Platform.STAM, now=now) is None

    def test_a_suspended_persons_cookie_opens_nothing(self, session, opened, user, now):
        _, token = opened()
        user.is_suspended = True
        session.flush()

        assert live_session(session, token, platform=Platform.STAM, now=now) is None


class TestWhatItIs:
    @pytest.mark.parametrize("agent", ["", "x" * 5000, "\x7f\x80", "curl"])
    def test_an_odd_agent_is_no_trouble(self, agent):
        assert all(isinstance(part, str) for part in what_it_is(agent))


class TestTouch:
    def test_writes_activity_every_five_minutes_and_login_every_hour(
        self, session, opened, user, now
    ):
        row, _ = opened()

        touch(session, row.id, now=now + timedelta(minutes=4))
        assert row.last_activity_at == now
        touch(session, row.id, now=now + timedelta(minutes=5))
        assert row.last_activity_at == now + timedelta(minutes=5)
        assert user.last_login_at == now
        touch(session, row.id, now=now + timedelta(hours=1))
        assert user.last_login_at == now + timedelta(hours=1)


class TestEndSession:
    def test_closes_it_once(self, session, opened, now):
        row, token = opened()

        for later in (1, 2):
            end_session(session, row.id, actor=SYSTEM, now=now + timedelta(minutes=later))

        assert row.revoked_at == now + timedelta(minutes=1)
        assert live_session(session, token, platform=Platform.STAM, now=now) is None
        session.flush()
        acts = [event.action for event in history_of(session, "user_sessions", str(row.id))]
        assert acts.count("accounts.session_ended") == 1


class TestEndAllSessions:
    def test_ends_each_but_the_one_named(self, session, opened, user, now):
        rows = [opened()[0] for _ in range(3)]

        assert end_all_sessions(session, user.id, actor=SYSTEM, now=now, but=rows[1].id) == 2
        assert list(live_sessions_of(session, user.id, now=now)) == [rows[1]]
        assert end_all_sessions(session, user.id, actor=SYSTEM, now=now, but=rows[1].id) == 0


class TestFreshSecondFactor:
    def test_lasts_ten_minutes(self, opened, now):
        row, _ = opened()
        assert not fresh_second_factor(row, now)
        row.second_factor_at = now

        assert fresh_second_factor(row, now + timedelta(minutes=9, seconds=59))
        assert not fresh_second_factor(row, now + timedelta(minutes=10))
