"""Provider events: every word from the payment side, kept before it is acted upon."""

import enum
from datetime import datetime

from sqlalchemy import Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models import clock
from models.base import Base, Json, Keyed, enum_of, trigrams


class EventOutcome(enum.StrEnum):
    OPEN = "open"
    POSTED = "posted"
    DUPLICATE = "duplicate"
    IGNORED = "ignored"


class ProviderEvent(Keyed, Base):
    """One callback, webhook or look-up answer. ``open`` ones are the console's *À expliquer*."""

    __tablename__ = "provider_events"
    __table_args__ = (
        UniqueConstraint("source", "external_id"),
        Index("ix_provider_events_open", "id", postgresql_where=text("outcome = 'open'")),
        Index("ix_provider_events_outcome_id", "outcome", "id"),
        trigrams("provider_events", "external_id"),
        trigrams("provider_events", "kind"),
    )

    source: Mapped[str]
    external_id: Mapped[str]
    kind: Mapped[str] = mapped_column(default="")
    body: Mapped[Json] = mapped_column(default=dict)
    outcome: Mapped[EventOutcome] = mapped_column(
        enum_of(EventOutcome, "outcome"), default=EventOutcome.OPEN
    )
    reason: Mapped[str | None]
    received_at: Mapped[datetime] = mapped_column(default=clock.now)
    repeats: Mapped[int] = mapped_column(default=0)
    handled_at: Mapped[datetime | None]
