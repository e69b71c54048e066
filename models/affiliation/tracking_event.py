"""Clicks on affiliates' links. The table that grows: partitioned by month, purged by the month."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import clock
from models.accounts.platform import Platform
from models.base import Base, Json, enum_of
from models.ids import new_id


class TrackingEvent(Base):
    """One click. ``ip`` is kept 30 days, then hashed; ``visitor_key`` tells repeats apart."""

    __tablename__ = "affiliate_tracking_events"
    __table_args__ = (
        Index("ix_affiliate_tracking_events_click_id", "click_id"),
        Index("ix_affiliate_tracking_events_affiliate_id", "affiliate_id", "created_at"),
        Index("ix_affiliate_tracking_events_visitor", "visitor_key", "affiliate_id", "created_at"),
        Index(
            "ix_affiliate_tracking_events_plain_ip",
            "created_at",
            postgresql_where=text("ip IS NOT NULL AND ip NOT LIKE 'h:%'"),
        ),
        {"postgresql_partition_by": "RANGE (created_at)"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    created_at: Mapped[datetime] = mapped_column(primary_key=True, default=clock.now)
    click_id: Mapped[str]
    affiliate_id: Mapped[UUID]
    product_id: Mapped[UUID | None]
    platform: Mapped[Platform] = mapped_column(enum_of(Platform, "platform"))
    campaign: Mapped[str | None]
    source: Mapped[str | None]
    medium: Mapped[str | None]
    utm: Mapped[Json] = mapped_column(default=dict)
    landing_path: Mapped[str] = mapped_column(default="/")
    referrer: Mapped[str | None]
    ip: Mapped[str | None]
    user_agent: Mapped[str] = mapped_column(default="")
    visitor_key: Mapped[str] = mapped_column(default="")
    country: Mapped[str | None]
    expires_at: Mapped[datetime]


def click_by_id(session: Session, click_id: str) -> TrackingEvent | None:
    """The click behind a cookie, where it still exists."""
    return session.scalar(select(TrackingEvent).where(TrackingEvent.click_id == click_id))
