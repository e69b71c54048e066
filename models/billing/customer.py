"""Customers: one person's purchase of one product, and where that purchase stands."""

import enum
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from models.accounts import User
from models.base import Base, Becoming, Json, Keyed, Stamped, enum_of, not_negative
from models.catalog import Plan, Product


class CustomerStatus(enum.StrEnum):
    TRIAL = "TRIAL"
    ACTIVE = "ACTIVE"
    PAST_DUE = "PAST_DUE"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"


RUNNING = frozenset({CustomerStatus.TRIAL, CustomerStatus.ACTIVE, CustomerStatus.PAST_DUE})

LEADS_TO: dict[CustomerStatus, set[CustomerStatus]] = {
    CustomerStatus.TRIAL: {
        CustomerStatus.ACTIVE,
        CustomerStatus.PAST_DUE,
        CustomerStatus.CANCELLED,
        CustomerStatus.EXPIRED,
    },
    CustomerStatus.ACTIVE: {
        CustomerStatus.PAST_DUE,
        CustomerStatus.CANCELLED,
        CustomerStatus.EXPIRED,
    },
    CustomerStatus.PAST_DUE: {
        CustomerStatus.ACTIVE,
        CustomerStatus.CANCELLED,
        CustomerStatus.EXPIRED,
    },
    CustomerStatus.CANCELLED: {CustomerStatus.TRIAL, CustomerStatus.ACTIVE},
    CustomerStatus.EXPIRED: {CustomerStatus.TRIAL, CustomerStatus.ACTIVE},
}


class Customer(Keyed, Stamped, Becoming, Base):
    """One per person and product, ever: buying again revives the row.

    ``subscription_ends_at`` is the end of the paid period, None for what never renews.
    ``billing_anchor_at`` is when the first paid period began; every period is reckoned
    from it. ``next_charge_at`` is what the person and the owner are shown.
    """

    __tablename__ = "customers"
    __table_args__ = (
        UniqueConstraint("user_id", "product_id"),
        not_negative("billing_cycles_done"),
        not_negative("dunning_step"),
        Index("ix_customers_product_id_id", "product_id", "id"),
        Index("ix_customers_current_plan_id", "current_plan_id"),
        Index("ix_customers_status_id", "status", "id"),
        Index(
            "ix_customers_next_charge",
            "next_charge_at",
            postgresql_where=text("next_charge_at IS NOT NULL"),
        ),
    )
    LEADS_TO = LEADS_TO

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    product_id: Mapped[UUID] = mapped_column(ForeignKey("products.id"))
    current_plan_id: Mapped[UUID] = mapped_column(ForeignKey("plans.id"))
    status: Mapped[CustomerStatus] = mapped_column(enum_of(CustomerStatus, "status"))
    trial_ends_at: Mapped[datetime | None]
    subscription_ends_at: Mapped[datetime | None]
    billing_anchor_at: Mapped[datetime | None]
    billing_cycles_done: Mapped[int] = mapped_column(default=0)
    cancel_at_period_end: Mapped[bool] = mapped_column(default=False)
    cancelled_at: Mapped[datetime | None]
    dunning_step: Mapped[int] = mapped_column(default=0)
    next_charge_at: Mapped[datetime | None]
    default_payment_method_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("payment_methods.id", use_alter=True, name="fk_customers_default_payment_method")
    )
    extra: Mapped[Json] = mapped_column("metadata", default=dict)

    user: Mapped[User] = relationship(lazy="raise")
    product: Mapped[Product] = relationship(lazy="raise")
    current_plan: Mapped[Plan] = relationship(lazy="raise")

    @property
    def is_running(self) -> bool:
        """Whether the purchase is in force, so that buying it again would be a mistake."""
        return self.status in RUNNING


def customer_of(session: Session, user_id: UUID, product_id: UUID) -> Customer | None:
    """A person's purchase of a product, whatever its state."""
    return session.scalar(
        select(Customer).where(Customer.user_id == user_id, Customer.product_id == product_id)
    )
