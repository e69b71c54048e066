"""Sending approved refunds to the PSP, and asking about those whose outcome is not known.

A composition: a refund is taken up and that committed, the PSP told or asked, its answer
recorded in a further unit of work. Whatever dies in between leaves a row that says so:
once it was sent, the PSP is asked for it by its key before it is told again under it.
"""

import json
import logging
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import clock
from models.billing.approve_refund import SEND
from models.billing.choose_provider import current_provider
from models.billing.invoice import Invoice
from models.billing.note_event import PSP, explain_event, note_event
from models.billing.provider import (
    PaymentOutcome,
    RefundAnswer,
    RefundRequest,
)
from models.billing.provider_event import EventOutcome
from models.billing.record_refund import record_refund_answer
from models.billing.refund import Refund, RefundStatus
from models.oversight import SYSTEM, Actor, emit
from models.session import defer, unit_of_work

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)
"""How long whoever took a refund up may be at it: longer than its calls can last."""
AT_MOST = 200
"""Refunds of one run; the next one goes on."""

COUNTED = {
    PaymentOutcome.SUCCEEDED: "processed",
    PaymentOutcome.PENDING: "waiting",
    PaymentOutcome.UNKNOWN: "unknown",
}


def send_refunds() -> dict[str, int]:
    """Send every approved refund that is due; any number of runs may be at it at once.

    One that fails is tried again later and stops nobody; a crash counts among ``errors``.
    """
    counts = {"sent": 0, "processed": 0, "waiting": 0, "unknown": 0, "failed": 0, "errors": 0}
    for _ in range(AT_MOST):
        with unit_of_work() as session:
            taken = take_up(session, now=clock.now())
        if taken is None:
            break
        counts["sent"] += 1
        refund_id, request, known = taken
        try:
            answer = _tell(request, *known)
            _record(refund_id, answer)
        except Exception:
            log.exception("refund.not_sent", extra={"refund_id": str(refund_id)})
            counts["errors"] += 1
            continue
        counts[COUNTED.get(answer.outcome, "failed")] += 1
    return counts


def take_up(
    session: Session, *, now: datetime
) -> tuple[UUID, RefundRequest, tuple[bool, str | None]] | None:
    """The refund that has waited longest, leased to the caller: what to send, whether it was
    sent before, and the PSP's own id where it is known. None where nothing is due."""
    refund = session.scalar(
        select(Refund)
        .where(Refund.status == RefundStatus.APPROVED, Refund.next_try_at <= now)
        .order_by(Refund.next_try_at, Refund.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if refund is None:
        return None
    known = (refund.sent_at is not None, refund.psp_refund_id)
    refund.tries += 1
    refund.sent_at = refund.sent_at or now
    refund.next_try_at = now + LEASE
    invoice = Invoice.get(session, refund.invoice_id)
    request = RefundRequest(
        key=refund.key,
        payment_id=invoice.psp_payment_id or "",
        amount=refund.amount,
        metadata={"refund_id": str(refund.id), "invoice": invoice.number or ""},
    )
    return refund.id, request, known


def _tell(request: RefundRequest, sent_before: bool, psp_refund_id: str | None) -> RefundAnswer:
    """The PSP's word on a refund; only what it has never heard of is sent."""
    provider = current_provider()
    if sent_before:
        found = provider.look_up_refund(
            request.key, payment_id=request.payment_id, refund_id=psp_refund_id
        )
        if found.outcome is not PaymentOutcome.NOT_FOUND:
            return found
    return provider.refund(request)


def _record(refund_id: UUID, answer: RefundAnswer) -> None:
    with unit_of_work() as session:
        now = clock.now()
        recorded = record_refund_answer(session, refund_id, answer, actor=SYSTEM, now=now)
        if recorded.to_explain is None:
            return
        event = note_event(
            session,
            PSP,
            f"refund:{refund_id}:{answer.refund_id}",
            kind="refund_answer",
            body=json.loads(answer.raw or "{}"),
            now=now,
        )
        explain_event(event, EventOutcome.OPEN, reason=recorded.to_explain, now=now)


def retry_refund(session: Session, refund_id: UUID, *, actor: Actor, now: datetime) -> Refund:
    """Have a refund that failed tried again at once. One that is done stays as it is."""
    refund = Refund.for_update(session, refund_id)
    if refund.status is RefundStatus.APPROVED and refund.next_try_at != now:
        refund.next_try_at = now
        emit(session, "billing.refund_retried", refund, actor=actor)
        defer(session, SEND)
    return refund
