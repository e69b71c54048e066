"""Sending the charges of opened attempts and settling what the PSP answers: compositions."""

import json
import logging
import time
from collections.abc import Sequence

from models import clock
from models.billing.choose_provider import current_provider
from models.billing.decline_codes import NO_CARD
from models.billing.note_event import PSP, explain_event, note_event
from models.billing.open_renewals import OpenedCharge
from models.billing.provider import Payment, PaymentOutcome
from models.billing.provider_event import EventOutcome
from models.billing.settle_invoices import Settled, Settlement, settle_invoices
from models.billing.several_at_once import ask_each
from models.billing.silence import SEND_WITHIN
from models.oversight import SYSTEM
from models.session import unit_of_work

log = logging.getLogger(__name__)


def send_charges(charges: Sequence[OpenedCharge]) -> list[Settled]:
    """Send charges that were written down just now, several at once where that is possible.

    What could not be sent soon is not sent at all, because whoever asks for it meanwhile is
    told that it never arrived. A client that crashed may have charged: that is UNKNOWN.
    """
    provider, opened_at = current_provider(), time.monotonic()

    def send(charge: OpenedCharge) -> Settled:
        if charge.request is None:
            payment = Payment(PaymentOutcome.DECLINED, decline_code=NO_CARD)
        elif time.monotonic() - opened_at > SEND_WITHIN.total_seconds():
            payment = Payment(PaymentOutcome.ERROR, error_code="not_sent")
        else:
            try:
                payment = provider.charge(charge.request)
            except Exception:
                log.exception("payment.crashed", extra={"attempt_id": str(charge.attempt_id)})
                payment = Payment(PaymentOutcome.UNKNOWN, error_code="crashed")
        return Settled(charge.attempt_id, payment)

    return ask_each(charges, send, at_once=provider.calls_at_once)


def settle_answers(settled: Sequence[Settled]) -> Settlement:
    """Settle answers in one transaction; what does not fit is kept for a person to explain."""
    with unit_of_work() as session:
        now = clock.now()
        result = settle_invoices(session, settled, actor=SYSTEM, now=now)
        payments = {word.attempt_id: word.payment for word in settled}
        for attempt_id, reason in result.to_explain.items():
            event = note_event(
                session,
                PSP,
                f"answer:{attempt_id}",
                kind="charge_answer",
                body=json.loads(payments[attempt_id].raw or "{}"),
                now=now,
            )
            explain_event(event, EventOutcome.OPEN, reason=reason, now=now)
    return result
