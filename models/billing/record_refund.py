"""Recording what the PSP says of a refund, whoever brings the word and how often."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from models.billing.invoice import Invoice
from models.billing.issue_credit_note import issue_credit_note
from models.billing.provider import PaymentOutcome, RefundAnswer
from models.billing.record_answer import CHANGED, NOTHING_NEW, Recorded
from models.billing.refund import Refund, RefundStatus
from models.billing.request_refund import lock_invoice
from models.oversight import Actor, emit

NEVER_REACHED = "not_sent"
WAITS = tuple(timedelta(minutes=minutes) for minutes in (5, 15, 60, 240, 720, 1440))
"""Before each further try; the last one again and again: a refund is never given up."""


def record_refund_answer(
    session: Session, refund_id: UUID, answer: RefundAnswer, *, actor: Actor, now: datetime
) -> Recorded:
    """Bring a refund to what the PSP says; a repeated word changes nothing.

    A success makes it PROCESSED with its numbered credit note. Anything else leaves it
    APPROVED with what went wrong and when it is tried again; said late of a sending that
    another has followed, it changes nothing. What does not fit (another
    amount, a second refund, one that failed after it had succeeded) is left for a person.
    """
    invoice = lock_invoice(session, Refund.get(session, refund_id).invoice_id)
    refund = Refund.for_update(session, refund_id)
    if refund.status is not RefundStatus.APPROVED:
        return _of_closed(refund, answer)
    if answer.outcome is PaymentOutcome.SUCCEEDED:
        return _succeed(session, refund, invoice, answer, actor, now)
    if _is_of_former_sending(refund, answer):
        return NOTHING_NEW
    match answer.outcome:
        case PaymentOutcome.PENDING:
            return _wait(refund, answer, now)
        case PaymentOutcome.DECLINED | PaymentOutcome.ERROR:
            return _fail(session, refund, answer, actor, now)
    refund.last_error = answer.error_code or answer.outcome.value
    refund.next_try_at = now + WAITS[0]
    return NOTHING_NEW


def _is_of_former_sending(refund: Refund, answer: RefundAnswer) -> bool:
    """Whether a word speaks of a sending that was refused and that another has followed: taken
    for the present one's, it would have the money sent once more beside it."""
    under_another_key = answer.key is not None and answer.key != refund.key
    known, told = refund.psp_refund_id, answer.refund_id
    return under_another_key or (known is not None and told is not None and told != known)


def _of_closed(refund: Refund, answer: RefundAnswer) -> Recorded:
    """A word about a refund that is not under way: nothing, unless money moved unforeseen."""
    if refund.status is not RefundStatus.PROCESSED:
        succeeded = answer.outcome is PaymentOutcome.SUCCEEDED
        return Recorded(False, "refund_not_approved") if succeeded else NOTHING_NEW
    ours = answer.refund_id == refund.psp_refund_id
    if answer.outcome is PaymentOutcome.SUCCEEDED and answer.refund_id and not ours:
        return Recorded(False, "second_refund")
    if answer.outcome is PaymentOutcome.DECLINED and ours:
        return Recorded(False, "refund_failed_after_all")
    return NOTHING_NEW


def _succeed(
    session: Session,
    refund: Refund,
    invoice: Invoice,
    answer: RefundAnswer,
    actor: Actor,
    now: datetime,
) -> Recorded:
    if answer.amount is not None and answer.amount != refund.amount:
        refund.last_error = "another_amount"
        refund.next_try_at = now + WAITS[-1]
        return Recorded(False, "another_amount")
    refund.become(RefundStatus.PROCESSED)
    refund.psp_refund_id = answer.refund_id
    refund.processed_at = now
    refund.next_try_at = refund.last_error = None
    note = issue_credit_note(session, refund, invoice, now=now)
    emit(
        session,
        "billing.refund_processed",
        refund,
        actor=actor,
        data={"invoice_id": invoice.id, "credit_note_id": note.id, "amount": refund.amount},
    )
    return CHANGED


def _wait(refund: Refund, answer: RefundAnswer, now: datetime) -> Recorded:
    """The PSP has it and will say later: it is asked again, by the refund's own id."""
    known = refund.psp_refund_id == answer.refund_id
    refund.psp_refund_id, refund.last_error = answer.refund_id, None
    refund.next_try_at = now + _wait_after(refund)
    return NOTHING_NEW if known else CHANGED


def _fail(
    session: Session, refund: Refund, answer: RefundAnswer, actor: Actor, now: datetime
) -> Recorded:
    """It was surely not given back. What reached the PSP and was refused is sent anew under
    another key: its first answer would only be repeated under the old one."""
    code = answer.error_code or answer.outcome.value
    news = code != refund.last_error
    if code != NEVER_REACHED:
        refund.refusals += 1
        refund.sent_at = refund.psp_refund_id = None
    refund.last_error = code
    refund.next_try_at = now + _wait_after(refund)
    if news:
        emit(session, "billing.refund_failed", refund, actor=actor, data={"code": code})
    return CHANGED


def _wait_after(refund: Refund) -> timedelta:
    return WAITS[min(max(refund.tries, 1), len(WAITS)) - 1]
