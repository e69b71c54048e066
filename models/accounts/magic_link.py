"""Magic links: one row is both the link and the six-digit code of one mail."""

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from models import clock
from models.accounts.platform import Platform
from models.base import Base, CIText, Keyed, enum_of


class MagicLink(Keyed, Base):
    """One way in, for 15 minutes, once. Only hashes of its token and code are kept."""

    __tablename__ = "magic_links"
    __table_args__ = (
        Index("ix_magic_links_email_created_at", "platform", "email", "created_at"),
        Index("ix_magic_links_ip_created_at", "ip", "created_at"),
    )

    platform: Mapped[Platform] = mapped_column(enum_of(Platform, "platform"))
    email: Mapped[str] = mapped_column(CIText())
    token_hash: Mapped[str] = mapped_column(unique=True, info={"secret": True})
    otp_hash: Mapped[str] = mapped_column(info={"secret": True})
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    voided_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    ip: Mapped[str | None]
    next_path: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
