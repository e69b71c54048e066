"""Changes of address that were asked for and wait for the new mailbox to confirm them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from models import clock
from models.base import Base, CIText, Keyed


class EmailChange(Keyed, Base):
    """One ask to move an account to another address: good for 15 minutes, once.

    Only the hash of its token is kept. A newer ask of the same person voids it.
    """

    __tablename__ = "email_changes"
    __table_args__ = (
        Index("ix_email_changes_user_id_created_at", "user_id", "created_at"),
        Index("ix_email_changes_new_email_created_at", "new_email", "created_at"),
        Index("ix_email_changes_expires_at", "expires_at"),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    new_email: Mapped[str] = mapped_column(CIText())
    token_hash: Mapped[str] = mapped_column(unique=True, info={"secret": True})
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    voided_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    def is_good(self, now: datetime) -> bool:
        """Whether its link still changes something."""
        return self.used_at is None and self.voided_at is None and self.expires_at > now
