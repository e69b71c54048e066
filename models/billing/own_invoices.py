"""A person's invoices, read as that person: latest first, with what became of refunds."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from models.billing.credit_note import CreditNote
from models.billing.customer import Customer
from models.billing.invoice import EVER_PAID, Invoice, InvoiceStatus
from models.billing.refund import Refund, RefundStatus

SHOWN = (*EVER_PAID, InvoiceStatus.PENDING)


@dataclass(frozen=True)
class OwnInvoice:
    """One invoice with its refunds, oldest first, and the credit note of each by its id."""

    invoice: Invoice
    refunds: Sequence[Refund]
    credit_notes: dict[UUID, CreditNote]

    @property
    def left_to_refund(self) -> int:
        """What can still be asked back, in cents."""
        if self.invoice.status is not InvoiceStatus.PAID:
            return 0
        asked = [it.amount for it in self.refunds if it.status is not RefundStatus.REJECTED]
        return self.invoice.amount_including_tax - sum(asked)

    @property
    def is_waiting(self) -> bool:
        """Whether a request waits for the owner's decision."""
        return any(it.status is RefundStatus.PENDING for it in self.refunds)


def own_invoices(
    session: Session,
    user_id: UUID,
    *,
    limit: int,
    before: UUID | None = None,
    only: UUID | None = None,
) -> list[OwnInvoice]:
    """A person's invoices, those given up left out; ``before`` goes on after an older page.

    In a member's session row security leaves out what a person may not see, whatever is
    asked. ``only`` keeps one invoice.
    """
    asked = (
        select(Invoice)
        .join(Customer, Customer.id == Invoice.customer_id)
        .where(Customer.user_id == user_id, Invoice.status.in_(SHOWN))
        .options(joinedload(Invoice.customer))
        .order_by(Invoice.id.desc())
        .limit(limit)
    )
    if before is not None:
        asked = asked.where(Invoice.id < before)
    if only is not None:
        asked = asked.where(Invoice.id == only)
    invoices = session.scalars(asked).all()
    refunds = _refunds(session, [invoice.id for invoice in invoices])
    notes = _credit_notes(session, [invoice.id for invoice in invoices])
    return [OwnInvoice(it, refunds[it.id], notes[it.id]) for it in invoices]


def _refunds(session: Session, invoice_ids: Sequence[UUID]) -> dict[UUID, list[Refund]]:
    found: dict[UUID, list[Refund]] = defaultdict(list)
    asked = select(Refund).where(Refund.invoice_id.in_(invoice_ids)).order_by(Refund.id)
    for refund in session.scalars(asked) if invoice_ids else ():
        found[refund.invoice_id].append(refund)
    return found


def _credit_notes(
    session: Session, invoice_ids: Sequence[UUID]
) -> dict[UUID, dict[UUID, CreditNote]]:
    found: dict[UUID, dict[UUID, CreditNote]] = defaultdict(dict)
    asked = select(CreditNote).where(CreditNote.invoice_id.in_(invoice_ids))
    for note in session.scalars(asked) if invoice_ids else ():
        found[note.invoice_id][note.refund_id] = note
    return found
