"""Customers: one person's purchase of one product, and where that purchase stands."""

import enum
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, bindparam, select, text
from sqlalchemy.dialects.postgresql import JSONB
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
    ``terms`` is the quote as it was sold, which renewals charge whatever the catalogue says by
    then; ``next_plan_id`` and ``next_terms`` wait for the period's end.
    ``billing_anchor_at`` is when the first paid period began; every period is reckoned
    from it, ``periods_since_anchor`` of them are paid. ``billing_cycles_done`` counts all that
    were paid, whatever moved the anchor. ``next_charge_at`` is what the person and the owner
    are shown, None where nothing is to come. ``first_failed_at`` begins the dunning and
    ``dunning_step`` counts its retries. ``is_complimentary``: given free, without invoices.
    """

    __tablename__ = "customers"
    __table_args__ = (
        UniqueConstraint("user_id", "product_id"),
        not_negative("billing_cycles_done"),
        not_negative("dunning_step"),
        not_negative("periods_since_anchor"),
        CheckConstraint(
            "num_nonnulls(next_plan_id, next_terms) in (0, 2)", name="next_plan_has_terms"
        ),
        CheckConstraint(
            "next_charge_at is null or status in ('TRIAL', 'ACTIVE', 'PAST_DUE')",
            name="ended_charges_nothing",
        ),
        Index("ix_customers_product_id_id", "product_id", "id"),
        Index("ix_customers_current_plan_id", "current_plan_id"),
        Index("ix_customers_status_id", "status", "id"),
        Index("ix_customers_given", "id", postgresql_where=text("is_complimentary")),
        Index(
            "ix_customers_next_charge",
            "next_charge_at",
            postgresql_where=text("next_charge_at IS NOT NULL"),
        ),
        Index(
            "ix_customers_period_ends",
            "subscription_ends_at",
            postgresql_where=text(
                "next_charge_at IS NULL AND subscription_ends_at IS NOT NULL"
                " AND status IN ('ACTIVE', 'PAST_DUE')"
            ),
        ),
        Index(
            "ix_customers_trial_ends",
            "trial_ends_at",
            postgresql_where=text("next_charge_at IS NULL AND status = 'TRIAL'"),
        ),
        Index(
            "ix_customers_grace_ends",
            "first_failed_at",
            postgresql_where=text("access_paused_at IS NULL AND status = 'PAST_DUE'"),
        ),
    )
    LEADS_TO = LEADS_TO

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    product_id: Mapped[UUID] = mapped_column(ForeignKey("products.id"))
    current_plan_id: Mapped[UUID] = mapped_column(ForeignKey("plans.id"))
    terms: Mapped[Json] = mapped_column(default=dict)
    status: Mapped[CustomerStatus] = mapped_column(enum_of(CustomerStatus, "status"))
    trial_ends_at: Mapped[datetime | None]
    subscription_ends_at: Mapped[datetime | None]
    billing_anchor_at: Mapped[datetime | None]
    periods_since_anchor: Mapped[int] = mapped_column(default=0)
    billing_cycles_done: Mapped[int] = mapped_column(default=0)
    cancel_at_period_end: Mapped[bool] = mapped_column(default=False)
    cancelled_at: Mapped[datetime | None]
    next_plan_id: Mapped[UUID | None] = mapped_column(ForeignKey("plans.id"))
    next_terms: Mapped[Json | None] = mapped_column(JSONB(none_as_null=True))
    is_complimentary: Mapped[bool] = mapped_column(default=False)
    dunning_step: Mapped[int] = mapped_column(default=0)
    first_failed_at: Mapped[datetime | None]
    access_paused_at: Mapped[datetime | None]
    next_charge_at: Mapped[datetime | None]
    default_payment_method_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("payment_methods.id", use_alter=True, name="fk_customers_default_payment_method")
    )
    extra: Mapped[Json] = mapped_column("metadata", default=dict)

    user: Mapped[User] = relationship(lazy="raise")
    product: Mapped[Product] = relationship(lazy="raise")
    current_plan: Mapped[Plan] = relationship(lazy="raise", foreign_keys=[current_plan_id])
    next_plan: Mapped[Plan | None] = relationship(lazy="raise", foreign_keys=[next_plan_id])

    @property
    def is_running(self) -> bool:
        """Whether the purchase is in force, so that buying it again would be a mistake."""
        return self.status in RUNNING


def customer_of(session: Session, user_id: UUID, product_id: UUID) -> Customer | None:
    """A person's purchase of a product, whatever its state."""
    return session.scalar(_OF_PERSON, {"user_id": user_id, "product_id": product_id})


_OF_PERSON = select(Customer).where(
    Customer.user_id == bindparam("user_id"), Customer.product_id == bindparam("product_id")
)
