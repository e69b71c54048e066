"""Where a checkout stands, in words a buyer can act on."""

import enum
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session, joinedload

from models.accounts import Platform
from models.billing.capture_endpoint import CaptureEndpoint, CapturePurpose, CaptureStatus
from models.billing.decline_codes import decline_of
from models.billing.payment_attempt import AttemptOutcome, PaymentAttempt
from models.billing.prepare_attempt import BOUGHT_MEANWHILE, attempt_of_try
from models.billing.record_answer import PAID_AFTER_GONE, PAID_TWICE
from models.billing.start_checkout import MANAGE_PATH
from models.catalog import PaymentButton, Product
from models.errors import N_, Missing


class CheckoutStatus(enum.StrEnum):
    """DECLINED is every sure no, ERROR that the answer is long in coming."""

    PENDING = "pending"
    PROCESSING = "processing"
    ACTION_REQUIRED = "action_required"
    DECLINED = "declined"
    SUCCEEDED = "succeeded"
    EXPIRED = "expired"
    ERROR = "error"


@dataclass(frozen=True)
class CheckoutState:
    """``message`` is an English text to translate; ``retry`` says that another card may be
    tried; ``redirect_url`` is the bank's page, or where a paid checkout goes on."""

    capture: CaptureEndpoint
    status: CheckoutStatus
    message: str
    redirect_url: str | None = None
    retry: bool = False

    @property
    def platform(self) -> Platform:
        """The site whose person this is."""
        return self.capture.user.platform


LONG_SILENCE = timedelta(seconds=60)
"""After this long a buyer is told that nobody knows yet, rather than asked to wait."""

WAITING = N_("Enter your card to pay.")
WORKING = N_("Your payment is being confirmed. This page will tell you.")
ASK_BANK = N_("Your bank asks you to confirm this payment.")
PAID = N_("Thank you, your payment went through.")
NO_ANSWER = N_(
    "Your bank has not answered yet. We keep asking, never charge twice, and write to you."
)
NOTHING_CHARGED = N_("The payment could not be made. Nothing was charged; you can try again.")
EXPIRED = N_("This checkout has expired. Nothing was charged; start again.")
LATE_ANSWER = N_("This checkout has expired. If your bank confirms the payment, it still counts.")
HAS_IT = N_("You already have this offer. Nothing was charged a second time.")
TWICE = N_("You had paid for this already. The second payment will be given back to you.")
GONE = N_("The account was deleted meanwhile. The payment will be given back to you.")
CLOSED = N_("This checkout could not be completed. Nothing was charged; start again.")

OF_AN_END = {BOUGHT_MEANWHILE: HAS_IT, PAID_TWICE: TWICE, PAID_AFTER_GONE: GONE}
"""Per reason for which a checkout failed: its words."""

OF_A_CARD = {
    WAITING: N_("Enter your new card. Nothing is charged by it."),
    WORKING: N_("Your card is being checked. This page will tell you."),
    ASK_BANK: N_("Your bank asks you to confirm this card."),
    PAID: N_("Your new card is in use. What was still due is charged to it now."),
    NO_ANSWER: N_("Your bank has not answered yet. We keep asking; nothing is charged meanwhile."),
    NOTHING_CHARGED: N_("The card could not be kept. Nothing was charged; you can try again."),
    EXPIRED: N_("This form has expired. Your card was not changed; start again."),
    LATE_ANSWER: N_("This form has expired. If your bank confirms the card, it still counts."),
    CLOSED: N_("Your purchase has ended meanwhile, so the card was not kept."),
}
"""The same words where the checkout gives a purchase another card."""


def checkout_of(session: Session, capture_id: UUID) -> CaptureEndpoint:
    """A checkout with its button, product and buyer loaded. Raises Missing."""
    capture = session.get(
        CaptureEndpoint,
        capture_id,
        options=[
            joinedload(CaptureEndpoint.button).joinedload(PaymentButton.plan),
            joinedload(CaptureEndpoint.button)
            .joinedload(PaymentButton.product)
            .joinedload(Product.community),
            joinedload(CaptureEndpoint.user),
        ],
    )
    if capture is None:
        raise Missing
    return capture


def checkout_state(session: Session, capture_id: UUID, *, now: datetime) -> CheckoutState:
    """Where a checkout stands by what the rows say. Raises Missing."""
    capture = checkout_of(session, capture_id)
    state = _standing(session, capture, now=now)
    if capture.purpose is CapturePurpose.CARD:
        return replace(state, message=OF_A_CARD.get(state.message, state.message))
    return state


def _standing(session: Session, capture: CaptureEndpoint, *, now: datetime) -> CheckoutState:
    match capture.status:
        case CaptureStatus.COMPLETED:
            goes_on = capture.button.success_url if capture.button else MANAGE_PATH
            return CheckoutState(capture, CheckoutStatus.SUCCEEDED, PAID, redirect_url=goes_on)
        case CaptureStatus.FAILED:
            message = OF_AN_END.get(capture.last_decline_code or "", CLOSED)
            return CheckoutState(capture, CheckoutStatus.DECLINED, message)
    attempt = attempt_of_try(session, capture)
    over = capture.status is CaptureStatus.EXPIRED or now >= capture.expires_at
    if attempt is not None:
        return _of_attempt(capture, attempt, over=over, now=now)
    if over:
        return CheckoutState(capture, CheckoutStatus.EXPIRED, EXPIRED)
    if capture.card_received_at is not None:
        return CheckoutState(capture, CheckoutStatus.PROCESSING, WORKING)
    return CheckoutState(capture, CheckoutStatus.PENDING, WAITING)


def _of_attempt(
    capture: CaptureEndpoint, attempt: PaymentAttempt, *, over: bool, now: datetime
) -> CheckoutState:
    if attempt.outcome is AttemptOutcome.SUCCEEDED:
        # Paid since the checkout was read a moment ago: whoever looks again finds it completed.
        return CheckoutState(capture, CheckoutStatus.PROCESSING, WORKING)
    if attempt.outcome is AttemptOutcome.NEEDS_ACTION:
        if over:
            return CheckoutState(capture, CheckoutStatus.EXPIRED, LATE_ANSWER)
        return CheckoutState(
            capture, CheckoutStatus.ACTION_REQUIRED, ASK_BANK, redirect_url=attempt.redirect_url
        )
    if attempt.is_open:
        if now > attempt.started_at + LONG_SILENCE:
            return CheckoutState(capture, CheckoutStatus.ERROR, NO_ANSWER)
        return CheckoutState(capture, CheckoutStatus.PROCESSING, WORKING)
    if over:
        return CheckoutState(capture, CheckoutStatus.EXPIRED, EXPIRED)
    declined = attempt.outcome is AttemptOutcome.DECLINED
    words = decline_of(attempt.decline_code).message if declined else NOTHING_CHARGED
    return CheckoutState(capture, CheckoutStatus.DECLINED, words, retry=True)
