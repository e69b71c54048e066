"""A customer's story: clicks, checkouts, payments, invoices, acts and mails in one line of time."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from flask_babel import gettext
from markupsafe import Markup, escape
from sqlalchemy import select
from sqlalchemy.orm import Session

from admin_views.formats import euros
from admin_views.happenings import MAILS
from admin_views.listing import Row
from admin_views.past import reason_words, what_happened, who_did
from admin_views.records import Panel
from admin_views.words import status_words
from models.affiliation import Attribution, TrackingEvent
from models.billing import (
    AttemptOutcome,
    CaptureEndpoint,
    CaptureStatus,
    Invoice,
    InvoiceStatus,
    PaymentAttempt,
    Refund,
    RefundStatus,
)
from models.errors import N_
from models.oversight import MailStatus, OutgoingMail, history_of

MOST_OF_EACH = 25
TOLD_OTHERWISE = frozenset({"billing.purchase_made"})
"""Acts whose checkout and invoice stand in the timeline already."""
Line = tuple[datetime, str, str, str]


def customer_timeline(
    session: Session, row: Row, addresses: dict[str, str], *, money: bool
) -> Panel:
    """Everything that happened around one purchase, newest first; amounts for finance only."""
    lines = [
        *_clicks(session, row),
        *_checkouts(session, row, money),
        *_invoices(session, row, money),
        *_renewals(session, row, money),
        *_acts(session, row),
        *_refunds(session, row, money),
        *_mails(session, row, money),
    ]
    lines.sort(key=lambda line: line[0], reverse=True)
    panel = Panel(N_("Timeline"), [], [], template="admin_views/timeline.html")
    panel.data = {"lines": [_linked(line, addresses) for line in lines]}
    return panel


def _linked(line: Line, addresses: dict[str, str]) -> tuple[datetime, Markup]:
    at, words, view, key = line
    address = addresses.get(view)
    if address is None:
        return at, escape(words)
    return at, Markup('<a href="{}details/?id={}">{}</a>').format(address, key, words)


def _clicks(session: Session, row: Row) -> Iterator[Line]:
    found = session.scalars(
        select(TrackingEvent)
        .join(Attribution, Attribution.tracking_event_id == TrackingEvent.id)
        .where(Attribution.user_id == row["user_id"], Attribution.product_id == row["product_id"])
        .limit(MOST_OF_EACH)
    )
    for each in found:
        words = gettext("Came by an affiliate's link to %(path)s", path=each.landing_path)
        yield each.created_at, words, "clicks", str(each.id)


def _checkouts(session: Session, row: Row, money: bool) -> Iterator[Line]:
    found = session.execute(
        select(CaptureEndpoint, PaymentAttempt)
        .outerjoin(PaymentAttempt, PaymentAttempt.capture_id == CaptureEndpoint.id)
        .where(CaptureEndpoint.customer_id == row["id"])
        .order_by(CaptureEndpoint.id.desc())
        .limit(MOST_OF_EACH)
    )
    told: set[Any] = set()
    for capture, attempt in found:
        if capture.id not in told:
            told.add(capture.id)
            status = status_words(CaptureStatus, capture.status)[0]
            yield (
                capture.created_at,
                gettext("Began a checkout: %(status)s", status=status),
                "checkouts",
                str(capture.id),
            )
        if attempt is not None:
            yield attempt.started_at, _attempt_words(attempt, money), "attempts", str(attempt.id)


def _renewals(session: Session, row: Row, money: bool) -> Iterator[Line]:
    """Charges of invoices that no checkout of the buyer's stands behind."""
    found = session.scalars(
        select(PaymentAttempt)
        .join(Invoice, Invoice.id == PaymentAttempt.invoice_id)
        .where(Invoice.customer_id == row["id"], PaymentAttempt.capture_id.is_(None))
        .order_by(PaymentAttempt.id.desc())
        .limit(MOST_OF_EACH)
    )
    for each in found:
        yield each.started_at, _attempt_words(each, money), "attempts", str(each.id)


def _acts(session: Session, row: Row) -> Iterator[Line]:
    """What was done to the purchase, by its buyer, by staff, or by the calendar."""
    events = history_of(session, "customers", str(row["id"]))
    for event, by in zip(events, who_did(session, events), strict=True):
        if event.action in TOLD_OTHERWISE:
            continue
        words = gettext("%(what)s · %(who)s", what=what_happened(event.action), who=by)
        if event.reason:
            words = f"{words} · {reason_words(event.reason)}"
        yield event.at, words, "audit", str(event.id)


def _attempt_words(attempt: PaymentAttempt, money: bool) -> str:
    outcome = status_words(AttemptOutcome, attempt.outcome)[0]
    if attempt.decline_code:
        outcome = f"{outcome} ({attempt.decline_code})"
    if not money:
        return gettext("Payment: %(outcome)s", outcome=outcome)
    return gettext(
        "Payment of %(amount)s: %(outcome)s", amount=euros(attempt.amount), outcome=outcome
    )


def _invoices(session: Session, row: Row, money: bool) -> Iterator[Line]:
    found = session.scalars(
        select(Invoice)
        .where(Invoice.customer_id == row["id"])
        .order_by(Invoice.id.desc())
        .limit(MOST_OF_EACH)
    )
    for each in found:
        status = status_words(InvoiceStatus, each.status)[0]
        name = each.number or "–"
        words = gettext("Invoice %(number)s: %(status)s", number=name, status=status)
        if money:
            words = f"{words} · {euros(each.amount_including_tax)}"
        yield each.paid_at or each.created_at, words, "invoices", str(each.id)


def _refunds(session: Session, row: Row, money: bool) -> Iterator[Line]:
    found = session.scalars(
        select(Refund)
        .where(Refund.customer_id == row["id"])
        .order_by(Refund.id.desc())
        .limit(MOST_OF_EACH)
    )
    for each in found:
        status = status_words(RefundStatus, each.status)[0]
        words = gettext("Refund: %(status)s", status=status)
        if money:
            words = f"{words} · {euros(each.amount)}"
        yield each.requested_at, words, "refunds", str(each.id)


def _mail(mail: OutgoingMail, money: bool) -> str:
    """A mail's subject; what it is for where it has none yet, or where that may say an amount."""
    if money and mail.subject:
        return mail.subject
    return gettext(MAILS[mail.kind]) if mail.kind in MAILS else mail.kind


def _mails(session: Session, row: Row, money: bool) -> Iterator[Line]:
    found = session.scalars(
        select(OutgoingMail)
        .where(OutgoingMail.user_id == row["user_id"])
        .order_by(OutgoingMail.id.desc())
        .limit(MOST_OF_EACH)
    )
    for each in found:
        status = status_words(MailStatus, each.status)[0]
        words = gettext("Mail “%(subject)s”: %(status)s", subject=_mail(each, money), status=status)
        yield each.sent_at or each.created_at, words, "mails", str(each.id)
