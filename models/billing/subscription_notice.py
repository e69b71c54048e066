"""Notices: what a customer was told ahead of a date, as evidence and so that it is told once."""

import enum
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models import clock
from models.base import Base, Keyed, enum_of


class NoticeKind(enum.StrEnum):
    TRIAL_ENDING = "TRIAL_ENDING"
    ANNUAL_TERM = "ANNUAL_TERM"
    CARD_EXPIRING = "CARD_EXPIRING"


class SubscriptionNotice(Keyed, Base):
    """One thing told to one customer about one instant: the end of a trial, the term of an
    annual plan, the next charge of a card that will have expired.

    ``last_day_on`` is the last day on which cancelling surely prevents the charge.
    """

    __tablename__ = "subscription_notices"
    __table_args__ = (UniqueConstraint("customer_id", "kind", "about_at"),)

    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id"))
    kind: Mapped[NoticeKind] = mapped_column(enum_of(NoticeKind, "kind"))
    about_at: Mapped[datetime]
    last_day_on: Mapped[date | None]
    given_at: Mapped[datetime] = mapped_column(default=clock.now)
