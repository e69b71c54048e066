"""Commissions: what one paid invoice earns one affiliate, in two parts that unlock apart."""

import enum
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.affiliation.profile import AffiliateProfile
from models.affiliation.program import RateType
from models.base import Base, Becoming, Json, Keyed, Stamped, enum_of, not_negative
from models.billing import Customer, Invoice


class CommissionStatus(enum.StrEnum):
    PENDING_LOCK = "PENDING_LOCK"
    LOCKED = "LOCKED"
    PARTIALLY_MATURED = "PARTIALLY_MATURED"
    MATURED = "MATURED"
    PAID = "PAID"
    CLAWED_BACK = "CLAWED_BACK"


class Commission(Keyed, Stamped, Becoming, Base):
    """One per invoice. ``explanation`` holds every input the computation used.

    PENDING_LOCK while the client may still withdraw, LOCKED after, PARTIALLY_MATURED once
    the main part is released, MATURED once the extended part is, PAID once all that was
    not clawed back is paid out, CLAWED_BACK once all of it is. Where the lock table's days
    are shorter than the right to withdraw, LOCKED is passed over.

    ``clawed_from_extended`` and ``clawed_from_main`` went before their part was released, so
    what a part released is its amount less that; ``clawed_from_available`` went after.
    ``boost_amount`` is how many of the total's cents a boost added.
    """

    __tablename__ = "affiliate_commissions"
    __table_args__ = (
        CheckConstraint("main_amount + extended_amount = total_amount", name="parts_add_up"),
        CheckConstraint("clawed_back_amount between 0 and total_amount", name="clawed_within"),
        CheckConstraint("paid_amount between 0 and total_amount", name="paid_within"),
        CheckConstraint("total_amount between 1 and base_amount", name="total_within_base"),
        CheckConstraint(
            "clawed_from_extended + clawed_from_main + clawed_from_available = clawed_back_amount",
            name="clawed_adds_up",
        ),
        CheckConstraint(
            "clawed_from_extended between 0 and extended_amount", name="clawed_within_extended"
        ),
        CheckConstraint("clawed_from_main between 0 and main_amount", name="clawed_within_main"),
        not_negative("clawed_from_available"),
        CheckConstraint(
            "boost_amount = 0 or boost_redemption_id is not null", name="boosted_by_a_redemption"
        ),
        not_negative("boost_amount"),
        not_negative("main_amount"),
        not_negative("extended_amount"),
        Index(
            "ix_affiliate_commissions_affiliate_id_id",
            "affiliate_id",
            "id",
            postgresql_include=["total_amount"],
        ),
        Index("ix_affiliate_commissions_earned_at", "earned_at"),
        Index("ix_affiliate_commissions_status_id", "status", "id"),
        Index("ix_affiliate_commissions_customer_id", "customer_id"),
        Index(
            "ix_affiliate_commissions_main_due",
            "locked_until",
            "id",
            postgresql_where=text("main_matured_at IS NULL AND status <> 'CLAWED_BACK'"),
        ),
        Index(
            "ix_affiliate_commissions_extended_due",
            "extended_locked_until",
            "id",
            postgresql_where=text("extended_matured_at IS NULL AND status <> 'CLAWED_BACK'"),
        ),
        Index(
            "ix_affiliate_commissions_pending",
            "earned_at",
            "id",
            postgresql_where=text("status = 'PENDING_LOCK'"),
        ),
        Index(
            "ix_affiliate_commissions_boost_redemption_id",
            "boost_redemption_id",
            postgresql_where=text("boost_redemption_id IS NOT NULL"),
        ),
    )
    LEADS_TO = {
        CommissionStatus.PENDING_LOCK: {
            CommissionStatus.LOCKED,
            CommissionStatus.PARTIALLY_MATURED,
            CommissionStatus.MATURED,
            CommissionStatus.CLAWED_BACK,
        },
        CommissionStatus.LOCKED: {
            CommissionStatus.PARTIALLY_MATURED,
            CommissionStatus.MATURED,
            CommissionStatus.CLAWED_BACK,
        },
        CommissionStatus.PARTIALLY_MATURED: {
            CommissionStatus.MATURED,
            CommissionStatus.PAID,
            CommissionStatus.CLAWED_BACK,
        },
        CommissionStatus.MATURED: {CommissionStatus.PAID, CommissionStatus.CLAWED_BACK},
        CommissionStatus.PAID: {CommissionStatus.CLAWED_BACK},
        CommissionStatus.CLAWED_BACK: set(),
    }

    program_id: Mapped[UUID] = mapped_column(ForeignKey("affiliate_programs.id"))
    affiliate_id: Mapped[UUID] = mapped_column(ForeignKey("affiliate_profiles.user_id"))
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id"))
    invoice_id: Mapped[UUID] = mapped_column(ForeignKey("invoices.id"), unique=True)
    attribution_id: Mapped[UUID] = mapped_column(ForeignKey("affiliate_attributions.id"))
    lock_rule_version_id: Mapped[UUID] = mapped_column(ForeignKey("lock_rule_versions.id"))
    status: Mapped[CommissionStatus] = mapped_column(
        enum_of(CommissionStatus, "status"), default=CommissionStatus.PENDING_LOCK
    )
    base_amount: Mapped[int]
    currency: Mapped[str] = mapped_column(default="EUR")
    rate_type: Mapped[RateType] = mapped_column(enum_of(RateType, "rate_type"))
    rate_applied: Mapped[Decimal] = mapped_column(Numeric(12, 4))
    boost_redemption_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("affiliate_boost_redemptions.id")
    )
    boost_amount: Mapped[int] = mapped_column(default=0)
    total_amount: Mapped[int]
    main_amount: Mapped[int]
    extended_amount: Mapped[int]
    main_lock_days: Mapped[int]
    extended_lock_days: Mapped[int]
    earned_at: Mapped[datetime]
    locked_until: Mapped[datetime]
    extended_locked_until: Mapped[datetime]
    main_matured_at: Mapped[datetime | None]
    extended_matured_at: Mapped[datetime | None]
    clawed_back_amount: Mapped[int] = mapped_column(default=0)
    clawed_from_extended: Mapped[int] = mapped_column(default=0)
    clawed_from_main: Mapped[int] = mapped_column(default=0)
    clawed_from_available: Mapped[int] = mapped_column(default=0)
    paid_amount: Mapped[int] = mapped_column(default=0)
    explanation: Mapped[Json] = mapped_column(default=dict)

    affiliate: Mapped[AffiliateProfile] = relationship(lazy="raise")
    customer: Mapped[Customer] = relationship(lazy="raise")
    invoice: Mapped[Invoice] = relationship(lazy="raise")

    @property
    def main_left(self) -> int:
        """Cents of the main part that are still to be released, or were."""
        return self.main_amount - self.clawed_from_main

    @property
    def extended_left(self) -> int:
        """Cents of the extended part that are still to be released, or were."""
        return self.extended_amount - self.clawed_from_extended

    def follow_money(self) -> None:
        """Take the status that what was clawed back and paid out now asks for.

        CLAWED_BACK once all of it is, else PAID once what was not clawed back is paid out;
        otherwise it stays.
        """
        if self.clawed_back_amount == self.total_amount:
            wanted = CommissionStatus.CLAWED_BACK
        elif self.paid_amount and self.paid_amount >= self.total_amount - self.clawed_back_amount:
            wanted = CommissionStatus.PAID
        else:
            return
        if self.status is not wanted:
            self.become(wanted)
