"""Affiliates: their slug, guild, risk level, and the history of that level."""

import enum
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, bindparam, or_, select
from sqlalchemy.orm import Mapped, Session, joinedload, mapped_column, relationship

from models import clock
from models.accounts import User
from models.affiliation.payout_method import PayoutMethod
from models.base import Base, Encrypted, Json, Keyed, Stamped, enum_of, not_negative


class RiskLevel(enum.StrEnum):
    NORMAL = "NORMAL"
    AT_RISK = "AT_RISK"
    HIGH_RISK = "HIGH_RISK"
    EXTREME_RISK = "EXTREME_RISK"


class AffiliateProfile(Stamped, Base):
    """A WEOKTO user who earns commissions; money totals are read from the ledger, not kept here.

    ``risk_pinned``: the owner's level stays whatever the figures say. ``refund_rate`` is a
    fraction between 0 and 1 over the last 90 days, ``rated_invoices`` how many invoices it is
    of. ``under_*_since``: since when the rate has been under the threshold of that level, None
    while it is not. ``extreme_asked_at``: when the owner was last asked about EXTREME_RISK,
    None once the rate has gone down again.
    ``former_slug``: what ``affiliate_slug`` was before its one change; its links still count.
    Where money is paid to is ``payout_*``:
    by wire to the exact ``payout_holder`` of an IBAN, or to a PayPal address. The IBAN is
    loaded, and so decrypted, only where it is asked for.
    """

    __tablename__ = "affiliate_profiles"
    __table_args__ = (
        CheckConstraint("affiliate_slug ~ '^[a-z0-9-]{1,40}$'", name="slug_shape"),
        CheckConstraint("former_slug <> affiliate_slug", name="slug_changed"),
        CheckConstraint("refund_rate between 0 and 1", name="refund_rate_sane"),
        not_negative("total_refunds"),
        not_negative("rated_invoices"),
        CheckConstraint(
            "payout_method is distinct from 'wire' or "
            "(payout_iban is not null and payout_holder <> '')",
            name="wire_has_iban",
        ),
        CheckConstraint(
            "payout_method is distinct from 'paypal' or payout_paypal is not null",
            name="paypal_has_address",
        ),
        Index("ix_affiliate_profiles_risk_level", "risk_level", "user_id"),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    affiliate_slug: Mapped[str] = mapped_column(unique=True)
    former_slug: Mapped[str | None] = mapped_column(unique=True)
    current_guild_id: Mapped[UUID | None] = mapped_column(ForeignKey("communities.id"))
    guild_joined_at: Mapped[datetime | None]
    last_guild_change_at: Mapped[datetime | None]
    first_commission_at: Mapped[datetime | None]
    risk_level: Mapped[RiskLevel] = mapped_column(
        enum_of(RiskLevel, "risk_level"), default=RiskLevel.NORMAL
    )
    risk_pinned: Mapped[bool] = mapped_column(default=False)
    total_refunds: Mapped[int] = mapped_column(default=0)
    refund_rate: Mapped[Decimal] = mapped_column(Numeric(5, 4), default=Decimal(0))
    rated_invoices: Mapped[int] = mapped_column(default=0)
    under_at_risk_since: Mapped[datetime | None]
    under_high_risk_since: Mapped[datetime | None]
    under_extreme_risk_since: Mapped[datetime | None]
    extreme_asked_at: Mapped[datetime | None]
    payout_method: Mapped[PayoutMethod | None] = mapped_column(
        enum_of(PayoutMethod, "payout_method")
    )
    payout_holder: Mapped[str] = mapped_column(default="")
    payout_iban: Mapped[str | None] = mapped_column(Encrypted, deferred=True, active_history=True)
    payout_iban_last4: Mapped[str | None]
    payout_paypal: Mapped[str | None]
    internal_notes: Mapped[str] = mapped_column(default="")

    user: Mapped[User] = relationship(lazy="raise")

    def __str__(self) -> str:
        return self.affiliate_slug


class RiskLevelChange(Keyed, Base):
    """One change of a level: from, to, by whom (None: the system), the figures then, and why."""

    __tablename__ = "risk_level_changes"

    affiliate_id: Mapped[UUID] = mapped_column(ForeignKey("affiliate_profiles.user_id"), index=True)
    from_level: Mapped[RiskLevel] = mapped_column(enum_of(RiskLevel, "from_level"))
    to_level: Mapped[RiskLevel] = mapped_column(enum_of(RiskLevel, "to_level"))
    changed_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    figures: Mapped[Json] = mapped_column(default=dict)
    note: Mapped[str]
    changed_at: Mapped[datetime] = mapped_column(default=clock.now)


def affiliate_by_slug(session: Session, slug: str) -> AffiliateProfile | None:
    """The affiliate whose slug this is, or was before they changed it, with the person loaded."""
    return session.scalar(_BY_SLUG, {"slug": slug})


_BY_SLUG = (
    select(AffiliateProfile)
    .where(
        or_(
            AffiliateProfile.affiliate_slug == bindparam("slug"),
            AffiliateProfile.former_slug == bindparam("slug"),
        )
    )
    .options(joinedload(AffiliateProfile.user))
)
