"""Issuing an invoice: paid, numbered, with its lines, its tax and the mentions of the day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from models.accounts import User
from models.base import Json
from models.billing.customer import Customer
from models.billing.invoice import Invoice, InvoiceKind, InvoiceLine, InvoiceStatus
from models.billing.number_invoice import INVOICES, next_number
from models.billing.quote import Quote, QuoteLine
from models.money import rate_text, without_tax
from models.settings import current_settings

WITHOUT_VAT = "TVA non applicable, art. 293 B du CGI"
"""What French law has an invoice say where no VAT is charged; not translated, it is the law's."""


def issue_paid_invoice(
    session: Session,
    customer: Customer,
    *,
    kind: InvoiceKind,
    lines: Sequence[QuoteLine],
    period_start: datetime,
    period_end: datetime | None,
    mentions: Json,
    paid_at: datetime,
) -> Invoice:
    """An invoice that was paid as it was made; prices are tax-inclusive cents.

    Excluding tax = half-up(total ÷ (1 + rate)), tax = total − excluding. The unique key of
    customer, period and kind refuses a second one.
    """
    total = sum(line.total for line in lines)
    rate = current_settings().vat_rate
    excluding, tax = without_tax(total, rate)
    invoice = Invoice(
        number=next_number(session, INVOICES, at=paid_at),
        customer_id=customer.id,
        plan_id=customer.current_plan_id,
        kind=kind,
        status=InvoiceStatus.PAID,
        period_start=period_start,
        period_end=period_end,
        amount_excluding_tax=excluding,
        tax_amount=tax,
        tax_rate=rate,
        amount_including_tax=total,
        due_at=paid_at,
        paid_at=paid_at,
        mentions=mentions,
    )
    invoice.lines = [
        InvoiceLine(
            position=position,
            label=line.label,
            quantity=line.quantity,
            unit_amount=line.unit_amount,
            total=line.total,
        )
        for position, line in enumerate(lines)
    ]
    session.add(invoice)
    return invoice


@dataclass(frozen=True)
class Buyer:
    """Whom an invoice names."""

    display_name: str
    email: str


def mentions_for(user: User | Buyer, quote: Quote, *, tax_rate: Decimal) -> Json:
    """The seller's, buyer's and product's particulars as they stand now, and what the law has an
    invoice of this rate say of VAT: the rate is the invoice's own, fixed when it was asked for."""
    charged = bool(tax_rate)
    return {
        "seller": seller_now(charges_vat=charged),
        "vat": rate_text(tax_rate * 100) if charged else WITHOUT_VAT,
        "buyer": {"name": user.display_name, "email": user.email},
        "product": quote.product_name,
        "plan": quote.plan_name,
    }


def seller_now(*, charges_vat: bool) -> Json:
    """The seller's particulars as they stand now; the VAT number where VAT is charged."""
    settings = current_settings()
    return {
        "name": settings.company_name,
        "address": settings.company_address,
        "siren": settings.company_siren,
        "vat_number": settings.company_vat_number if charges_vat else "",
        "email": settings.company_email,
    }
