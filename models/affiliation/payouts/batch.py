"""SEPA batches: the credit-transfer files made for the bank, kept as they were made."""

import enum
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Date, ForeignKey, Identity, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Becoming, Keyed, enum_of


class BatchStatus(enum.StrEnum):
    EXPORTED = "EXPORTED"
    SETTLED = "SETTLED"
    GIVEN_UP = "GIVEN_UP"


class SepaBatch(Keyed, Becoming, Base):
    """One pain.001 file with the cents and the count of its lines; it is never rewritten.

    EXPORTED until the bank has done it (SETTLED) or it was never sent (GIVEN_UP: its lines
    are free again). ``message_id`` is the file's own identity at the bank.
    """

    __tablename__ = "sepa_batches"
    __table_args__ = (
        CheckConstraint("total > 0", name="total_positive"),
        CheckConstraint("count > 0", name="count_positive"),
        CheckConstraint("(status = 'SETTLED') = (settled_at is not null)", name="settled_dated"),
        CheckConstraint("(status = 'GIVEN_UP') = (given_up_at is not null)", name="given_up_dated"),
        Index("ix_sepa_batches_status_id", "status", "id"),
    )
    LEADS_TO = {
        BatchStatus.EXPORTED: {BatchStatus.SETTLED, BatchStatus.GIVEN_UP},
        BatchStatus.SETTLED: set(),
        BatchStatus.GIVEN_UP: set(),
    }

    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True), unique=True)
    message_id: Mapped[str] = mapped_column(unique=True)
    schema: Mapped[str]
    execution_date: Mapped[date] = mapped_column(Date)
    status: Mapped[BatchStatus] = mapped_column(
        enum_of(BatchStatus, "status"), default=BatchStatus.EXPORTED
    )
    total: Mapped[int]
    count: Mapped[int]
    currency: Mapped[str] = mapped_column(default="EUR")
    xml: Mapped[str] = mapped_column(Text, info={"secret": True}, deferred=True)
    sha256: Mapped[str]
    reference: Mapped[str] = mapped_column(default="")
    made_at: Mapped[datetime]
    made_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    given_up_at: Mapped[datetime | None]
    given_up_reason: Mapped[str] = mapped_column(default="")

    def __str__(self) -> str:
        return str(self.number)
