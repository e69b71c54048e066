"""Outgoing mails: what is to be sent to whom, what became of it, and what was said."""

import enum
from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from models import clock
from models.base import Base, CIText, Cleaned, Encrypted, Json, Keyed, enum_of, trigrams


class MailStatus(enum.StrEnum):
    QUEUED = "QUEUED"
    SENT = "SENT"
    FAILED = "FAILED"  # given up after the last retry; staff can resend


class OutgoingMail(Keyed, Base):
    """One mail to one address; ``idempotency_key`` keeps one fact from being mailed twice.

    What must not be read back (a sign-in link and its code) is in ``secrets``, encrypted
    JSON, emptied once the mail is sent.
    """

    __tablename__ = "outgoing_mails"
    __table_args__ = (
        Index(
            "ix_outgoing_mails_waiting", "next_try_at", postgresql_where=text("status = 'QUEUED'")
        ),
        Index("ix_outgoing_mails_to_email_id", "to_email", "id"),
        Index("ix_outgoing_mails_kind_id", "kind", "id"),
        Index("ix_outgoing_mails_status_id", "status", "id"),
        trigrams("outgoing_mails", "to_email", citext=True),
        trigrams("outgoing_mails", "subject"),
    )

    idempotency_key: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    platform: Mapped[str]
    locale: Mapped[str] = mapped_column(default="fr")
    user_id: Mapped[UUID | None] = mapped_column(index=True)
    to_email: Mapped[str] = mapped_column(CIText())
    subject: Mapped[str] = mapped_column(default="")
    context: Mapped[Json] = mapped_column(default=dict)
    secrets: Mapped[str | None] = mapped_column(Encrypted)
    status: Mapped[MailStatus] = mapped_column(
        enum_of(MailStatus, "status"), default=MailStatus.QUEUED
    )
    attempts: Mapped[int] = mapped_column(default=0)
    provider_id: Mapped[str | None]
    last_error: Mapped[str | None] = mapped_column(Cleaned)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    next_try_at: Mapped[datetime] = mapped_column(default=clock.now)
    sent_at: Mapped[datetime | None]
