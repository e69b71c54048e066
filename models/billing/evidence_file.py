"""The evidence of one order in one file: what was shown, agreed to, paid, sent and opened.

A ZIP of plain JSON, texts and the documents as PDF. Amounts are tax-inclusive cents, instants
ISO 8601 in UTC. No card number, token or secret stands in it.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import clock
from models.accounts import User
from models.base import Base, Json
from models.billing.access_grant import AccessGrant
from models.billing.capture_endpoint import CaptureEndpoint, CapturePurpose
from models.billing.credit_note import CreditNote
from models.billing.customer import Customer
from models.billing.invoice import Invoice, InvoiceLine
from models.billing.invoice_pdf import credit_note_pdf, invoice_pdf
from models.billing.payment_attempt import PaymentAttempt
from models.billing.refund import Refund
from models.billing.subscription_notice import SubscriptionNotice
from models.catalog import ProductAccess
from models.oversight import OutgoingMail
from models.oversight.changes import plain

OFFER = ("id", "purpose", "status", "created_at", "completed_at", "amount", "currency", "locale")
CARD = ("brand", "last4", "exp_month", "exp_year", "card_received_at", "try_no")
ATTEMPT = (
    "attempt_no",
    "idempotency_key",
    "amount",
    "currency",
    "outcome",
    "decline_code",
    "psp_payment_id",
    "started_at",
    "finished_at",
)
INVOICE = (
    "number",
    "kind",
    "status",
    "period_start",
    "period_end",
    "amount_excluding_tax",
    "tax_rate",
    "tax_amount",
    "amount_including_tax",
    "currency",
    "due_at",
    "paid_at",
    "psp_payment_id",
    "mentions",
)
REFUND = (
    "status",
    "amount",
    "reason",
    "requested_at",
    "approved_at",
    "rejected_at",
    "rejection_reason",
    "processed_at",
    "psp_refund_id",
)
MAIL = ("kind", "to_email", "subject", "status", "created_at", "sent_at", "provider_id", "context")
NOTICE = ("kind", "about_at", "last_day_on", "given_at")
UNTOLD = ("magic_link",)
"""Kinds of mail that say nothing of an order."""


def evidence_file(session: Session, capture_id: UUID) -> bytes:
    """The ZIP of an order, with a list of its files and their SHA-256. Raises Missing and
    FontsMissing.

    An order is a checkout and what followed from it: the invoices of the purchase until it
    was made anew, their attempts, refunds and documents, the mails to the buyer since, and
    the accesses with their first use.
    """
    capture = CaptureEndpoint.get(session, capture_id)
    invoices = _invoices(session, capture)
    files: dict[str, bytes] = {
        "order.json": _json(_order(session, capture)),
        "consent.txt": _consent(capture).encode(),
        "attempts.json": _json(_attempts(session, capture, invoices)),
        "invoices.json": _json([_invoice(session, invoice) for invoice in invoices]),
        "refunds.json": _json([_of(row, REFUND) for row in _refunds(session, invoices)]),
        "mails.json": _json([_of(row, MAIL) for row in _mails(session, capture)]),
        "accesses.json": _json(_accesses(session, capture)),
        "notices.json": _json([_of(row, NOTICE) for row in _notices(session, capture)]),
    }
    for invoice in invoices:
        if invoice.number is not None:
            made = invoice_pdf(session, invoice.id, capture.locale)
            files[f"documents/{invoice.number}.pdf"] = made
    for note in _credit_notes(session, invoices):
        made = credit_note_pdf(session, note.id, capture.locale)
        files[f"documents/{note.number}.pdf"] = made
    return _zip(files)


def _zip(files: dict[str, bytes]) -> bytes:
    listed = "".join(
        f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in files.items()
    )
    made_at = clock.now()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**files, "SHA256SUMS": listed.encode()}.items():
            entry = zipfile.ZipInfo(name, made_at.timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return buffer.getvalue()


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=2).encode()


def _of(row: Base, names: Iterable[str]) -> Json:
    return {name: plain(getattr(row, name)) for name in names}


def _order(session: Session, capture: CaptureEndpoint) -> Json:
    """The offer as it was shown, the buyer, and what the purchase became."""
    user = User.get(session, capture.user_id)
    customer = session.get(Customer, capture.customer_id) if capture.customer_id else None
    return {
        **_of(capture, OFFER),
        "offer_shown": capture.quote,
        "card": _of(capture, CARD),
        "buyer": _of(user, ("id", "email", "display_name", "platform", "created_at")),
        "purchase": _of(
            customer,
            ("id", "status", "trial_ends_at", "subscription_ends_at", "cancelled_at"),
        )
        if customer
        else None,
    }


def _consent(capture: CaptureEndpoint) -> str:
    """The words agreed to, when and from where."""
    return (
        f"{capture.consent_text}\n\n"
        f"consented_at: {capture.consented_at.isoformat()}\n"
        f"ip: {capture.consent_ip or '-'}\n"
        f"user_agent: {capture.user_agent or '-'}\n"
    )


def _invoices(session: Session, capture: CaptureEndpoint) -> list[Invoice]:
    """The invoices from this checkout on, until the same product was bought anew."""
    if capture.customer_id is None or capture.completed_at is None:
        return []
    bought_anew = session.scalar(
        select(func.min(CaptureEndpoint.completed_at)).where(
            CaptureEndpoint.customer_id == capture.customer_id,
            CaptureEndpoint.purpose == CapturePurpose.PURCHASE,
            CaptureEndpoint.completed_at > capture.completed_at,
        )
    )
    # A renewal is paid, or written down, before its period starts.
    came_at = func.coalesce(Invoice.paid_at, Invoice.created_at)
    of_order = select(Invoice).where(
        Invoice.customer_id == capture.customer_id, came_at >= capture.completed_at
    )
    if bought_anew is not None:
        of_order = of_order.where(came_at < bought_anew)
    return list(session.scalars(of_order.order_by(Invoice.period_start, Invoice.id)))


def _invoice(session: Session, invoice: Invoice) -> Json:
    lines = session.scalars(
        select(InvoiceLine)
        .where(InvoiceLine.invoice_id == invoice.id)
        .order_by(InvoiceLine.position)
    )
    shown = [_of(line, ("label", "quantity", "unit_amount", "total")) for line in lines]
    return {**_of(invoice, INVOICE), "lines": shown}


def _attempts(session: Session, capture: CaptureEndpoint, invoices: list[Invoice]) -> list[Json]:
    keys = [invoice.id for invoice in invoices]
    found = session.scalars(
        select(PaymentAttempt)
        .where((PaymentAttempt.capture_id == capture.id) | PaymentAttempt.invoice_id.in_(keys))
        .order_by(PaymentAttempt.started_at, PaymentAttempt.id)
    )
    return [_of(attempt, ATTEMPT) for attempt in found]


def _refunds(session: Session, invoices: list[Invoice]) -> Iterable[Refund]:
    keys = [invoice.id for invoice in invoices]
    return session.scalars(select(Refund).where(Refund.invoice_id.in_(keys)).order_by(Refund.id))


def _credit_notes(session: Session, invoices: list[Invoice]) -> Iterable[CreditNote]:
    keys = [invoice.id for invoice in invoices]
    return session.scalars(
        select(CreditNote).where(CreditNote.invoice_id.in_(keys)).order_by(CreditNote.number)
    )


def _mails(session: Session, capture: CaptureEndpoint) -> Iterable[OutgoingMail]:
    return session.scalars(
        select(OutgoingMail)
        .where(
            OutgoingMail.user_id == capture.user_id,
            OutgoingMail.created_at >= capture.created_at,
            OutgoingMail.kind.not_in(UNTOLD),
        )
        .order_by(OutgoingMail.id)
    )


def _accesses(session: Session, capture: CaptureEndpoint) -> list[Json]:
    """What was opened, when it was first used, and until when."""
    found = session.execute(
        select(AccessGrant, ProductAccess.name)
        .join(Customer, Customer.id == AccessGrant.customer_id)
        .outerjoin(
            ProductAccess,
            (ProductAccess.product_id == Customer.product_id)
            & (ProductAccess.access_type == AccessGrant.access_type)
            & (ProductAccess.target_id == AccessGrant.target_id),
        )
        .where(AccessGrant.customer_id == capture.customer_id)
        .order_by(AccessGrant.granted_at, AccessGrant.id)
    )
    names = ("access_type", "target_id", "granted_at", "first_used_at", "revoked_at")
    return [{"name": name, **_of(grant, names)} for grant, name in found]


def _notices(session: Session, capture: CaptureEndpoint) -> Iterable[SubscriptionNotice]:
    return session.scalars(
        select(SubscriptionNotice)
        .where(SubscriptionNotice.customer_id == capture.customer_id)
        .order_by(SubscriptionNotice.given_at, SubscriptionNotice.id)
    )
