"""Refunding an invoice: the owner gives back all or part of it, at any time, unasked."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.billing.approve_refund import MoreThanLeft, approve_refund
from models.billing.invoice import InvoiceStatus
from models.billing.refund import GRANTED, Refund
from models.billing.request_refund import check_refundable, file_refund, lock_invoice
from models.errors import N_, BadInput
from models.money import plain_amount
from models.oversight import Actor


class NotAnAmount(BadInput):
    code = "not_an_amount"
    message = N_("Type what is given back: one cent or more.")


def refund_invoice(
    session: Session,
    invoice_id: UUID,
    *,
    amount: int | None = None,
    reason: str,
    actor: Actor,
    now: datetime,
) -> Refund:
    """Give back so many cents of an invoice, or all that is left of it, approved at once.

    A second call for all of it answers the refund that took the last of it. What a client
    has asked back and nobody has decided on is not left. Raises Missing, NothingPaid,
    NothingToSend, NothingLeft, NotAnAmount and MoreThanLeft.
    """
    invoice = lock_invoice(session, invoice_id)
    if amount is None and invoice.status is InvoiceStatus.REFUNDED:
        return _last_refund(session, invoice_id)
    left = check_refundable(session, invoice)
    if amount is not None and amount < 1:
        raise NotAnAmount(field="amount")
    if amount is not None and amount > left:
        raise MoreThanLeft(field="amount", left=plain_amount(left))
    refund = file_refund(session, invoice, amount or left, reason=reason, actor=actor, now=now)
    return approve_refund(session, refund.id, actor=actor, now=now)


def _last_refund(session: Session, invoice_id: UUID) -> Refund:
    return session.scalars(
        select(Refund)
        .where(Refund.invoice_id == invoice_id, Refund.status.in_(GRANTED))
        .order_by(Refund.approved_at.desc(), Refund.id.desc())
        .limit(1)
    ).one()
