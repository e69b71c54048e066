"""Issuing a credit note: numbered, with its tax and the mentions of the day."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.billing.credit_note import CreditNote
from models.billing.invoice import Invoice
from models.billing.issue_invoice import seller_now
from models.billing.number_invoice import CREDIT_NOTES, next_number
from models.billing.refund import Refund
from models.money import without_tax


def issue_credit_note(
    session: Session, refund: Refund, invoice: Invoice, *, now: datetime
) -> CreditNote:
    """The credit note of a refund that was given back; the unique refund refuses a second.

    The caller holds the invoice's lock and does this last: the number is taken under the
    counter's lock. Excluding tax = half-up(credited in all ÷ (1 + rate)) less what earlier
    notes of the invoice hold, so that the parts add up to it to the cent.
    """
    credited, credited_excluding = session.execute(
        select(
            func.coalesce(func.sum(CreditNote.amount_including_tax), 0),
            func.coalesce(func.sum(CreditNote.amount_excluding_tax), 0),
        ).where(CreditNote.invoice_id == invoice.id)
    ).one()
    in_all, _ = without_tax(int(credited) + refund.amount, invoice.tax_rate)
    excluding = in_all - int(credited_excluding)
    mentions = invoice.mentions
    note = CreditNote(
        number=next_number(session, CREDIT_NOTES, at=now),
        refund_id=refund.id,
        invoice_id=invoice.id,
        customer_id=invoice.customer_id,
        amount_excluding_tax=excluding,
        tax_amount=refund.amount - excluding,
        tax_rate=invoice.tax_rate,
        amount_including_tax=refund.amount,
        currency=invoice.currency,
        mentions={
            **mentions,
            "seller": seller_now(charges_vat=bool(invoice.tax_rate)),
            "invoice": invoice.number,
            "invoice_paid_at": invoice.paid_at.isoformat() if invoice.paid_at else None,
        },
        issued_at=now,
    )
    session.add(note)
    session.flush()
    return note
