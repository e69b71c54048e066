"""Plans: one price of one product. Prices are tax-inclusive cents."""

import enum
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from models.base import Base, Json, Keyed, Stamped, enum_of, not_negative
from models.catalog.community import SLUG
from models.catalog.product import Product


class BillingInterval(enum.StrEnum):
    ONE_TIME = "ONE_TIME"
    MONTHLY = "MONTHLY"
    QUARTERLY = "QUARTERLY"
    ANNUALLY = "ANNUALLY"
    LIFETIME = "LIFETIME"

    @property
    def months(self) -> int | None:
        """The length of a period in months; None where nothing renews."""
        return MONTHS.get(self)

    @property
    def renews(self) -> bool:
        return self in MONTHS


MONTHS = {
    BillingInterval.MONTHLY: 1,
    BillingInterval.QUARTERLY: 3,
    BillingInterval.ANNUALLY: 12,
}


class Plan(Keyed, Stamped, Base):
    """A price: per interval, once, or for life, with an optional trial and setup fee.

    ``trial_days`` None: no trial; ``trial_amount`` 0: a free one. ``max_billing_cycles``
    None: no limit. ``commission_percent`` None: the program's rate. Once sold (``sold_at``
    is the first sale) price, interval and trial stay as they are; a trigger sees to it.
    """

    __tablename__ = "plans"
    __table_args__ = (
        CheckConstraint(f"slug ~ '{SLUG}'", name="slug_shape"),
        not_negative("price_amount"),
        not_negative("trial_amount"),
        not_negative("setup_fee"),
        CheckConstraint("trial_days between 1 and 730", name="trial_days_sane"),
        CheckConstraint("max_billing_cycles > 0", name="max_billing_cycles_positive"),
        CheckConstraint("commission_percent between 0 and 100", name="commission_percent_sane"),
        CheckConstraint("currency = 'EUR'", name="currency_is_euro"),
        Index("ix_plans_product_id", "product_id"),
    )

    product_id: Mapped[UUID] = mapped_column(ForeignKey("products.id"))
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    price_amount: Mapped[int]
    currency: Mapped[str] = mapped_column(default="EUR")
    billing_interval: Mapped[BillingInterval] = mapped_column(
        enum_of(BillingInterval, "billing_interval")
    )
    trial_days: Mapped[int | None]
    trial_amount: Mapped[int] = mapped_column(default=0)
    setup_fee: Mapped[int] = mapped_column(default=0)
    max_billing_cycles: Mapped[int | None]
    commission_percent: Mapped[Decimal | None] = mapped_column(Numeric(7, 4))
    is_active: Mapped[bool] = mapped_column(default=True)
    is_featured: Mapped[bool] = mapped_column(default=False)
    sold_at: Mapped[datetime | None]
    extra: Mapped[Json] = mapped_column("metadata", default=dict)

    product: Mapped[Product] = relationship(lazy="raise")

    def __str__(self) -> str:
        return self.name


def plan_by_slug(session: Session, slug: str) -> Plan | None:
    """The plan under a slug."""
    return session.scalar(select(Plan).where(Plan.slug == slug))
