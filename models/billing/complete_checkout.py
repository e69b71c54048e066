"""Completing a checkout once its card has come: register, write down, charge, record.

A composition: each step is a unit of work of its own and the calls stand between them, so
that whatever dies in between leaves a row that says how far it got.
"""

import json
import logging
from uuid import UUID

from sqlalchemy import bindparam, update

from models import clock
from models.billing.capture_endpoint import CaptureEndpoint, CaptureStatus
from models.billing.choose_provider import current_provider
from models.billing.note_event import PSP, explain_event, note_event
from models.billing.prepare_attempt import card_of, prepare_attempt, record_registration
from models.billing.provider import Payment, ProviderUnavailable
from models.billing.provider_event import EventOutcome
from models.billing.record_answer import record_answer
from models.oversight import SYSTEM
from models.session import unit_of_work

log = logging.getLogger(__name__)


def complete_checkout(capture_id: UUID) -> None:
    """Charge a checkout's card, once, and settle what the PSP answers.

    Called by the job, by whoever finds the queue away, and by the sweep; only the one that
    writes the attempt charges, all others find it written and go.
    """
    provider = current_provider()
    with unit_of_work() as session:
        attempt = prepare_attempt(session, capture_id, now=clock.now())
        card = card_of(session, attempt) if attempt is not None else None
        capture = CaptureEndpoint.get(session, capture_id)
        form, over = capture.vault_capture_id, capture.status is CaptureStatus.FAILED
        is_open = capture.capture_url is not None
    if attempt is None or card is None:
        if over and is_open:
            close_card_form(capture_id, form)
        return
    registered = provider.register_card(card)
    with unit_of_work() as session:
        charge = record_registration(session, attempt.id, registered, now=clock.now())
    if charge is not None:
        record_charge(attempt.id, provider.charge(charge))
    close_card_form(capture_id, form)


def record_charge(attempt_id: UUID, payment: Payment) -> None:
    """Settle the PSP's answer to a charge; what does not fit is kept for a person to explain."""
    with unit_of_work() as session:
        now = clock.now()
        recorded = record_answer(session, attempt_id, payment, actor=SYSTEM, now=now)
        if recorded.to_explain is None:
            return
        event = note_event(
            session,
            PSP,
            f"answer:{attempt_id}",
            kind="charge_answer",
            body=json.loads(payment.raw or "{}"),
            now=now,
        )
        explain_event(event, EventOutcome.OPEN, reason=recorded.to_explain, now=now)


def close_card_form(capture_id: UUID, form: str | None) -> None:
    """Take away a card form that has done its work; one that cannot be is left to its expiry."""
    if form is None:
        return
    try:
        current_provider().close_capture(form)
    except ProviderUnavailable:
        log.warning("vault.form_left_open", extra={"capture_id": str(capture_id)})
        return
    with unit_of_work() as session:
        session.execute(_FORGET_FORM, {"key": capture_id, "form": form})


_FORGET_FORM = (
    update(CaptureEndpoint)
    .where(
        CaptureEndpoint.id == bindparam("key"),
        CaptureEndpoint.vault_capture_id == bindparam("form"),
    )
    .values(capture_url=None)
    .execution_options(synchronize_session=False)
)
