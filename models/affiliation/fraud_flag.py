"""Fraud flags: what looks odd about an affiliate, with its evidence. They never act alone."""

import enum
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from models.affiliation.profile import AffiliateProfile
from models.base import Base, Json, Keyed, enum_of


class FlagKind(enum.StrEnum):
    SAME_IP = "SAME_IP"
    SAME_CARD = "SAME_CARD"
    OWN_EMAIL = "OWN_EMAIL"
    CLICK_BURST = "CLICK_BURST"
    REFUND_CLUSTER = "REFUND_CLUSTER"


class FraudFlag(Keyed, Base):
    """One observation. ``evidence_key`` tells it from others of its kind (the address, card,
    buyer or day it is about), so that seeing it again renews this row and makes no other;
    one that a person dismissed stays dismissed.
    """

    __tablename__ = "fraud_flags"
    __table_args__ = (
        UniqueConstraint("affiliate_id", "kind", "evidence_key"),
        CheckConstraint("first_seen_at <= last_seen_at", name="seen_in_order"),
        Index(
            "ix_fraud_flags_open",
            "affiliate_id",
            "id",
            postgresql_where=text("dismissed_at IS NULL"),
        ),
        Index("ix_fraud_flags_kind_id", "kind", "id"),
    )

    affiliate_id: Mapped[UUID] = mapped_column(ForeignKey("affiliate_profiles.user_id"))
    kind: Mapped[FlagKind] = mapped_column(enum_of(FlagKind, "kind"))
    evidence_key: Mapped[str]
    evidence: Mapped[Json] = mapped_column(default=dict)
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    dismissed_at: Mapped[datetime | None]
    dismissed_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))

    affiliate: Mapped[AffiliateProfile] = relationship(lazy="raise")


def open_flags(session: Session, affiliate_id: UUID) -> list[FraudFlag]:
    """An affiliate's flags that nobody dismissed, newest first."""
    return list(
        session.scalars(
            select(FraudFlag)
            .where(FraudFlag.affiliate_id == affiliate_id, FraudFlag.dismissed_at.is_(None))
            .order_by(FraudFlag.id.desc())
        )
    )
