"""Hearing of refunds: the PSP's webhooks about money that went back, ours or another's."""

import re
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.billing.approve_refund import SEND
from models.billing.invoice import Invoice
from models.billing.note_event import explain_event
from models.billing.provider import RefundAnswer, RefundedCharge
from models.billing.provider_event import EventOutcome, ProviderEvent
from models.billing.record_refund import record_refund_answer
from models.billing.refund import Refund, RefundStatus, refunded_amount
from models.oversight import SYSTEM
from models.session import defer

OURS = re.compile(r"ref_([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:_\d+)?")


def hear_refund(
    session: Session, row: ProviderEvent, answer: RefundAnswer, *, now: datetime
) -> None:
    """Record a refund's own word; one that was made elsewhere is left for a person."""
    refund = _named(session, answer)
    if refund is None:
        explain_event(row, EventOutcome.OPEN, reason="refund_not_ours", now=now)
        return
    recorded = record_refund_answer(session, refund.id, answer, actor=SYSTEM, now=now)
    if recorded.to_explain is not None:
        explain_event(row, EventOutcome.OPEN, reason=recorded.to_explain, now=now)
    elif recorded.changed:
        explain_event(row, EventOutcome.POSTED, reason=None, now=now)
    else:
        explain_event(row, EventOutcome.DUPLICATE, reason="known_already", now=now)


def _named(session: Session, answer: RefundAnswer) -> Refund | None:
    """Our refund, by the key it was sent under, else by the PSP's id."""
    found = OURS.fullmatch(answer.key or "")
    if found is not None:
        return session.get(Refund, UUID(found[1]))
    if answer.refund_id is None:
        return None
    return session.scalar(select(Refund).where(Refund.psp_refund_id == answer.refund_id))


def hear_charge(
    session: Session, row: ProviderEvent, charge: RefundedCharge, *, now: datetime
) -> None:
    """A payment was given back, but not by which refund: the PSP is asked about ours.

    More given back than we approved was refunded elsewhere, and is left for a person.
    """
    invoice = session.scalar(
        select(Invoice).where(Invoice.psp_payment_id == charge.payment_id).limit(1)
    )
    if invoice is None:
        explain_event(row, EventOutcome.OPEN, reason="unknown_payment", now=now)
        return
    if charge.refunded > refunded_amount(session, invoice.id):
        explain_event(row, EventOutcome.OPEN, reason="refund_not_ours", now=now)
        return
    under_way = session.scalars(
        select(Refund)
        .where(Refund.invoice_id == invoice.id, Refund.status == RefundStatus.APPROVED)
        .order_by(Refund.id)
        .with_for_update()
    ).all()
    for refund in under_way:
        refund.next_try_at = now
    if under_way:
        defer(session, SEND)
    explain_event(row, EventOutcome.DUPLICATE, reason="known_already", now=now)
