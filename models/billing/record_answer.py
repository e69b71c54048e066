"""Recording what the PSP says of a checkout's attempt, whoever brings the word and how often.

The answer to the charge, the webhook, the return from the bank and the sweeper all end
here: the first word that settles an attempt does, the others find it done.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from models.billing.buyer import BUYER_GONE
from models.billing.capture_endpoint import CaptureEndpoint, CapturePurpose, CaptureStatus
from models.billing.payment_attempt import AttemptOutcome, PaymentAttempt
from models.billing.prepare_attempt import lock_attempt
from models.billing.provider import Payment, PaymentOutcome
from models.billing.settle_card import settle_card
from models.billing.settle_purchase import BuyerGone, PaidTwice, settle_purchase
from models.billing.silence import ABANDONED_AFTER, give_up_after
from models.oversight import Actor, emit

PAID_TWICE = "paid_twice"
PAID_AFTER_GONE = f"paid_after_{BUYER_GONE}"


@dataclass(frozen=True)
class Recorded:
    """What a word did: whether anything changed, and what a person has to look at, if anything."""

    changed: bool
    to_explain: str | None = None


NOTHING_NEW = Recorded(False)
CHANGED = Recorded(True)


def record_answer(
    session: Session, attempt_id: UUID, payment: Payment, *, actor: Actor, now: datetime
) -> Recorded:
    """Bring an attempt to what the PSP says; a repeated word changes nothing.

    A success completes the purchase even when the checkout has expired or its attempt was
    given up: the money was taken. What does not fit (another amount than was asked, money
    for an attempt that another followed, a second purchase of what the person has, one of an
    account that is deleted) is left for a person to explain.
    """
    capture, attempt = lock_attempt(session, attempt_id)
    if not attempt.is_open and not _came_after_all(capture, attempt, payment):
        return _of_closed(attempt, payment)
    if payment.payment_id:
        attempt.psp_payment_id = payment.payment_id
    match payment.outcome:
        case PaymentOutcome.SUCCEEDED:
            return _succeed(session, capture, attempt, payment, actor, now)
        case PaymentOutcome.DECLINED:
            attempt.decline_code = payment.decline_code
            return _fail(session, capture, attempt, AttemptOutcome.DECLINED, actor, now)
        case PaymentOutcome.ERROR:
            attempt.message = payment.error_code
            return _fail(session, capture, attempt, AttemptOutcome.ERROR, actor, now)
        case PaymentOutcome.NOT_FOUND:
            return _not_found(session, capture, attempt, actor, now)
        case PaymentOutcome.NEEDS_ACTION:
            return _needs_action(session, capture, attempt, payment, actor, now)
    attempt.message = payment.error_code or payment.psp_status
    return NOTHING_NEW


def _came_after_all(capture: CaptureEndpoint, attempt: PaymentAttempt, payment: Payment) -> bool:
    """Whether money came for an attempt that was given up and that no other card followed: the
    buyer paid, and the checkout still knows with which card."""
    return (
        payment.outcome is PaymentOutcome.SUCCEEDED
        and attempt.outcome is AttemptOutcome.ERROR
        and attempt.attempt_no == capture.try_no
        and capture.status in (CaptureStatus.PENDING, CaptureStatus.EXPIRED)
    )


def _of_closed(attempt: PaymentAttempt, payment: Payment) -> Recorded:
    """A repeated word is nothing; money taken for an attempt that was given up is."""
    if payment.outcome is not PaymentOutcome.SUCCEEDED:
        return NOTHING_NEW
    if attempt.outcome is not AttemptOutcome.SUCCEEDED:
        return Recorded(False, f"paid_after_{attempt.outcome.value.lower()}")
    if payment.payment_id and payment.payment_id != attempt.psp_payment_id:
        return Recorded(False, "second_payment_of_one_attempt")
    return NOTHING_NEW


def _succeed(
    session: Session,
    capture: CaptureEndpoint,
    attempt: PaymentAttempt,
    payment: Payment,
    actor: Actor,
    now: datetime,
) -> Recorded:
    if payment.amount is not None and payment.amount != attempt.amount:
        return Recorded(False, "another_amount")
    if payment.currency and attempt.amount and payment.currency != attempt.currency:
        return Recorded(False, "another_currency")
    attempt.become(AttemptOutcome.SUCCEEDED)
    attempt.redirect_url = None
    attempt.finished_at = now
    if capture.purpose is CapturePurpose.CARD:
        settle_card(session, capture, actor=actor, now=now)
        return CHANGED
    try:
        settle_purchase(session, capture, attempt=attempt, payment=payment, actor=actor, now=now)
    except PaidTwice:
        _buys_nothing(capture, because=PAID_TWICE)
        told = {"user_id": capture.user_id}
        emit(session, "billing.paid_twice", capture, actor=actor, data=told)
        return Recorded(True, PAID_TWICE)
    except BuyerGone:
        _buys_nothing(capture, because=PAID_AFTER_GONE)
        emit(session, "billing.checkout_failed", capture, actor=actor, reason=PAID_AFTER_GONE)
        return Recorded(True, PAID_AFTER_GONE)
    return CHANGED


def _buys_nothing(capture: CaptureEndpoint, *, because: str) -> None:
    """Money came for what the buyer has from another window, or for an account that is gone:
    it is shown for the owner to give back."""
    if capture.status is not CaptureStatus.FAILED:
        capture.become(CaptureStatus.FAILED)
    capture.last_decline_code = because
    capture.vault_token = None


def _fail(
    session: Session,
    capture: CaptureEndpoint,
    attempt: PaymentAttempt,
    outcome: AttemptOutcome,
    actor: Actor,
    now: datetime,
) -> Recorded:
    """Nothing was charged: the buyer may try another card until the checkout expires."""
    attempt.become(outcome)
    attempt.redirect_url = None
    attempt.finished_at = now
    capture.last_decline_code = attempt.decline_code or attempt.message
    declined = outcome is AttemptOutcome.DECLINED
    emit(
        session,
        "billing.payment_declined" if declined else "billing.payment_failed",
        capture,
        actor=actor,
        data={"attempt_no": attempt.attempt_no, "code": capture.last_decline_code},
    )
    return CHANGED


def _not_found(
    session: Session,
    capture: CaptureEndpoint,
    attempt: PaymentAttempt,
    actor: Actor,
    now: datetime,
) -> Recorded:
    """The PSP has never heard of it; believed only once it can no longer be on its way."""
    if now < attempt.started_at + give_up_after():
        return NOTHING_NEW
    attempt.message = "never_arrived"
    return _fail(session, capture, attempt, AttemptOutcome.ERROR, actor, now)


def _needs_action(
    session: Session,
    capture: CaptureEndpoint,
    attempt: PaymentAttempt,
    payment: Payment,
    actor: Actor,
    now: datetime,
) -> Recorded:
    if attempt.outcome is AttemptOutcome.NEEDS_ACTION:
        if now < attempt.started_at + ABANDONED_AFTER:
            return NOTHING_NEW
        attempt.message = "abandoned"
        return _fail(session, capture, attempt, AttemptOutcome.ERROR, actor, now)
    attempt.become(AttemptOutcome.NEEDS_ACTION)
    attempt.redirect_url = payment.redirect_url
    emit(
        session,
        "billing.payment_needs_action",
        capture,
        actor=actor,
        data={"attempt_no": attempt.attempt_no},
    )
    return CHANGED
