"""Boost codes: what an affiliate redeems to earn more for a while, and who redeemed which."""

import enum
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from models.affiliation.commission import Commission
from models.affiliation.profile import AffiliateProfile
from models.base import Base, Becoming, Keyed, Stamped, enum_of, not_negative

CODE = "^[A-Z0-9][A-Z0-9_-]{2,39}$"


class BoostType(enum.StrEnum):
    PERCENTAGE_INCREASE = "percentage_increase"
    FLAT_BONUS = "flat_bonus"


class BoostScope(enum.StrEnum):
    GLOBAL = "GLOBAL"
    SPECIFIC = "SPECIFIC"


class RedemptionStatus(enum.StrEnum):
    ACTIVE = "ACTIVE"
    EXPIRED = "EXPIRED"
    DEACTIVATED = "DEACTIVATED"


class BoostCode(Keyed, Stamped, Base):
    """One code. ``boost_value`` is points added to the rate, or cents added to the commission.

    ``valid_until`` None: no end; ``max_uses`` None: no limit. ``current_uses`` is raised
    under this row's lock, and never passes ``max_uses``.
    """

    __tablename__ = "affiliate_boost_codes"
    __table_args__ = (
        CheckConstraint(f"code ~ '{CODE}'", name="code_shape"),
        CheckConstraint("boost_value > 0", name="boost_value_positive"),
        CheckConstraint(
            "boost_type <> 'percentage_increase' or boost_value <= 100", name="points_sane"
        ),
        CheckConstraint(
            "boost_type <> 'flat_bonus' or boost_value = trunc(boost_value)", name="whole_cents"
        ),
        CheckConstraint("valid_until > valid_from", name="valid_for_a_while"),
        CheckConstraint("max_uses > 0", name="max_uses_positive"),
        not_negative("current_uses"),
        CheckConstraint("current_uses <= max_uses", name="uses_within"),
    )

    code: Mapped[str] = mapped_column(unique=True)
    boost_type: Mapped[BoostType] = mapped_column(enum_of(BoostType, "boost_type"))
    boost_value: Mapped[Decimal] = mapped_column(Numeric(12, 4))
    scope: Mapped[BoostScope] = mapped_column(
        enum_of(BoostScope, "scope"), default=BoostScope.GLOBAL
    )
    valid_from: Mapped[datetime]
    valid_until: Mapped[datetime | None]
    max_uses: Mapped[int | None]
    current_uses: Mapped[int] = mapped_column(default=0)
    is_active: Mapped[bool] = mapped_column(default=True)
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))

    def __str__(self) -> str:
        return self.code


class BoostProduct(Base):
    """A product that a code of SPECIFIC scope is for."""

    __tablename__ = "affiliate_boost_products"

    code_id: Mapped[UUID] = mapped_column(ForeignKey("affiliate_boost_codes.id"), primary_key=True)
    product_id: Mapped[UUID] = mapped_column(ForeignKey("products.id"), primary_key=True)


class BoostRedemption(Keyed, Becoming, Base):
    """One affiliate's use of one code; at most one is ACTIVE, since boosts do not add up.

    ``expires_at`` is the code's end as it stood at redeeming, None where it had none.
    """

    __tablename__ = "affiliate_boost_redemptions"
    __table_args__ = (
        Index(
            "uq_affiliate_boost_redemptions_active",
            "affiliate_id",
            unique=True,
            postgresql_where=text("status = 'ACTIVE'"),
        ),
        Index("ix_affiliate_boost_redemptions_affiliate_id_id", "affiliate_id", "id"),
        Index("ix_affiliate_boost_redemptions_code_id_id", "code_id", "id"),
        Index(
            "ix_affiliate_boost_redemptions_expiring",
            "expires_at",
            postgresql_where=text("status = 'ACTIVE'"),
        ),
    )
    LEADS_TO = {
        RedemptionStatus.ACTIVE: {RedemptionStatus.EXPIRED, RedemptionStatus.DEACTIVATED},
        RedemptionStatus.EXPIRED: set(),
        RedemptionStatus.DEACTIVATED: set(),
    }

    code_id: Mapped[UUID] = mapped_column(ForeignKey("affiliate_boost_codes.id"))
    affiliate_id: Mapped[UUID] = mapped_column(ForeignKey("affiliate_profiles.user_id"))
    status: Mapped[RedemptionStatus] = mapped_column(
        enum_of(RedemptionStatus, "status"), default=RedemptionStatus.ACTIVE
    )
    redeemed_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    code: Mapped[BoostCode] = relationship(lazy="raise")
    affiliate: Mapped[AffiliateProfile] = relationship(lazy="raise")


def boost_by_code(session: Session, code: str) -> BoostCode | None:
    """The boost under a code as typed: letter case and spaces around it do not count."""
    return session.scalar(select(BoostCode).where(BoostCode.code == code.strip().upper()))


def active_redemption(session: Session, affiliate_id: UUID) -> BoostRedemption | None:
    """An affiliate's ACTIVE redemption; one past its end counts until the nightly tidying."""
    return session.scalar(
        select(BoostRedemption).where(
            BoostRedemption.affiliate_id == affiliate_id,
            BoostRedemption.status == RedemptionStatus.ACTIVE,
        )
    )


def products_of(session: Session, code_id: UUID) -> list[UUID]:
    """The products that a SPECIFIC code is for, in the order of their keys."""
    wanted = select(BoostProduct.product_id).where(BoostProduct.code_id == code_id)
    return list(session.scalars(wanted.order_by(BoostProduct.product_id)))


def boosted_so_far(session: Session, redemption_id: UUID) -> tuple[int, int]:
    """A redemption's figures: commissions that it raised, and the cents it added in all."""
    count, cents = session.execute(
        select(func.count(), func.coalesce(func.sum(Commission.boost_amount), 0)).where(
            Commission.boost_redemption_id == redemption_id
        )
    ).one()
    return int(count), int(cents)
