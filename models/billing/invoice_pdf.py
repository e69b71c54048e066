"""Invoices and credit notes as PDF, from what was kept on the day each was issued.

The session decides what can be read: a member's finds their own, a staff's all. The same
document in the same language is always the same file. Amounts are tax-inclusive cents.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.base import Json
from models.billing.credit_note import CreditNote
from models.billing.invoice import Invoice, InvoiceLine
from models.billing.payment_method import PaymentMethod
from models.billing.refund import BY_HAND, Refund
from models.errors import N_, DomainError
from models.pdf import Column, Party, Sheet, Wording, wording


class NotIssued(DomainError):
    """An invoice has its number, and so its document, only once it is paid."""

    code = "not_issued"
    message = N_("This invoice is not paid: there is no document of it yet.")


def invoice_pdf(session: Session, invoice_id: UUID, locale: str) -> bytes:
    """An issued invoice. Raises Missing, NotIssued and FontsMissing."""
    invoice = Invoice.get(session, invoice_id)
    if invoice.number is None or invoice.paid_at is None:
        raise NotIssued
    words = wording(locale)
    title = words.say(N_("Invoice %(number)s"), number=invoice.number)
    sheet = Sheet(
        locale=locale, title=title, issued_at=invoice.paid_at, footing=_footing(invoice.mentions)
    )
    sheet.facts(
        [
            (words.say(N_("Date of issue")), words.day(invoice.paid_at)),
            (words.say(N_("Paid on")), words.day(invoice.paid_at)),
            (words.say(N_("Paid by")), _card(session, invoice)),
            (words.say(N_("Period")), _period(words, invoice)),
        ]
    )
    _parties(sheet, words, invoice.mentions)
    lines = session.scalars(
        select(InvoiceLine)
        .where(InvoiceLine.invoice_id == invoice.id)
        .order_by(InvoiceLine.position)
    )
    _table(
        sheet,
        words,
        [(words.say(line.label), line.quantity, line.unit_amount, line.total) for line in lines],
        invoice.currency,
    )
    _totals(sheet, words, invoice, words.say(N_("Total paid")))
    return sheet.to_bytes()


def credit_note_pdf(session: Session, credit_note_id: UUID, locale: str) -> bytes:
    """A credit note, with the invoice that it corrects. Raises Missing and FontsMissing."""
    note = CreditNote.get(session, credit_note_id)
    invoice, refund = Invoice.get(session, note.invoice_id), Refund.get(session, note.refund_id)
    reference = refund.extra.get(BY_HAND)
    words, mentions = wording(locale), note.mentions
    title = words.say(N_("Credit note %(number)s"), number=note.number)
    sheet = Sheet(locale=locale, title=title, issued_at=note.issued_at, footing=_footing(mentions))
    sheet.facts(
        [
            (words.say(N_("Date of issue")), words.day(note.issued_at)),
            (words.say(N_("Corrects invoice")), str(invoice.number)),
            (words.say(N_("Invoice of")), words.day(invoice.paid_at or note.issued_at)),
            (words.say(N_("Given back under")), reference)
            if reference
            else (words.say(N_("Given back to")), _card(session, invoice)),
        ]
    )
    _parties(sheet, words, mentions)
    sold = " · ".join(filter(None, (mentions.get("product"), mentions.get("plan"))))
    label = words.say(N_("Refund on invoice %(number)s"), number=str(invoice.number))
    whole = f"{label} · {sold}" if sold else label
    _table(
        sheet,
        words,
        [(whole, 1, note.amount_including_tax, note.amount_including_tax)],
        note.currency,
    )
    _totals(sheet, words, note, words.say(N_("Total credited")))
    return sheet.to_bytes()


def _parties(sheet: Sheet, words: Wording, mentions: Json) -> None:
    seller, buyer = mentions.get("seller", {}), mentions.get("buyer", {})
    siren, vat = seller.get("siren"), seller.get("vat_number")
    sheet.parties(
        Party(
            words.say(N_("Seller")),
            [
                seller.get("name") or "",
                seller.get("address") or "",
                f"SIREN {siren}" if siren else "",
                words.say(N_("VAT number %(number)s"), number=vat) if vat else "",
                seller.get("email") or "",
            ],
        ),
        Party(
            words.say(N_("Client")),
            [buyer.get("name") or "", buyer.get("email") or ""],
        ),
    )


def _table(
    sheet: Sheet, words: Wording, rows: Sequence[tuple[str, int, int, int]], currency: str
) -> None:
    sheet.table(
        [
            Column(words.say(N_("Description")), 50),
            Column(words.say(N_("Quantity")), 12, right=True),
            Column(words.say(N_("Unit price, incl. VAT")), 20, right=True),
            Column(words.say(N_("Total, incl. VAT")), 18, right=True),
        ],
        [
            (label, str(quantity), words.amount(unit, currency), words.amount(total, currency))
            for label, quantity, unit, total in rows
        ],
    )


def _totals(sheet: Sheet, words: Wording, of: Invoice | CreditNote, total: str) -> None:
    """The sums by tax; without VAT the law's sentence instead of a rate."""
    currency = of.currency
    rows = [(total, words.amount(of.amount_including_tax, currency))]
    if of.tax_rate:
        rate = words.say(N_("VAT %(rate)s"), rate=words.percent(of.tax_rate))
        rows = [
            (words.say(N_("Excluding tax")), words.amount(of.amount_excluding_tax, currency)),
            (rate, words.amount(of.tax_amount, currency)),
            *rows,
        ]
    sheet.totals(rows)
    if not of.tax_rate:
        sheet.note(str(of.mentions.get("vat", "")))


def _card(session: Session, invoice: Invoice) -> str:
    """The card it was paid with, as far as it may be shown."""
    method = (
        session.get(PaymentMethod, invoice.payment_method_id) if invoice.payment_method_id else None
    )
    return f"{method.brand.capitalize()} •••• {method.last4}" if method else ""


def _period(words: Wording, invoice: Invoice) -> str:
    if invoice.period_end is None:
        return ""
    return f"{words.day(invoice.period_start)} – {words.day(invoice.period_end)}"


def _footing(mentions: Json) -> str:
    seller = mentions.get("seller", {})
    siren = seller.get("siren")
    parts = (
        seller.get("name"),
        seller.get("address"),
        f"SIREN {siren}" if siren else "",
        seller.get("vat_number"),
        seller.get("email"),
    )
    return " · ".join(part for part in parts if part)
