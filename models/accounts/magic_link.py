"""Magic links: one row is both the link and the six-digit code of one mail, if it shows one."""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Index, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import clock
from models.accounts.platform import Platform
from models.base import Base, CIText, Keyed, enum_of
from models.settings import current_settings


class MagicLink(Keyed, Base):
    """One way in, for 15 minutes, once. Only hashes of its token and code are kept.

    The welcome to a purchase has a link and no code: nobody asked for that one, so it neither
    stands in the way of a code that somebody did ask for, nor ends with it.
    """

    __tablename__ = "magic_links"
    __table_args__ = (
        Index("ix_magic_links_email_created_at", "platform", "email", "created_at"),
        Index("ix_magic_links_ip_created_at", "ip", "created_at"),
    )

    platform: Mapped[Platform] = mapped_column(enum_of(Platform, "platform"))
    email: Mapped[str] = mapped_column(CIText())
    token_hash: Mapped[str] = mapped_column(unique=True, info={"secret": True})
    otp_hash: Mapped[str | None] = mapped_column(info={"secret": True})
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    voided_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    ip: Mapped[str | None]
    next_path: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    @property
    def is_spent(self) -> bool:
        """Whether it was used, replaced by a newer one, or voided by wrong codes."""
        return self.used_at is not None or self.voided_at is not None


def code_digest(link_id: UUID, code: str) -> str:
    """What a row keeps of its code: keyed, since six digits alone would be guessed from a hash."""
    key = current_settings().secret_key.encode()
    return hmac.new(key, f"{link_id}:{code}".encode(), hashlib.sha256).hexdigest()


def links_asked(
    session: Session, *conditions: ColumnElement[bool], since: datetime
) -> Sequence[datetime]:
    """When links meeting some conditions were asked for since an instant, oldest first."""
    return session.scalars(
        select(MagicLink.created_at)
        .where(*conditions, MagicLink.created_at > since)
        .order_by(MagicLink.created_at)
    ).all()


def lock_links(session: Session, platform: Platform, email: str) -> None:
    """Lock every way into an address, before the person who has it.

    Whoever comes in by a link locks it, then the person: in another order two would wait for
    each other.
    """
    theirs = select(MagicLink.id).where(MagicLink.platform == platform, MagicLink.email == email)
    session.execute(theirs.order_by(MagicLink.id).with_for_update())


def void_links(
    session: Session, platform: Platform, email: str, *, now: datetime, only_codes: bool = False
) -> None:
    """Void every way into an address that was mailed and not used yet, or those with a code.

    It locks them: where the person is locked too, they come after (see ``lock_links``).
    """
    unused = select(MagicLink).where(
        MagicLink.platform == platform,
        MagicLink.email == email,
        MagicLink.used_at.is_(None),
        MagicLink.voided_at.is_(None),
    )
    if only_codes:
        unused = unused.where(MagicLink.otp_hash.is_not(None))
    for link in session.scalars(unused.order_by(MagicLink.id).with_for_update()):
        link.voided_at = now
