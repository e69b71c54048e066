"""The audit trail: who changed what, when, from what to what, and why. Append-only."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import clock
from models.base import Base, Json, Keyed, trigrams


class AuditEvent(Keyed, Base):
    """One act on one record, written in the transaction of the act; a trigger refuses edits."""

    __tablename__ = "audit_events"
    __table_args__ = (
        Index("ix_audit_events_record", "subject_table", "subject_id", "id"),
        Index("ix_audit_events_action_id", "action", "id"),
        Index("ix_audit_events_actor_id_id", "actor_id", "id"),
        trigrams("audit_events", "action"),
    )

    at: Mapped[datetime] = mapped_column(default=clock.now)
    action: Mapped[str]
    subject_table: Mapped[str]
    subject_id: Mapped[str]
    actor_id: Mapped[UUID | None]
    actor_role: Mapped[str]
    ip: Mapped[str | None]
    session_id: Mapped[UUID | None]
    request_id: Mapped[str | None]
    reason: Mapped[str | None]
    before: Mapped[Json] = mapped_column(default=dict)
    after: Mapped[Json] = mapped_column(default=dict)
    data: Mapped[Json] = mapped_column(default=dict)


def history_of(session: Session, table: str, key: str, limit: int = 100) -> Sequence[AuditEvent]:
    """A record's *Historique*, newest first."""
    return session.scalars(
        select(AuditEvent)
        .where(AuditEvent.subject_table == table, AuditEvent.subject_id == key)
        .order_by(AuditEvent.id.desc())
        .limit(limit)
    ).all()
