"""Mails about refunds: the client's dated receipt of asking, the answer, and the owner's alerts."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from jobs.alert_listeners import alert_owner
from jobs.mail_attachments import attach
from models.accounts.mail_user import mail_user
from models.base import Json
from models.billing import CreditNote, Customer, Invoice, PaymentMethod, Refund
from models.billing.refund import BY_HAND, TOLD_AFTER, RefundStatus
from models.oversight import OutboxEvent
from models.oversight.queue_mail import call_off_mail

APPROVED = "refund_approved"


def mail_refund_asked(session: Session, event: OutboxEvent) -> None:
    """The client's receipt: what was asked back, and when."""
    refund = _refund(session, event)
    said = {"asked_at": refund.requested_at, "reason": refund.reason}
    _to_client(session, "refund_asked", refund, said)


def alert_refund_asked(session: Session, event: OutboxEvent) -> None:
    """Tell the owner that a refund waits for a decision."""
    refund = _refund(session, event)
    said = {"amount": refund.amount, "currency": refund.currency, "detail": refund.reason}
    alert_owner(session, "refund_asked", refund.customer.user.email, key=str(refund.id), said=said)


def mail_refund_approved(session: Session, event: OutboxEvent) -> None:
    """Tell the client yes, where the money takes its time: the mail that it is back says both."""
    refund = _refund(session, event)
    if refund.status is RefundStatus.APPROVED and refund.approved_at is not None:
        _to_client(session, APPROVED, refund, {}, not_before=refund.approved_at + TOLD_AFTER)


def mail_refund_rejected(session: Session, event: OutboxEvent) -> None:
    """Tell the client no, and why."""
    refund = _refund(session, event)
    _to_client(session, "refund_rejected", refund, {"reason": refund.rejection_reason})


def mail_refund_processed(session: Session, event: OutboxEvent) -> None:
    """Tell the client that the money is on its way back, with the credit note."""
    refund = _refund(session, event)
    call_off_mail(session, f"{APPROVED}:{refund.id}")
    note = session.scalars(select(CreditNote).where(CreditNote.refund_id == refund.id)).one()
    method_id = refund.invoice.payment_method_id
    method = session.get(PaymentMethod, method_id) if method_id else None
    said = {
        "credit_note": note.number,
        "by_hand": refund.extra.get(BY_HAND, ""),
        "card_brand": method.brand if method else "",
        "card_last4": method.last4 if method else "",
        "attached": [attach("credit_note", note.id, note.number)],
    }
    _to_client(session, "refund_processed", refund, said)


def alert_refund_failed(session: Session, event: OutboxEvent) -> None:
    """Tell the owner of a refund that the provider does not take, once for each trouble."""
    refund = _refund(session, event)
    code = str(event.data.get("code", ""))
    said = {"amount": refund.amount, "currency": refund.currency, "detail": code}
    about, key = refund.customer.user.email, f"{refund.id}:{code}"
    alert_owner(session, "refund_failed", about, key=key, said=said)


def _refund(session: Session, event: OutboxEvent) -> Refund:
    return session.scalars(
        select(Refund)
        .where(Refund.id == UUID(event.subject_id))
        .options(
            joinedload(Refund.invoice),
            joinedload(Refund.customer).joinedload(Customer.user),
        )
    ).one()


def _to_client(
    session: Session,
    kind: str,
    refund: Refund,
    said: Json,
    *,
    not_before: datetime | None = None,
) -> None:
    user = refund.customer.user
    facts = {**_facts(refund.invoice), "amount": refund.amount, **said}
    mail_user(session, user, kind, facts, about=refund.id, not_before=not_before)


def _facts(invoice: Invoice) -> Json:
    return {
        "number": invoice.number,
        "paid_at": invoice.paid_at,
        "product": invoice.mentions.get("product", ""),
        "currency": invoice.currency,
    }
