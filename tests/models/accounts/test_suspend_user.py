"""Suspending and reactivating: sessions end at once, and an owner is out of others' reach."""

import pytest

from models.accounts import Platform, UserType
from models.accounts.open_session import open_session
from models.accounts.suspend_user import (
    NotOnOneself,
    OwnerIsOutOfReach,
    ReasonMissing,
    reactivate_user,
    suspend_user,
)
from models.accounts.user_session import live_session, live_sessions_of
from models.oversight import NOBODY, Actor, history_of


def acting(user) -> Actor:
    return Actor(role=user.user_type, user_id=user.id)


@pytest.fixture
def admin(make, now):
    return acting(make.staff(UserType.ADMIN))


class TestSuspendUser:
    def test_ends_every_session_at_once(self, session, make, admin, now):
        user = make.user()
        tokens = [
            open_session(session, user, user_agent="", remember=True, actor=NOBODY, now=now)[1]
            for _ in range(2)
        ]

        suspend_user(session, user.id, reason="spam", actor=admin, now=now)

        assert (user.is_suspended, user.suspension_reason) == (True, "spam")
        assert not live_sessions_of(session, user.id, now=now)
        for token in tokens:
            assert live_session(session, token, platform=Platform.STAM, now=now) is None

    def test_twice_tells_once(self, session, make, admin, now):
        user = make.user()
        for reason in ("spam", "other"):
            suspend_user(session, user.id, reason=reason, actor=admin, now=now)

        session.flush()
        [event] = history_of(session, "users", str(user.id))
        assert (event.action, event.reason) == ("accounts.user_suspended", "spam")
        assert event.after["is_suspended"] is True

    @pytest.mark.parametrize("reason", ["", "  "])
    def test_wants_a_reason(self, session, make, admin, now, reason):
        with pytest.raises(ReasonMissing):
            suspend_user(session, make.user().id, reason=reason, actor=admin, now=now)

    def test_an_admin_cannot_reach_an_owner(self, session, make, admin, now):
        with pytest.raises(OwnerIsOutOfReach):
            suspend_user(session, make.staff().id, reason="coup", actor=admin, now=now)

    def test_nobody_suspends_themselves(self, session, make, now):
        owner = make.staff()
        with pytest.raises(NotOnOneself):
            suspend_user(session, owner.id, reason="tired", actor=acting(owner), now=now)


class TestReactivateUser:
    def test_lets_back_in_once(self, session, make, admin, now):
        user = make.user()
        suspend_user(session, user.id, reason="spam", actor=admin, now=now)

        for _ in range(2):
            reactivate_user(session, user.id, reason="a mistake", actor=admin, now=now)

        assert (user.is_suspended, user.suspension_reason) == (False, None)
        session.flush()
        acts = [event.action for event in history_of(session, "users", str(user.id))]
        assert sorted(acts) == ["accounts.user_reactivated", "accounts.user_suspended"]
