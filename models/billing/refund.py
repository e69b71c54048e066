"""Refunds: money asked back, decided by the owner, sent by the provider. Sums and delays.

Amounts are tax-inclusive cents. A request that waits counts against what can still be
asked; what is approved or given back never exceeds what was paid, which a trigger holds.
"""

import enum
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Select, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from models import clock
from models.base import (
    Base,
    Becoming,
    Cleaned,
    Json,
    Keyed,
    Stamped,
    enum_of,
    not_negative,
    trigrams,
)
from models.billing.customer import Customer
from models.billing.invoice import Invoice, InvoiceStatus
from models.settings import current_settings


class RefundStatus(enum.StrEnum):
    PENDING = "PENDING"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    PROCESSED = "PROCESSED"


GRANTED = (RefundStatus.APPROVED, RefundStatus.PROCESSED)
"""Decided in the client's favour: the money is on its way or back."""


TOLD_AFTER = timedelta(minutes=10)
"""How long after its approval the client hears of it, unless the money was given back by then:
most providers give it back at once, and that mail says both."""

BY_HAND = "by_hand"
"""Under this name a refund's ``extra`` has the reference of who gave it back outside the PSP."""

QUEUE_ORDER = "strpos('APPROVED PENDING'::text, status::text)"
"""How urgent a refund is to the owner, as its index has it: to be decided 10, being sent 1, else 0
(where the status stands in the words)."""


class Refund(Keyed, Stamped, Becoming, Base):
    """Money given back on one invoice, from the request to the provider's word.

    ``next_try_at`` is when the provider is next told or asked, None where nothing is due.
    ``sent_at`` is when it was first told: from then on it is asked before it is told again.
    ``refusals`` counts its sure refusals, each of which makes the next sending a new one.
    ``last_error`` is what it said last, in its own code.
    """

    __tablename__ = "refunds"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        not_negative("tries"),
        not_negative("refusals"),
        CheckConstraint(
            "(status in ('APPROVED', 'PROCESSED')) = (approved_at is not null)",
            name="approved_has_its_date",
        ),
        CheckConstraint(
            "(status = 'REJECTED') = (rejected_at is not null)"
            " and (status = 'REJECTED') = (rejection_reason is not null)",
            name="rejected_has_its_reason",
        ),
        CheckConstraint(
            "(status = 'PROCESSED') = (processed_at is not null)", name="processed_has_its_date"
        ),
        CheckConstraint(
            "(status = 'APPROVED') = (next_try_at is not null)", name="approved_is_tried"
        ),
        Index(
            "uq_refunds_open_per_invoice",
            "invoice_id",
            unique=True,
            postgresql_where=text("status = 'PENDING'"),
        ),
        Index("ix_refunds_due", "next_try_at", postgresql_where=text("status = 'APPROVED'")),
        Index("ix_refunds_status_id", "status", "id"),
        Index("ix_refunds_invoice_id", "invoice_id"),
        Index("ix_refunds_customer_id_id", "customer_id", "id"),
        Index("ix_refunds_queue", text(QUEUE_ORDER), "id"),
        Index("ix_refunds_amount_id", "amount", "id"),
        trigrams("refunds", "psp_refund_id"),
    )
    LEADS_TO = {
        RefundStatus.PENDING: {RefundStatus.APPROVED, RefundStatus.REJECTED},
        RefundStatus.APPROVED: {RefundStatus.PROCESSED},
        RefundStatus.REJECTED: set(),
        RefundStatus.PROCESSED: set(),
    }

    invoice_id: Mapped[UUID] = mapped_column(ForeignKey("invoices.id"))
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id"))
    amount: Mapped[int]
    currency: Mapped[str] = mapped_column(default="EUR")
    reason: Mapped[str] = mapped_column(default="")
    status: Mapped[RefundStatus] = mapped_column(
        enum_of(RefundStatus, "status"), default=RefundStatus.PENDING
    )
    requested_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    requested_at: Mapped[datetime] = mapped_column(default=clock.now)
    approved_at: Mapped[datetime | None]
    rejected_at: Mapped[datetime | None]
    rejection_reason: Mapped[str | None]
    processed_at: Mapped[datetime | None]
    psp_refund_id: Mapped[str | None] = mapped_column(unique=True)
    tries: Mapped[int] = mapped_column(default=0)
    refusals: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[datetime | None]
    next_try_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(Cleaned)
    extra: Mapped[Json] = mapped_column("metadata", default=dict)

    invoice: Mapped[Invoice] = relationship(lazy="raise")
    customer: Mapped[Customer] = relationship(lazy="raise")

    @property
    def is_granted(self) -> bool:
        """Whether it was decided in the client's favour."""
        return self.status in GRANTED

    @property
    def was_refused(self) -> bool:
        """Whether the provider surely refused it and has not been told again since."""
        return self.last_error is not None and self.sent_at is None

    @property
    def key(self) -> str:
        """What names the next sending at the provider; a repetition under it is harmless."""
        return f"ref_{self.id}" + (f"_{self.refusals + 1}" if self.refusals else "")


def refunded_amount(session: Session, invoice_id: UUID) -> int:
    """What was approved or given back of an invoice."""
    return _sum(session, invoice_id, GRANTED)


def left_to_refund(session: Session, invoice: Invoice) -> int:
    """What can still be asked back of an invoice: paid, less approved, given back and asked."""
    if invoice.status is not InvoiceStatus.PAID:
        return 0
    spoken_for = _sum(session, invoice.id, (*GRANTED, RefundStatus.PENDING))
    return invoice.amount_including_tax - spoken_for


def _sum(session: Session, invoice_id: UUID, statuses: tuple[RefundStatus, ...]) -> int:
    total = session.scalar(
        select(func.coalesce(func.sum(Refund.amount), 0)).where(
            Refund.invoice_id == invoice_id, Refund.status.in_(statuses)
        )
    )
    return int(total or 0)


def open_request(session: Session, invoice_id: UUID) -> Refund | None:
    """The request about an invoice that waits for a decision; there is one at most."""
    return session.scalar(
        select(Refund).where(Refund.invoice_id == invoice_id, Refund.status == RefundStatus.PENDING)
    )


def latest_request(session: Session, invoice_id: UUID) -> Refund | None:
    """The request about an invoice that was filed last, whatever became of it."""
    return session.scalar(
        select(Refund).where(Refund.invoice_id == invoice_id).order_by(Refund.id.desc()).limit(1)
    )


def refundable_until(invoice: Invoice) -> datetime | None:
    """The last instant at which the client may ask an invoice back; None for an unpaid one.

    So many local days after the payment's, the last one included to its end.
    """
    if invoice.paid_at is None:
        return None
    last_day = clock.paris(invoice.paid_at).date() + timedelta(
        days=current_settings().withdrawal_right_days
    )
    return datetime.combine(last_day, time.max, tzinfo=clock.PARIS)


def waiting_refunds(session: Session) -> int:
    """How many requests wait for the owner's decision."""
    waiting = select(func.count()).where(Refund.status == RefundStatus.PENDING)
    return session.scalar(waiting) or 0


def next_refund_due() -> Select[Any]:
    """Asks when the provider is next to be told of a refund or asked about one."""
    return select(func.min(Refund.next_try_at)).where(Refund.status == RefundStatus.APPROVED)
