"""Invoices and refunds, in the words and language of the answer."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask_babel import gettext as _

from models.billing import Invoice, InvoiceKind, InvoiceStatus
from models.billing.own_invoices import OwnInvoice
from models.billing.refund import BY_HAND, Refund, RefundStatus, refundable_until
from models.errors import N_
from public.amounts import amount_text, day_text

KIND_WORDS = {
    InvoiceKind.FIRST: N_("First payment"),
    InvoiceKind.RENEWAL: N_("Renewal"),
    InvoiceKind.TRIAL: N_("Trial"),
    InvoiceKind.UPGRADE: N_("Change of plan"),
}
STATUS_WORDS = {
    InvoiceStatus.PAID: N_("Paid"),
    InvoiceStatus.REFUNDED: N_("Refunded"),
    InvoiceStatus.PENDING: N_("Waiting for payment"),
}


@dataclass(frozen=True)
class ShownRefund:
    """What became of a request to be paid back; ``credit_note_path`` once there is one."""

    text: str
    credit_note_path: str


@dataclass(frozen=True)
class ShownInvoice:
    """One invoice as the pages say it. ``refund_until_text`` is empty once it is too late to
    ask it back, or where nothing is left of it."""

    id: UUID
    number: str
    product_name: str
    kind_text: str
    date_text: str
    amount_text: str
    status_text: str
    pdf_path: str
    refunds: tuple[ShownRefund, ...]
    refund_until_text: str
    left_text: str


def shown_invoice(own: OwnInvoice, *, now: datetime) -> ShownInvoice:
    """An invoice in words, with what its buyer may still do about it."""
    invoice = own.invoice
    until = refundable_until(invoice)
    may_ask = (
        until is not None
        and now <= until
        and not own.is_waiting
        and own.left_to_refund > 0
        and invoice.psp_payment_id is not None
    )
    return ShownInvoice(
        id=invoice.id,
        number=invoice.number or "",
        product_name=_product_name(invoice),
        kind_text=_(KIND_WORDS[invoice.kind]),
        date_text=day_text(invoice.paid_at or invoice.due_at),
        amount_text=amount_text(invoice.amount_including_tax, invoice.currency),
        status_text=_(STATUS_WORDS[invoice.status]),
        pdf_path=f"/settings/invoices/{invoice.id}/pdf" if invoice.number else "",
        refunds=tuple(_refund(own, refund) for refund in own.refunds),
        refund_until_text=day_text(until) if until is not None and may_ask else "",
        left_text=amount_text(own.left_to_refund, invoice.currency),
    )


def refund_words(refund: Refund) -> str:
    """Where a request stands, with its dates."""
    said = {"amount": amount_text(refund.amount, refund.currency)}
    match refund.status:
        case RefundStatus.PENDING:
            said["date"] = day_text(refund.requested_at)
            return _("Refund of %(amount)s asked on %(date)s: we are looking at it.", **said)
        case RefundStatus.APPROVED:
            return _("Refund of %(amount)s accepted: it is on its way to your card.", **said)
        case RefundStatus.REJECTED:
            return _("Refund of %(amount)s refused: %(why)s", why=refund.rejection_reason, **said)
    day = day_text(refund.processed_at or refund.requested_at)
    if reference := refund.extra.get(BY_HAND):
        return _(
            "%(amount)s paid back on %(date)s, under the reference %(reference)s.",
            date=day,
            reference=reference,
            **said,
        )
    return _("%(amount)s paid back to your card on %(date)s.", date=day, **said)


def _refund(own: OwnInvoice, refund: Refund) -> ShownRefund:
    note = own.credit_notes.get(refund.id)
    return ShownRefund(
        refund_words(refund), f"/settings/credit-notes/{note.id}/pdf" if note else ""
    )


def _product_name(invoice: Invoice) -> str:
    """The product as the invoice names it, else as it was sold."""
    return str(invoice.mentions.get("product") or invoice.customer.terms.get("product_name") or "")
