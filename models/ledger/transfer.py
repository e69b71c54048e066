"""The ledger's tables: transfers, their entries, and the accounts they move. Append-only.

Nobody inserts here but the database function that ``models.ledger.post`` calls; triggers
refuse updates, deletes and truncation to every role.
"""

import enum
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Keyed, enum_of


class TransferType(enum.StrEnum):
    COMMISSION_EARNED = "COMMISSION_EARNED"
    COMMISSION_MATURED = "COMMISSION_MATURED"
    COMMISSION_CLAWED_BACK = "COMMISSION_CLAWED_BACK"
    WITHDRAWAL_REQUESTED = "WITHDRAWAL_REQUESTED"
    WITHDRAWAL_APPROVED = "WITHDRAWAL_APPROVED"
    WITHDRAWAL_PAID = "WITHDRAWAL_PAID"
    FEE_DEDUCTED = "FEE_DEDUCTED"
    WITHDRAWAL_REJECTED = "WITHDRAWAL_REJECTED"
    ADJUSTMENT_CREDIT = "ADJUSTMENT_CREDIT"
    ADJUSTMENT_DEBIT = "ADJUSTMENT_DEBIT"


class Account(enum.StrEnum):
    LOCKED = "LOCKED"
    AVAILABLE = "AVAILABLE"
    RESERVED = "RESERVED"
    COMMISSIONS = "COMMISSIONS"
    FEES = "FEES"
    PAID_OUT = "PAID_OUT"
    ADJUSTMENTS = "ADJUSTMENTS"


KEPT = "('LOCKED', 'AVAILABLE', 'RESERVED')"
OF_AFFILIATE = (Account.LOCKED, Account.AVAILABLE, Account.RESERVED)
"""Accounts with a running balance per affiliate; the others are the house's, without one."""


OF_WITHDRAWALS = (
    "('WITHDRAWAL_REQUESTED', 'WITHDRAWAL_APPROVED', 'WITHDRAWAL_PAID', 'FEE_DEDUCTED', "
    "'WITHDRAWAL_REJECTED')"
)
"""Types of transfers that are about a withdrawal, and name it."""


class LedgerTransfer(Keyed, Base):
    """One movement of money about one affiliate; its entries sum to zero per currency."""

    __tablename__ = "ledger_transfers"
    __table_args__ = (
        Index("ix_ledger_transfers_affiliate_id_seq", "affiliate_id", "seq"),
        Index("ix_ledger_transfers_commission_id", "commission_id"),
        Index("ix_ledger_transfers_type_seq", "type", "seq"),
        Index("ix_ledger_transfers_created_at", "created_at", postgresql_using="brin"),
        CheckConstraint(
            r"type not like 'COMMISSION\_%' or commission_id is not null",
            name="names_its_commission",
        ),
        Index(
            "ix_ledger_transfers_withdrawal_id",
            "withdrawal_id",
            postgresql_where=text("withdrawal_id IS NOT NULL"),
        ),
        CheckConstraint(
            f"(type in {OF_WITHDRAWALS}) = (withdrawal_id is not null)", name="names_withdrawal"
        ),
    )

    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True), unique=True)
    type: Mapped[TransferType] = mapped_column(enum_of(TransferType, "type"))
    affiliate_id: Mapped[UUID] = mapped_column(ForeignKey("affiliate_profiles.user_id"))
    commission_id: Mapped[UUID | None] = mapped_column(ForeignKey("affiliate_commissions.id"))
    withdrawal_id: Mapped[UUID | None] = mapped_column(ForeignKey("withdrawal_requests.id"))
    refund_id: Mapped[UUID | None]
    description: Mapped[str]
    created_by: Mapped[UUID | None]
    idempotency_key: Mapped[str] = mapped_column(unique=True)
    extra: Mapped[dict[str, Any]] = mapped_column("metadata", JSONB, default=dict)
    created_at: Mapped[datetime]

    entries: Mapped[list["LedgerEntry"]] = relationship(
        lazy="raise", order_by="LedgerEntry.seq", viewonly=True
    )


class LedgerEntry(Base):
    """One account's part of a transfer: positive credits, negative debits, in cents.

    An affiliate's entries form a hash chain in the order of ``seq``; house entries have no
    running balance but stand in the same chain.
    """

    __tablename__ = "ledger_entries"
    __table_args__ = (
        UniqueConstraint("transfer_id", "account"),
        Index("ix_ledger_entries_affiliate_id_seq", "affiliate_id", "seq"),
        Index("ix_ledger_entries_account_seq", "account", "seq"),
        CheckConstraint("account = 'AVAILABLE' or balance_after >= 0", name="not_below_zero"),
        CheckConstraint(
            f"(account in {KEPT}) = (balance_after is not null)", name="balance_where_kept"
        ),
    )

    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    transfer_id: Mapped[UUID] = mapped_column(ForeignKey("ledger_transfers.id"))
    account: Mapped[Account] = mapped_column(enum_of(Account, "account"))
    affiliate_id: Mapped[UUID] = mapped_column(ForeignKey("affiliate_profiles.user_id"))
    amount: Mapped[int]
    currency: Mapped[str]
    balance_after: Mapped[int | None]
    prev_hash: Mapped[str]
    hash: Mapped[str]


class LedgerAccount(Base):
    """One affiliate's running balance in one account, in cents; locked during a posting."""

    __tablename__ = "ledger_accounts"
    __table_args__ = (
        CheckConstraint("account = 'AVAILABLE' or balance >= 0", name="not_below_zero"),
        CheckConstraint(f"account in {KEPT}", name="of_affiliates"),
    )

    affiliate_id: Mapped[UUID] = mapped_column(
        ForeignKey("affiliate_profiles.user_id"), primary_key=True
    )
    account: Mapped[Account] = mapped_column(enum_of(Account, "account"), primary_key=True)
    balance: Mapped[int] = mapped_column(default=0)
    currency: Mapped[str] = mapped_column(default="EUR")


class LedgerHead(Base):
    """The last hash of one affiliate's chain; its row is the lock that orders their postings."""

    __tablename__ = "ledger_heads"

    affiliate_id: Mapped[UUID] = mapped_column(
        ForeignKey("affiliate_profiles.user_id"), primary_key=True
    )
    hash: Mapped[str]
    entries: Mapped[int] = mapped_column(default=0)
