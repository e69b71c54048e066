"""Before the charge: the attempt written down, then the card known to the PSP.

Each step is a transaction of its own, committed before the call that it prepares.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, bindparam, exists, select
from sqlalchemy.orm import Session, aliased, joinedload

from models.accounts import User
from models.accounts.site import site_url
from models.billing.buyer import BUYER_GONE, lock_buyer
from models.billing.capture_endpoint import CaptureEndpoint, CapturePurpose, CaptureStatus
from models.billing.customer import RUNNING, Customer
from models.billing.payment_attempt import AttemptOutcome, PaymentAttempt
from models.billing.provider import CardToRegister, ChargeRequest, PaymentOutcome, RegisteredCard
from models.billing.quote import Quote
from models.billing.settle_card import ENDED
from models.catalog import PaymentButton
from models.errors import Missing
from models.oversight import SYSTEM, emit
from models.session import keep

BOUGHT_MEANWHILE = "already_customer"
RETURN_PATH = "/checkout/return"


def prepare_attempt(session: Session, capture_id: UUID, *, now: datetime) -> PaymentAttempt | None:
    """Write down that the card of this try is about to be charged; None where it must not be.

    One try has one attempt, so whoever writes it is the only one to charge. It is not
    written for a checkout that is over, has no card yet, has an attempt for this try
    already, or whose buyer is gone, has the product or another charge of unknown outcome
    for it.
    """
    capture = keep(session, CaptureEndpoint.for_update(session, capture_id))
    if capture.status is not CaptureStatus.PENDING or capture.card_received_at is None:
        return None
    if now >= capture.expires_at:
        return None
    if capture.purpose is CapturePurpose.CARD:
        if attempt_of_try(session, capture) is not None or _has_ended(session, capture):
            return None
    elif _is_spoken_for(session, capture):
        return None
    attempt = PaymentAttempt(
        capture_id=capture.id,
        attempt_no=capture.try_no,
        idempotency_key=f"chk_{capture.id}_{capture.try_no}",
        amount=capture.amount,
        currency=capture.currency,
        outcome=AttemptOutcome.PENDING,
        psp_customer_id=capture.psp_customer_id,
        started_at=now,
    )
    session.add(attempt)
    return attempt


def attempt_of_try(session: Session, capture: CaptureEndpoint) -> PaymentAttempt | None:
    """The attempt of the checkout's current try, where one was made."""
    return session.scalar(_OF_TRY, {"capture_id": capture.id, "try_no": capture.try_no})


_OF_TRY = select(PaymentAttempt).where(
    PaymentAttempt.capture_id == bindparam("capture_id"),
    PaymentAttempt.attempt_no == bindparam("try_no"),
)


def _is_spoken_for(session: Session, capture: CaptureEndpoint) -> bool:
    """Whether this try has its attempt; or the buyer has the product, or may just have paid for
    it in another window; or whether their account was deleted meanwhile."""
    buyer = keep(session, lock_buyer(session, capture))
    was_tried, has_it, pays_elsewhere = session.execute(
        _SPOKEN_FOR,
        {
            "user_id": capture.user_id,
            "button_id": capture.button_id,
            "capture_id": capture.id,
            "try_no": capture.try_no,
        },
    ).one()
    if was_tried:
        return True
    if buyer.closed_at is not None:
        _end(session, capture, because=BUYER_GONE)
        return True
    if has_it:
        _end(session, capture, because=BOUGHT_MEANWHILE)
        return True
    return bool(pays_elsewhere)


_PRODUCT = (
    select(PaymentButton.product_id)
    .where(PaymentButton.id == bindparam("button_id"))
    .scalar_subquery()
)
_theirs = aliased(PaymentButton)
_SPOKEN_FOR = select(
    exists().where(
        PaymentAttempt.capture_id == bindparam("capture_id"),
        PaymentAttempt.attempt_no == bindparam("try_no"),
    ),
    exists().where(
        Customer.product_id == _PRODUCT,
        Customer.user_id == bindparam("user_id"),
        Customer.status.in_(RUNNING),
    ),
    exists().where(
        PaymentAttempt.outcome == AttemptOutcome.PENDING,
        CaptureEndpoint.id == PaymentAttempt.capture_id,
        CaptureEndpoint.user_id == bindparam("user_id"),
        CaptureEndpoint.id != bindparam("capture_id"),
        _theirs.id == CaptureEndpoint.button_id,
        _theirs.product_id == _PRODUCT,
    ),
)
"""Asks whether a try has its attempt, whether a buyer has a button's product, and whether
another checkout of theirs for it may be paid for right now."""


def lock_attempt(session: Session, attempt_id: UUID) -> tuple[CaptureEndpoint, PaymentAttempt]:
    """A checkout and its attempt, both locked until the transaction ends.

    The checkout is locked first, as by everyone who locks both. Raises Missing.
    """
    return _locked(session, _LOCKING, attempt_id)


def _locked(
    session: Session, locking: Select[CaptureEndpoint, PaymentAttempt], attempt_id: UUID
) -> tuple[CaptureEndpoint, PaymentAttempt]:
    found = session.execute(locking, {"attempt_id": attempt_id}).one_or_none()
    if found is None:
        raise Missing
    capture, attempt = found
    return keep(session, capture), attempt


_LOCKING = (
    select(CaptureEndpoint, PaymentAttempt)
    .join(PaymentAttempt, PaymentAttempt.capture_id == CaptureEndpoint.id)
    .where(PaymentAttempt.id == bindparam("attempt_id"))
    .with_for_update(of=(CaptureEndpoint, PaymentAttempt))
    .execution_options(populate_existing=True)
)
_LOCKING_WITH_BUYER = _LOCKING.options(joinedload(CaptureEndpoint.user, innerjoin=True))


def _has_ended(session: Session, capture: CaptureEndpoint) -> bool:
    """Whether the purchase that the card is meant for has ended meanwhile."""
    if Customer.get(session, capture.customer_id).is_running:
        return False
    _end(session, capture, because=ENDED)
    return True


def _end(session: Session, capture: CaptureEndpoint, *, because: str) -> None:
    capture.become(CaptureStatus.FAILED)
    capture.last_decline_code = because
    capture.vault_token = None
    emit(session, "billing.checkout_failed", capture, actor=SYSTEM, reason=because)


def card_of(session: Session, attempt: PaymentAttempt) -> CardToRegister:
    """What the PSP is told of the card of an attempt; the key makes a repetition harmless."""
    capture = CaptureEndpoint.get(session, attempt.capture_id)
    user = User.get(session, capture.user_id)
    return CardToRegister(
        key=f"reg_{capture.id}_{attempt.attempt_no}",
        vault_token=capture.vault_token or "",
        vault_reference=capture.vault_reference or "",
        reference=str(user.id),
        email=user.email,
        psp_customer_id=attempt.psp_customer_id,
    )


def record_registration(
    session: Session, attempt_id: UUID, card: RegisteredCard, *, now: datetime
) -> ChargeRequest | None:
    """Keep what the PSP made of the card and say what to charge; None where nothing is.

    Money has not moved: a registration without a sure answer ends the attempt as an error,
    and the buyer may try again.
    """
    capture, attempt = _locked(session, _LOCKING_WITH_BUYER, attempt_id)
    if attempt.outcome is not AttemptOutcome.PENDING or attempt.attempt_no != capture.try_no:
        return None
    if card.outcome is not PaymentOutcome.SUCCEEDED:
        _refuse(session, capture, attempt, card, now)
        return None
    attempt.psp_customer_id = capture.psp_customer_id = card.psp_customer_id
    capture.psp_payment_method_id = card.payment_method_id
    capture.card_fingerprint = card.fingerprint
    capture.brand, capture.last4 = card.brand or capture.brand, card.last4 or capture.last4
    capture.exp_month = card.exp_month or capture.exp_month
    capture.exp_year = card.exp_year or capture.exp_year
    return _charge(session, capture, attempt)


def _refuse(
    session: Session,
    capture: CaptureEndpoint,
    attempt: PaymentAttempt,
    card: RegisteredCard,
    now: datetime,
) -> None:
    declined = card.outcome is PaymentOutcome.DECLINED
    attempt.become(AttemptOutcome.DECLINED if declined else AttemptOutcome.ERROR)
    attempt.decline_code = card.decline_code
    attempt.message = card.error_code
    attempt.finished_at = now
    capture.last_decline_code = card.decline_code or card.error_code
    emit(
        session,
        "billing.payment_declined" if declined else "billing.payment_failed",
        capture,
        actor=SYSTEM,
        data={"attempt_no": attempt.attempt_no, "code": capture.last_decline_code},
    )


def _charge(session: Session, capture: CaptureEndpoint, attempt: PaymentAttempt) -> ChargeRequest:
    user = User.get(session, capture.user_id)
    return ChargeRequest(
        attempt_key=attempt.idempotency_key,
        amount=attempt.amount,
        currency=attempt.currency,
        psp_customer_id=capture.psp_customer_id or "",
        payment_method_id=capture.psp_payment_method_id or "",
        keeps_card=_keeps_card(capture),
        return_url=f"{site_url(user.platform)}{RETURN_PATH}/{capture.id}",
        description=f"{capture.quote['product_name']} · {capture.quote['plan_name']}",
        metadata={"capture_id": str(capture.id), "user_id": str(user.id)},
    )


def _keeps_card(capture: CaptureEndpoint) -> bool:
    """Whether the card will be charged again without its holder there."""
    if capture.purpose is CapturePurpose.CARD:
        return True
    quote = Quote.from_json(capture.quote)
    return bool(quote.interval.renews or quote.trial_days)
