"""Another card on the same checkout, until it expires."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from models.billing.capture_endpoint import CaptureEndpoint, CaptureStatus
from models.billing.payment_attempt import AttemptOutcome
from models.billing.prepare_attempt import attempt_of_try
from models.billing.start_checkout import CheckoutOver
from models.errors import N_, DomainError
from models.oversight import Actor, emit


class StillUnderWay(DomainError):
    """What became of the card before is not known yet, or it was paid."""

    code = "still_under_way"
    message = N_("Your last payment is still being checked. Wait a moment before another card.")


def retry_card(
    session: Session, capture_id: UUID, *, actor: Actor, now: datetime
) -> CaptureEndpoint:
    """Begin another try after a decline or an error; the card before is forgotten.

    A checkout whose form still waits for a card keeps its try. Raises CheckoutOver once it
    has expired or ended, StillUnderWay while the last attempt may still become a payment.
    """
    capture = CaptureEndpoint.for_update(session, capture_id)
    if capture.status is not CaptureStatus.PENDING or now >= capture.expires_at:
        raise CheckoutOver
    if capture.card_received_at is None:
        return capture
    attempt = attempt_of_try(session, capture)
    if attempt is None or attempt.outcome not in (AttemptOutcome.DECLINED, AttemptOutcome.ERROR):
        raise StillUnderWay
    capture.try_no += 1
    capture.card_received_at = None
    capture.vault_token = capture.vault_reference = None
    capture.psp_payment_method_id = capture.card_fingerprint = None
    capture.brand = capture.last4 = ""
    capture.exp_month = capture.exp_year = None
    capture.vault_capture_id = capture.capture_url = capture.capture_secret_hash = None
    emit(
        session,
        "billing.card_retried",
        capture,
        actor=actor,
        data={"try_no": capture.try_no, "after": capture.last_decline_code},
    )
    return capture
