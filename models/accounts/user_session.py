"""Signed-in sessions: the cookie holds a token, the row holds its hash."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, ForeignKey, Index, Row, bindparam, select
from sqlalchemy.orm import Mapped, Session, contains_eager, mapped_column, relationship

from models import clock
from models.accounts.platform import Platform
from models.accounts.user import User
from models.base import Base, Keyed
from models.secrets import digest

FRESH = timedelta(minutes=10)
"""How long a proven second factor lets money acts through."""


class UserSession(Keyed, Base):
    """One browser signed in as one person until it expires or is revoked.

    ``second_factor_at`` is when a staff member last proved theirs in this session.
    """

    __tablename__ = "user_sessions"
    __table_args__ = (
        Index("ix_user_sessions_user_id_id", "user_id", "id"),
        Index("ix_user_sessions_expires_at", "expires_at"),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    token_hash: Mapped[str] = mapped_column(unique=True, info={"secret": True})
    ip: Mapped[str | None]
    user_agent: Mapped[str] = mapped_column(default="")
    device: Mapped[str] = mapped_column(default="")
    browser: Mapped[str] = mapped_column(default="")
    os: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    last_activity_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    second_factor_at: Mapped[datetime | None]

    user: Mapped[User] = relationship(lazy="raise")


_OPENS_SOMETHING = (
    UserSession.token_hash == bindparam("token_hash"),
    UserSession.revoked_at.is_(None),
    UserSession.expires_at > bindparam("now"),
    User.platform == bindparam("platform"),
    User.is_suspended.is_(False),
)
_LIVE = (
    select(UserSession)
    .join(UserSession.user)
    .options(contains_eager(UserSession.user))
    .where(*_OPENS_SOMETHING)
)
_READER = (
    select(User.locale, UserSession.last_activity_at)
    .join(UserSession, UserSession.user_id == User.id)
    .where(*_OPENS_SOMETHING)
)
"""Made once: every request of a signed-in person begins with one of these."""


def live_session(
    session: Session, token: str, *, platform: Platform, now: datetime
) -> UserSession | None:
    """The session a cookie's token opens on a platform, with its user; None when it opens none."""
    return session.scalar(_LIVE, {"token_hash": digest(token), "platform": platform, "now": now})


def live_reader(
    connection: Connection, token: str, *, platform: Platform, now: datetime
) -> Row[str, datetime] | None:
    """``locale`` and ``last_activity_at`` behind a token that opens something, as above."""
    values = {"token_hash": digest(token), "platform": platform, "now": now}
    return connection.execute(_READER, values).first()


def live_sessions_of(session: Session, user_id: UUID, *, now: datetime) -> Sequence[UserSession]:
    """A person's sessions that still open something, the latest active first."""
    return session.scalars(
        select(UserSession)
        .where(
            UserSession.user_id == user_id,
            UserSession.revoked_at.is_(None),
            UserSession.expires_at > now,
        )
        .order_by(UserSession.last_activity_at.desc(), UserSession.id.desc())
    ).all()


def fresh_second_factor(row: UserSession, now: datetime) -> bool:
    """Whether a session's second factor was proved in the last ten minutes: a money act asks."""
    return row.second_factor_at is not None and now - row.second_factor_at < FRESH
