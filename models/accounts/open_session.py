"""Signed-in sessions: opened with a token only the browser keeps, touched, ended."""

from datetime import datetime, timedelta
from uuid import UUID

import ua_parser
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.accounts.user import User
from models.accounts.user_session import UserSession
from models.oversight import Actor, emit
from models.secrets import digest, new_token

REMEMBERED = timedelta(days=30)
NOT_REMEMBERED = timedelta(hours=12)
ACTIVITY_EVERY = timedelta(minutes=5)
LOGIN_EVERY = timedelta(hours=1)
LONGEST_AGENT = 400


def open_session(
    session: Session,
    user: User,
    *,
    user_agent: str,
    remember: bool,
    actor: Actor,
    now: datetime,
) -> tuple[UserSession, str]:
    """Open a session for a person just let in: its row, and the token for the cookie.

    The token is told here once; the row keeps its hash. Lasts 30 days with ``remember``,
    else 12 hours, however active it is.
    """
    token = new_token()
    device, browser, os = what_it_is(user_agent)
    row = UserSession(
        user_id=user.id,
        token_hash=digest(token),
        ip=actor.ip,
        user_agent=user_agent[:LONGEST_AGENT],
        device=device,
        browser=browser,
        os=os,
        created_at=now,
        last_activity_at=now,
        expires_at=now + (REMEMBERED if remember else NOT_REMEMBERED),
    )
    session.add(row)
    user.last_login_at = now
    emit(session, "accounts.session_opened", row, actor=actor)
    return row, token


def touch(session: Session, session_id: UUID, *, now: datetime) -> UserSession:
    """Note that a session is in use, at most every 5 minutes, and its user at most hourly.

    Bookkeeping, not an act: it leaves no audit row.
    """
    row = UserSession.for_update(session, session_id)
    if now - row.last_activity_at >= ACTIVITY_EVERY:
        row.last_activity_at = now
    user = User.get(session, row.user_id)
    if user.last_login_at is None or now - user.last_login_at >= LOGIN_EVERY:
        user.last_login_at = now
    return row


def is_due_for_touch(last_activity_at: datetime, now: datetime) -> bool:
    """Whether ``touch`` would write."""
    return now - last_activity_at >= ACTIVITY_EVERY


def end_session(
    session: Session, session_id: UUID, *, actor: Actor, now: datetime, reason: str | None = None
) -> UserSession:
    """End one session for good: its cookie opens nothing any more. Twice changes nothing."""
    row = UserSession.for_update(session, session_id)
    if row.revoked_at is None:
        row.revoked_at = now
        emit(session, "accounts.session_ended", row, actor=actor, reason=reason)
    return row


def end_all_sessions(
    session: Session,
    user_id: UUID,
    *,
    actor: Actor,
    now: datetime,
    reason: str | None = None,
    but: UUID | None = None,
) -> int:
    """End every live session of a person, ``but`` one perhaps; answers how many were ended."""
    rows = session.scalars(
        select(UserSession)
        .where(
            UserSession.user_id == user_id,
            UserSession.revoked_at.is_(None),
            UserSession.expires_at > now,
        )
        .order_by(UserSession.id)
        .with_for_update()
    ).all()
    ended = [row for row in rows if row.id != but]
    for row in ended:
        row.revoked_at = now
        emit(session, "accounts.session_ended", row, actor=actor, reason=reason)
    return len(ended)


def what_it_is(user_agent: str) -> tuple[str, str, str]:
    """The device, browser and system that a User-Agent header speaks of; empty where unknown."""
    read = ua_parser.parse(user_agent[:LONGEST_AGENT])
    browser, os, device = read.user_agent, read.os, read.device
    return (
        device.family if device and device.family != "Other" else "",
        _named(browser.family, browser.major) if browser else "",
        _named(os.family, os.major) if os else "",
    )


def _named(family: str, major: str | None) -> str:
    return f"{family} {major}" if major else family
