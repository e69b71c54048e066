"""Webhook deliveries: what a payment button's endpoint is to be told, and what it answered."""

import enum
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models import clock
from models.base import Base, Cleaned, Json, Keyed, enum_of
from models.catalog.payment_button import PaymentButton


class WebhookStatus(enum.StrEnum):
    QUEUED = "QUEUED"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"  # given up after the last try, or the endpoint is gone


class WebhookDelivery(Keyed, Base):
    """One fact for one button's endpoint. Its ``webhook-id`` is the event's, on every try."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        UniqueConstraint("button_id", "event_id"),
        Index(
            "ix_webhook_deliveries_waiting",
            "next_try_at",
            postgresql_where=text("status = 'QUEUED'"),
        ),
    )

    button_id: Mapped[UUID] = mapped_column(ForeignKey("payment_buttons.id"))
    event_id: Mapped[UUID]
    kind: Mapped[str]
    url: Mapped[str]
    data: Mapped[Json]
    happened_at: Mapped[datetime]
    status: Mapped[WebhookStatus] = mapped_column(
        enum_of(WebhookStatus, "status"), default=WebhookStatus.QUEUED
    )
    attempts: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime] = mapped_column(default=clock.now)
    answer_status: Mapped[int | None]
    last_error: Mapped[str | None] = mapped_column(Cleaned)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    delivered_at: Mapped[datetime | None]

    button: Mapped[PaymentButton] = relationship(lazy="raise")
