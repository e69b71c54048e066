"""Rejecting a refund: the owner says no, and why."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from models.billing.refund import Refund, RefundStatus
from models.billing.request_refund import lock_invoice
from models.errors import N_, BadInput
from models.oversight import Actor, emit


class NoReason(BadInput):
    code = "no_reason"
    message = N_("Say why: the client is told.")


def reject_refund(
    session: Session, refund_id: UUID, *, reason: str, actor: Actor, now: datetime
) -> Refund:
    """Refuse a request; the client is told the reason. The money may be asked back anew.

    A second call changes nothing and keeps the first reason. Raises Missing, NoReason, and
    IllegalTransition for one that was approved.
    """
    lock_invoice(session, Refund.get(session, refund_id).invoice_id)
    refund = Refund.for_update(session, refund_id)
    if refund.status is RefundStatus.REJECTED:
        return refund
    if not reason.strip():
        raise NoReason(field="reason")
    refund.become(RefundStatus.REJECTED)
    refund.rejected_at, refund.rejection_reason = now, reason.strip()
    emit(
        session,
        "billing.refund_rejected",
        refund,
        actor=actor,
        reason=refund.rejection_reason,
        data={"invoice_id": refund.invoice_id, "amount": refund.amount},
    )
    return refund
