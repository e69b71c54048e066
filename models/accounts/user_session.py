"""Signed-in sessions: the cookie holds a token, the row holds its hash."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models import clock
from models.accounts.user import User
from models.base import Base, Keyed


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
