"""Credit notes: what corrects an issued invoice, one for each refund that was given back."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models import clock
from models.base import Base, Json, Keyed, not_negative, trigrams
from models.billing.customer import Customer
from models.billing.invoice import Invoice
from models.billing.refund import Refund


class CreditNote(Keyed, Base):
    """One credit note, numbered as it is made; a trigger sees that it never changes.

    The parts of one invoice add up to it: excluding tax is reckoned on all that was
    credited so far, less what earlier notes hold. ``mentions`` are the particulars of the
    day, with the number and the day of the invoice it corrects.
    """

    __tablename__ = "credit_notes"
    __table_args__ = (
        CheckConstraint(
            "amount_excluding_tax + tax_amount = amount_including_tax", name="amounts_add_up"
        ),
        CheckConstraint("amount_including_tax > 0", name="amount_positive"),
        not_negative("amount_excluding_tax"),
        not_negative("tax_amount"),
        Index("ix_credit_notes_invoice_id", "invoice_id"),
        Index("ix_credit_notes_customer_id_id", "customer_id", "id"),
        Index(
            "ix_credit_notes_issued_at", "issued_at", postgresql_include=["amount_including_tax"]
        ),
        Index("ix_credit_notes_amount_including_tax_id", "amount_including_tax", "id"),
        trigrams("credit_notes", "number"),
    )

    number: Mapped[str] = mapped_column(unique=True)
    refund_id: Mapped[UUID] = mapped_column(ForeignKey("refunds.id"), unique=True)
    invoice_id: Mapped[UUID] = mapped_column(ForeignKey("invoices.id"))
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id"))
    amount_excluding_tax: Mapped[int]
    tax_amount: Mapped[int]
    tax_rate: Mapped[Decimal] = mapped_column(Numeric(6, 4))
    amount_including_tax: Mapped[int]
    currency: Mapped[str] = mapped_column(default="EUR")
    mentions: Mapped[Json] = mapped_column(default=dict)
    issued_at: Mapped[datetime] = mapped_column(default=clock.now)

    refund: Mapped[Refund] = relationship(lazy="raise")
    invoice: Mapped[Invoice] = relationship(lazy="raise")
    customer: Mapped[Customer] = relationship(lazy="raise")

    def __str__(self) -> str:
        return self.number
