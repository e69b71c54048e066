"""Noting on an invoice why nobody earned on it."""

from sqlalchemy.orm import Session

from models.billing.invoice import Invoice


def note_no_commission(session: Session, invoice: Invoice, reason: str) -> Invoice:
    """Keep the reason's code on a paid invoice; the last one given stands."""
    invoice.no_commission_reason = reason
    session.flush()
    return invoice
