"""Resolving what is not known: asking the PSP about open attempts, finding forgotten cards.

Compositions: the question is written down and committed, asked, and the answer settled in
further units of work. Nothing is ever charged anew here.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from models import clock
from models.billing.capture_endpoint import CaptureEndpoint, CaptureStatus
from models.billing.checkout_state import CheckoutState, checkout_state
from models.billing.complete_checkout import complete_checkout
from models.billing.note_event import LOOK_UP, explain_event, note_event
from models.billing.payment_attempt import AttemptOutcome, PaymentAttempt
from models.billing.prepare_attempt import attempt_of_try
from models.billing.provider_event import EventOutcome
from models.billing.record_word import record_word
from models.billing.resolve_invoices import look_up, resolve_invoices
from models.oversight import SYSTEM
from models.session import staff_reading, unit_of_work

log = logging.getLogger(__name__)

BETWEEN_LOOKS = timedelta(seconds=10)
BACK_FROM_BANK = timedelta(seconds=2)
FORGOTTEN_AFTER = timedelta(seconds=5)
OPEN = (AttemptOutcome.PENDING, AttemptOutcome.NEEDS_ACTION)
BATCH = 200


def resolve_unknown() -> dict[str, int]:
    """Ask about every open attempt that was not asked about a moment ago, and charge cards
    whose job was lost. One that crashes is counted among ``errors`` and stops nobody."""
    counts = {"asked": 0, "resolved": 0, "found": 0, "errors": 0}
    with staff_reading() as session:
        now = clock.now()
        attempts = open_attempts(session, before=now - BETWEEN_LOOKS)
        forgotten = forgotten_cards(session, before=now - FORGOTTEN_AFTER, now=now)
    for attempt_id in attempts:
        counts["asked"] += 1
        with _apart(counts, attempt_id=attempt_id):
            counts["resolved"] += ask_about(attempt_id, wait=BETWEEN_LOOKS)
    for capture_id in forgotten:
        counts["found"] += 1
        with _apart(counts, capture_id=capture_id):
            complete_checkout(capture_id)
    for name, count in resolve_invoices(wait=BETWEEN_LOOKS).items():
        counts[name] += count
    return counts


@contextmanager
def _apart(counts: dict[str, int], **which: UUID) -> Iterator[None]:
    """Let a crash end with its own row, which the next run finds again."""
    try:
        yield
    except Exception:
        log.exception("payment.not_resolved", extra={name: str(key) for name, key in which.items()})
        counts["errors"] += 1


def look_into(capture_id: UUID, *, back_from_bank: bool = False) -> CheckoutState:
    """Where a checkout stands, after asking the PSP where that is due. Raises Missing.

    A page may ask every second: the PSP is asked every ten at most, and at once when the
    buyer comes back from the bank. A card whose job is late is charged here.
    """
    with staff_reading() as session:
        now = clock.now()
        state = checkout_state(session, capture_id, now=now)
        attempt = attempt_of_try(session, state.capture)
    capture = state.capture
    if attempt is not None and attempt.is_open:
        if not ask_about(attempt.id, wait=BACK_FROM_BANK if back_from_bank else BETWEEN_LOOKS):
            return state
    elif attempt is None and _is_forgotten(capture, now):
        complete_checkout(capture_id)
    else:
        return state
    with staff_reading() as session:
        return checkout_state(session, capture_id, now=clock.now())


def _is_forgotten(capture: CaptureEndpoint, now: datetime) -> bool:
    return (
        capture.status is CaptureStatus.PENDING
        and capture.card_received_at is not None
        and capture.card_received_at + FORGOTTEN_AFTER <= now < capture.expires_at
    )


def ask_about(attempt_id: UUID, *, wait: timedelta) -> bool:
    """Ask the PSP what became of an attempt, and settle it; True where that changed it.

    Whoever marks it asked is the one to ask: others within ``wait`` go without.
    """
    with unit_of_work() as session:
        asked_at = clock.now()
        attempt = PaymentAttempt.for_update(session, attempt_id)
        if not attempt.is_open or (attempt.asked_at or attempt.started_at) > asked_at - wait:
            return False
        attempt.asked_at = asked_at
    payment = look_up(attempt)
    with unit_of_work() as session:
        event = note_event(
            session,
            LOOK_UP,
            f"{attempt_id}:{asked_at.isoformat()}",
            kind=payment.outcome.value,
            body={name: value for name, value in asdict(payment).items() if name != "raw"},
            now=clock.now(),
        )
    with unit_of_work() as session:
        now = clock.now()
        recorded = record_word(session, attempt_id, payment, actor=SYSTEM, now=now)
        session.add(event)
        if recorded.to_explain is not None:
            explain_event(event, EventOutcome.OPEN, reason=recorded.to_explain, now=now)
        elif recorded.changed:
            explain_event(event, EventOutcome.POSTED, reason=None, now=now)
        else:
            explain_event(event, EventOutcome.IGNORED, reason="nothing_new", now=now)
    return recorded.changed


def open_attempts(session: Session, *, before: datetime) -> Sequence[UUID]:
    """Checkouts' attempts of unknown outcome, last asked about before an instant.

    Whoever has waited longest comes first, so that a run cut short forgets nobody.
    """
    asked_at = func.coalesce(PaymentAttempt.asked_at, PaymentAttempt.started_at)
    return session.scalars(
        select(PaymentAttempt.id)
        .where(
            PaymentAttempt.outcome.in_(OPEN),
            PaymentAttempt.capture_id.is_not(None),
            asked_at <= before,
        )
        .order_by(asked_at, PaymentAttempt.id)
        .limit(BATCH)
    ).all()


def oldest_unknown() -> Select[Any]:
    """Asks since when the oldest open attempt, or the oldest card without one, waits."""
    attempts = select(func.min(PaymentAttempt.started_at)).where(PaymentAttempt.outcome.in_(OPEN))
    cards = select(func.min(CaptureEndpoint.card_received_at)).where(
        CaptureEndpoint.status == CaptureStatus.PENDING
    )
    return select(func.least(attempts.scalar_subquery(), cards.scalar_subquery()))


def forgotten_cards(session: Session, *, before: datetime, now: datetime) -> Sequence[UUID]:
    """Checkouts whose card came before an instant and was never charged, still in time."""
    tried = select(PaymentAttempt.id).where(
        PaymentAttempt.capture_id == CaptureEndpoint.id,
        PaymentAttempt.attempt_no == CaptureEndpoint.try_no,
    )
    return session.scalars(
        select(CaptureEndpoint.id)
        .where(
            CaptureEndpoint.status == CaptureStatus.PENDING,
            CaptureEndpoint.card_received_at <= before,
            CaptureEndpoint.expires_at > now,
            ~tried.exists(),
        )
        .order_by(CaptureEndpoint.id)
        .limit(BATCH)
    ).all()
