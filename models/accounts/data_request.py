"""What people ask about their own data: a copy of it, or that their account be deleted."""

import enum
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Select, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from models import clock
from models.accounts.user import User
from models.base import Base, Becoming, Keyed, enum_of


class DataRequestKind(enum.StrEnum):
    COPY = "COPY"
    DELETION = "DELETION"


class DataRequestStatus(enum.StrEnum):
    ASKED = "ASKED"  # a copy is being made; a deletion waits out its days
    READY = "READY"  # a copy can be downloaded
    DONE = "DONE"  # the account is deleted
    EXPIRED = "EXPIRED"  # a copy is no longer kept
    CANCELLED = "CANCELLED"


S = DataRequestStatus


class DataRequest(Keyed, Becoming, Base):
    """One request. ``requested_by`` is somebody else where staff opened it, with a ``reason``.

    ``due_at`` is when a deletion happens, ``held_by`` the refusal that last kept it from
    happening. ``content`` is the copy as a ZIP, there while it is READY, until
    ``expires_at``; ``size`` in bytes stays.
    """

    __tablename__ = "data_requests"
    __table_args__ = (
        Index(
            "uq_data_requests_open",
            "user_id",
            "kind",
            unique=True,
            postgresql_where=text("status = 'ASKED'"),
        ),
        Index("ix_data_requests_user_id_id", "user_id", "id"),
        Index("ix_data_requests_kind_id", "kind", "id"),
        Index("ix_data_requests_status_id", "status", "id"),
        CheckConstraint("(kind = 'DELETION') = (due_at is not null)", name="deletion_is_due"),
        CheckConstraint("(status = 'READY') = (content is not null)", name="ready_is_there"),
        CheckConstraint(
            "case kind when 'COPY' then status <> 'DONE'"
            " else status in ('ASKED', 'DONE', 'CANCELLED') end",
            name="status_of_its_kind",
        ),
    )
    LEADS_TO = {
        S.ASKED: {S.READY, S.DONE, S.CANCELLED},
        S.READY: {S.EXPIRED},
        S.DONE: set(),
        S.EXPIRED: set(),
        S.CANCELLED: set(),
    }

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    kind: Mapped[DataRequestKind] = mapped_column(enum_of(DataRequestKind, "kind"))
    status: Mapped[DataRequestStatus] = mapped_column(
        enum_of(DataRequestStatus, "status"), default=S.ASKED
    )
    requested_at: Mapped[datetime] = mapped_column(default=clock.now)
    requested_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    reason: Mapped[str | None]
    due_at: Mapped[datetime | None]
    held_by: Mapped[str | None]
    ended_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    size: Mapped[int | None]
    content: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True, info={"secret": True})

    user: Mapped[User] = relationship(lazy="raise", foreign_keys=[user_id])

    def __str__(self) -> str:
        return f"{self.kind} {self.requested_at:%Y-%m-%d}"


def open_request(session: Session, user_id: UUID, kind: DataRequestKind) -> DataRequest | None:
    """What a person asked of a kind and waits for."""
    return session.scalar(
        select(DataRequest).where(
            DataRequest.user_id == user_id, DataRequest.kind == kind, DataRequest.status == S.ASKED
        )
    )


def requests_of(session: Session, user_id: UUID, *, most: int) -> Sequence[DataRequest]:
    """A person's requests, the latest first."""
    return session.scalars(
        select(DataRequest)
        .where(DataRequest.user_id == user_id)
        .order_by(DataRequest.id.desc())
        .limit(most)
    ).all()


def due_deletions(session: Session, *, now: datetime) -> Sequence[UUID]:
    """The deletions whose days are over, the longest due first."""
    return session.scalars(
        select(DataRequest.id)
        .where(DataRequest.status == S.ASKED, DataRequest.due_at <= now)
        .order_by(DataRequest.due_at, DataRequest.id)
    ).all()


def copies_to_make(session: Session) -> Sequence[UUID]:
    """The copies that are asked for and not made yet, the longest waiting first."""
    return session.scalars(
        select(DataRequest.id)
        .where(DataRequest.status == S.ASKED, DataRequest.kind == DataRequestKind.COPY)
        .order_by(DataRequest.id)
    ).all()


def next_request_due() -> Select[Any]:
    """Asks when the next copy is to be made or forgotten, or the next account deleted."""
    asked = select(func.min(func.coalesce(DataRequest.due_at, DataRequest.requested_at))).where(
        DataRequest.status == S.ASKED
    )
    kept = select(func.min(DataRequest.expires_at)).where(DataRequest.status == S.READY)
    return select(func.least(asked.scalar_subquery(), kept.scalar_subquery()))
