"""Withdrawals: what an affiliate asked for, where it stands, and how it was paid."""

import enum
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.affiliation.payout_method import PayoutMethod
from models.affiliation.payouts.batch import SepaBatch
from models.affiliation.profile import AffiliateProfile
from models.base import Base, Becoming, Encrypted, Keyed, Stamped, enum_of, not_negative, trigrams


class WithdrawalStatus(enum.StrEnum):
    PENDING_REVIEW = "PENDING_REVIEW"
    APPROVED = "APPROVED"
    PAID = "PAID"
    REJECTED = "REJECTED"
    CANCELLED = "CANCELLED"


WAITING = (WithdrawalStatus.PENDING_REVIEW, WithdrawalStatus.APPROVED)
"""Those whose money is reserved."""


class Withdrawal(Keyed, Stamped, Becoming, Base):
    """A request for money: cents asked, the fee on them, and what is paid of them.

    The destination (``holder``, ``iban``, ``paypal``) is the affiliate's of the day they
    asked: what the owner approves is what is paid. ``request_key`` is the asker's own, of any
    form, by which one sent twice is known. ``batch_id`` names the payment file it
    is a line of; while that file is open, the line can only be settled with it.
    """

    __tablename__ = "withdrawal_requests"
    __table_args__ = (
        CheckConstraint("requested_amount > 0", name="requested_positive"),
        CheckConstraint("net_amount > 0", name="net_positive"),
        not_negative("fee_amount"),
        CheckConstraint("fee_amount + net_amount = requested_amount", name="amounts_add_up"),
        CheckConstraint("fee_amount = 0 or not fee_waived", name="waived_costs_nothing"),
        CheckConstraint("(status = 'PAID') = (paid_at is not null)", name="paid_dated"),
        CheckConstraint(
            "status <> 'PAID' or (payment_method is not null and payout_reference <> '')",
            name="paid_explained",
        ),
        CheckConstraint(
            "status not in ('APPROVED', 'PAID') or approved_at is not null", name="approved_dated"
        ),
        CheckConstraint("(status = 'REJECTED') = (rejected_at is not null)", name="rejected_dated"),
        CheckConstraint("status <> 'REJECTED' or rejection_reason <> ''", name="rejected_why"),
        CheckConstraint(
            "(status = 'CANCELLED') = (cancelled_at is not null)", name="cancelled_dated"
        ),
        Index("ix_withdrawal_requests_affiliate_id_id", "affiliate_id", "id"),
        Index("ix_withdrawal_requests_status_id", "status", "id"),
        Index("ix_withdrawal_requests_batch_id", "batch_id"),
        trigrams("withdrawal_requests", "payout_reference"),
    )
    LEADS_TO = {
        WithdrawalStatus.PENDING_REVIEW: {
            WithdrawalStatus.APPROVED,
            WithdrawalStatus.REJECTED,
            WithdrawalStatus.CANCELLED,
        },
        WithdrawalStatus.APPROVED: {WithdrawalStatus.PAID, WithdrawalStatus.REJECTED},
        WithdrawalStatus.PAID: set(),
        WithdrawalStatus.REJECTED: set(),
        WithdrawalStatus.CANCELLED: set(),
    }

    affiliate_id: Mapped[UUID] = mapped_column(ForeignKey("affiliate_profiles.user_id"))
    request_key: Mapped[UUID | None] = mapped_column(unique=True)
    requested_amount: Mapped[int]
    fee_amount: Mapped[int]
    net_amount: Mapped[int]
    currency: Mapped[str] = mapped_column(default="EUR")
    fee_waived: Mapped[bool] = mapped_column(default=False)
    status: Mapped[WithdrawalStatus] = mapped_column(
        enum_of(WithdrawalStatus, "status"), default=WithdrawalStatus.PENDING_REVIEW
    )
    requested_at: Mapped[datetime]
    approved_at: Mapped[datetime | None]
    paid_at: Mapped[datetime | None]
    rejected_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    payment_method: Mapped[PayoutMethod | None] = mapped_column(
        enum_of(PayoutMethod, "payment_method")
    )
    holder: Mapped[str] = mapped_column(default="")
    iban: Mapped[str | None] = mapped_column(Encrypted)
    iban_last4: Mapped[str | None]
    paypal: Mapped[str | None]
    payout_reference: Mapped[str] = mapped_column(default="")
    payout_proof: Mapped[str | None]
    notes: Mapped[str] = mapped_column(default="")
    rejection_reason: Mapped[str] = mapped_column(default="")
    batch_id: Mapped[UUID | None] = mapped_column(ForeignKey("sepa_batches.id"))

    affiliate: Mapped[AffiliateProfile] = relationship(lazy="raise")
    batch: Mapped[SepaBatch | None] = relationship(lazy="raise")

    def __str__(self) -> str:
        euros = f"{self.requested_amount // 100}.{self.requested_amount % 100:02d} €"
        return f"{self.holder} · {euros}" if self.holder else euros
