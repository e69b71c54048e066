"""Settling a refund by hand: the provider will not give it back, and the owner has."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from models.billing.issue_credit_note import issue_credit_note
from models.billing.refund import BY_HAND, Refund, RefundStatus
from models.billing.request_refund import lock_invoice
from models.errors import N_, BadInput, DomainError
from models.oversight import Actor, emit


class NotRefused(DomainError):
    """The provider may still give it back, or already has."""

    code = "refund_not_refused"
    message = N_(
        "The payment provider has not surely refused this refund: it may still give it back."
    )


class NoReference(BadInput):
    code = "no_reference"
    message = N_("Say how it was given back, such as the reference of a transfer.")


def settle_refund_by_hand(
    session: Session, refund_id: UUID, *, reference: str, actor: Actor, now: datetime
) -> Refund:
    """Note that a refund which the provider surely refused was given back in another way.

    It becomes PROCESSED with its credit note, and the provider is not told again. A second
    call changes nothing. Raises Missing, NoReference, IllegalTransition, and NotRefused where
    a sending may have succeeded or is under way.
    """
    invoice = lock_invoice(session, Refund.get(session, refund_id).invoice_id)
    refund = Refund.for_update(session, refund_id)
    if refund.status is RefundStatus.PROCESSED:
        return refund
    if not reference.strip():
        raise NoReference(field="reference")
    if refund.status is RefundStatus.APPROVED and not refund.was_refused:
        raise NotRefused
    refund.become(RefundStatus.PROCESSED)
    refund.processed_at = now
    refund.next_try_at = refund.last_error = None
    refund.extra = {**refund.extra, BY_HAND: reference.strip()}
    note = issue_credit_note(session, refund, invoice, now=now)
    emit(
        session,
        "billing.refund_settled_by_hand",
        refund,
        actor=actor,
        reason=reference.strip(),
        data={"invoice_id": invoice.id, "credit_note_id": note.id, "amount": refund.amount},
    )
    return refund
