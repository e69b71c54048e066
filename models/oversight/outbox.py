"""The outbox: facts waiting for their consequences, written in the transaction of the fact."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from models import clock
from models.base import Base, Cleaned, Json, Keyed


class OutboxEvent(Keyed, Base):
    """One fact to be told to its listeners; ``dispatched_at`` is set once all have it."""

    __tablename__ = "outbox_events"
    __table_args__ = (
        Index("ix_outbox_events_waiting", "id", postgresql_where=text("dispatched_at IS NULL")),
        Index("ix_outbox_events_subject", "subject_table", "subject_id"),
    )

    kind: Mapped[str]
    subject_table: Mapped[str]
    subject_id: Mapped[str]
    data: Mapped[Json] = mapped_column(default=dict)
    request_id: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    dispatched_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(Cleaned)


class OutboxDelivery(Base):
    """That one listener has handled one event; its row is what makes a listener idempotent."""

    __tablename__ = "outbox_deliveries"

    event_id: Mapped[UUID] = mapped_column(
        ForeignKey("outbox_events.id", ondelete="CASCADE"), primary_key=True
    )
    listener: Mapped[str] = mapped_column(primary_key=True)
    delivered_at: Mapped[datetime] = mapped_column(default=clock.now)
