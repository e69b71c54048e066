"""The second factor of staff: a TOTP secret and ten recovery codes that work once each."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from models import clock
from models.base import Base, Encrypted, Keyed
from models.secrets import digest


class SecondFactor(Base):
    """A staff member's TOTP secret; ``confirmed_at`` is set by the first right code.

    ``last_step`` is the last 30-second step accepted, so that a code works once.
    """

    __tablename__ = "second_factors"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    secret: Mapped[str] = mapped_column(Encrypted)
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[int | None]
    failed_attempts: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class RecoveryCode(Keyed, Base):
    """One recovery code, hashed; used once."""

    __tablename__ = "recovery_codes"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    code_hash: Mapped[str] = mapped_column(info={"secret": True})
    used_at: Mapped[datetime | None]


def recovery_digest(user_id: UUID, code: str) -> str:
    """What is kept of a recovery code; dashes and case do not matter."""
    return digest(f"{user_id}:{code.replace('-', '').lower()}")
