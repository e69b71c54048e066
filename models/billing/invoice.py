"""Invoices: what a customer was asked for and paid, with lines, tax and a gapless number."""

import enum
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    Numeric,
    UniqueConstraint,
    or_,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Becoming, Json, Keyed, Stamped, enum_of, not_negative
from models.billing.customer import Customer
from models.catalog import Plan


class InvoiceKind(enum.StrEnum):
    FIRST = "FIRST"
    RENEWAL = "RENEWAL"
    TRIAL = "TRIAL"
    UPGRADE = "UPGRADE"


class InvoiceStatus(enum.StrEnum):
    DRAFT = "DRAFT"
    PENDING = "PENDING"
    PAID = "PAID"
    VOID = "VOID"
    REFUNDED = "REFUNDED"


EVER_PAID = (InvoiceStatus.PAID, InvoiceStatus.REFUNDED)
"""Paid at some time, be it given back since: these are the numbered ones."""


class Invoice(Keyed, Stamped, Becoming, Base):
    """One invoice; numbered only once PAID. ``mentions`` keeps the seller's and buyer's
    particulars as they stood then, because an issued invoice never changes: triggers see to it.
    ``no_commission_reason`` says why nobody earned on it, where nobody did. ``switch`` is the
    change of plan that an UPGRADE brings about once it is paid.
    """

    __tablename__ = "invoices"
    __table_args__ = (
        CheckConstraint(
            "amount_excluding_tax + tax_amount = amount_including_tax", name="amounts_add_up"
        ),
        not_negative("amount_excluding_tax"),
        not_negative("tax_amount"),
        CheckConstraint(
            "(status in ('PAID', 'REFUNDED')) = (number is not null)", name="numbered_once_paid"
        ),
        Index(
            "uq_invoices_period",
            "customer_id",
            "period_start",
            "kind",
            unique=True,
            postgresql_where=text("kind <> 'UPGRADE' AND status NOT IN ('VOID', 'REFUNDED')"),
        ),
        Index("ix_invoices_status_id", "status", "id"),
        Index(
            "ix_invoices_paid_at",
            "paid_at",
            postgresql_include=["status", "kind", "amount_including_tax", "plan_id"],
        ),
        Index("ix_invoices_customer_id_id", "customer_id", "id"),
        Index(
            "ix_invoices_waiting",
            "customer_id",
            postgresql_where=text("status IN ('DRAFT', 'PENDING')"),
        ),
        Index("ix_invoices_amount_including_tax_id", "amount_including_tax", "id"),
        Index(
            "ix_invoices_number_trgm",
            "number",
            postgresql_using="gin",
            postgresql_ops={"number": "gin_trgm_ops"},
        ),
    )
    LEADS_TO = {
        InvoiceStatus.DRAFT: {InvoiceStatus.PENDING, InvoiceStatus.PAID, InvoiceStatus.VOID},
        InvoiceStatus.PENDING: {InvoiceStatus.PAID, InvoiceStatus.VOID},
        InvoiceStatus.PAID: {InvoiceStatus.REFUNDED},
        InvoiceStatus.VOID: set(),
        InvoiceStatus.REFUNDED: set(),
    }

    number: Mapped[str | None] = mapped_column(unique=True)
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id"))
    plan_id: Mapped[UUID] = mapped_column(ForeignKey("plans.id"))
    kind: Mapped[InvoiceKind] = mapped_column(enum_of(InvoiceKind, "kind"))
    status: Mapped[InvoiceStatus] = mapped_column(enum_of(InvoiceStatus, "status"))
    period_start: Mapped[datetime]
    period_end: Mapped[datetime | None]
    amount_excluding_tax: Mapped[int]
    tax_amount: Mapped[int]
    tax_rate: Mapped[Decimal] = mapped_column(Numeric(6, 4))
    amount_including_tax: Mapped[int]
    currency: Mapped[str] = mapped_column(default="EUR")
    due_at: Mapped[datetime]
    paid_at: Mapped[datetime | None]
    voided_at: Mapped[datetime | None]
    payment_method_id: Mapped[UUID | None] = mapped_column(ForeignKey("payment_methods.id"))
    psp_payment_id: Mapped[str | None] = mapped_column(index=True)
    psp_status: Mapped[str | None]
    mentions: Mapped[Json] = mapped_column(default=dict)
    no_commission_reason: Mapped[str | None]
    switch: Mapped[Json | None] = mapped_column(JSONB(none_as_null=True))

    customer: Mapped[Customer] = relationship(lazy="raise")
    plan: Mapped[Plan] = relationship(lazy="raise")
    lines: Mapped[list["InvoiceLine"]] = relationship(
        lazy="raise", order_by="InvoiceLine.position", cascade="save-update, merge"
    )

    def __str__(self) -> str:
        return self.number or str(self.id)


def opens_a_period() -> ColumnElement[bool]:
    """Whether an invoice pays for a period, or a trial, of its own. An upgrade within a period
    only adds to it; one to another interval begins a period that day."""
    return or_(Invoice.kind != InvoiceKind.UPGRADE, Invoice.switch["moves_anchor"].as_boolean())


class InvoiceLine(Keyed, Base):
    """One line of an invoice: tax-inclusive cents, ``total`` = quantity × unit amount."""

    __tablename__ = "invoice_lines"
    __table_args__ = (
        UniqueConstraint("invoice_id", "position"),
        CheckConstraint("total = quantity * unit_amount", name="total_multiplies"),
    )

    invoice_id: Mapped[UUID] = mapped_column(ForeignKey("invoices.id"))
    position: Mapped[int] = mapped_column(default=0)
    label: Mapped[str]
    quantity: Mapped[int] = mapped_column(default=1)
    unit_amount: Mapped[int]
    total: Mapped[int]


class InvoiceCounter(Base):
    """The last number given in one series and year; its row lock is what keeps numbers gapless."""

    __tablename__ = "invoice_counters"

    series: Mapped[str] = mapped_column(primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    last_number: Mapped[int] = mapped_column(default=0)
