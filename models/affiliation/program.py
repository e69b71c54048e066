"""Affiliate programs: one per product, what its sales earn by default."""

import enum
from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Numeric, bindparam, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from models.base import Base, Keyed, Stamped, enum_of
from models.catalog import Product


class RateType(enum.StrEnum):
    PERCENTAGE = "percentage"
    FIXED = "fixed"


class AffiliateProgram(Keyed, Stamped, Base):
    """The rules of one product: ``default_rate`` is points of percent, or cents where fixed."""

    __tablename__ = "affiliate_programs"
    __table_args__ = (
        CheckConstraint("default_rate >= 0", name="default_rate_not_negative"),
        CheckConstraint("cookie_duration_days between 1 and 730", name="cookie_duration_sane"),
    )

    product_id: Mapped[UUID] = mapped_column(ForeignKey("products.id"), unique=True)
    is_active: Mapped[bool] = mapped_column(default=True)
    default_rate_type: Mapped[RateType] = mapped_column(
        enum_of(RateType, "default_rate_type"), default=RateType.PERCENTAGE
    )
    default_rate: Mapped[Decimal] = mapped_column(Numeric(12, 4), default=Decimal(30))
    cookie_duration_days: Mapped[int] = mapped_column(default=30)
    include_renewals: Mapped[bool] = mapped_column(default=True)

    product: Mapped[Product] = relationship(lazy="raise")


def program_of(session: Session, product_id: UUID) -> AffiliateProgram | None:
    """The program of a product, where it has one."""
    return session.scalar(_OF_PRODUCT, {"product_id": product_id})


_OF_PRODUCT = select(AffiliateProgram).where(AffiliateProgram.product_id == bindparam("product_id"))


def programs_of_community(session: Session, community_id: UUID) -> Sequence[AffiliateProgram]:
    """The programs of every product of a community."""
    return session.scalars(
        select(AffiliateProgram)
        .join(Product, Product.id == AffiliateProgram.product_id)
        .where(Product.community_id == community_id)
        .order_by(AffiliateProgram.id)
    ).all()
