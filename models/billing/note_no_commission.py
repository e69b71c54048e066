"""Noting on an invoice why nobody earned on it."""

from models.billing.invoice import Invoice


def note_no_commission(invoice: Invoice, reason: str) -> Invoice:
    """Keep the reason's code on a paid invoice; the last one given stands."""
    invoice.no_commission_reason = reason
    return invoice
