"""Resolving invoices' attempts of unknown outcome: asked about together, settled together.

A composition: who is asked about is written down and committed, then the PSP is asked,
several at once, then the answers are kept and settled. Nothing is ever charged here.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from models import clock
from models.billing.choose_provider import current_provider
from models.billing.due_renewals import UNDER_WAY
from models.billing.note_event import LOOK_UP, kept_body, tell_open
from models.billing.payment_attempt import PaymentAttempt
from models.billing.provider import Payment, PaymentOutcome
from models.billing.provider_event import EventOutcome, ProviderEvent
from models.billing.settle_invoices import Settled, Settlement, settle_invoices
from models.billing.several_at_once import ask_each, by_halves
from models.ids import new_id
from models.oversight import SYSTEM
from models.session import unit_of_work

log = logging.getLogger(__name__)

CHUNK = 500


def resolve_invoices(*, wait: timedelta) -> dict[str, int]:
    """Ask about every open attempt at an invoice that was not asked about within ``wait``.

    Answers how many were asked about, how many that settled, and how many crashed.
    """
    counts = {"asked": 0, "resolved": 0, "errors": 0}
    before = clock.now() - wait
    while True:
        with unit_of_work() as session:
            attempts = _take(session, before=before, now=clock.now())
        words = ask_each(attempts, _ask, at_once=current_provider().calls_at_once)
        kept = _keep(words)
        settlements, crashed = by_halves(words, partial(_settle, kept=kept))
        counts["asked"] += len(attempts)
        counts["resolved"] += sum(len(done.changed) for done in settlements)
        counts["errors"] += len(crashed)
        if len(attempts) < CHUNK:
            return counts


def _take(session: Session, *, before: datetime, now: datetime) -> Sequence[PaymentAttempt]:
    """The attempts asked about longest ago, marked as asked; whoever marks one asks."""
    asked_at = func.coalesce(PaymentAttempt.asked_at, PaymentAttempt.started_at)
    attempts = session.scalars(
        select(PaymentAttempt)
        .where(
            PaymentAttempt.outcome.in_(UNDER_WAY),
            PaymentAttempt.capture_id.is_(None),
            asked_at <= before,
        )
        .order_by(asked_at, PaymentAttempt.id)
        .limit(CHUNK)
        .with_for_update(skip_locked=True)
    ).all()
    for attempt in attempts:
        attempt.asked_at = now
    return attempts


def _ask(attempt: PaymentAttempt) -> Settled:
    try:
        return Settled(attempt.id, look_up(attempt))
    except Exception:
        log.exception("payment.look_up_crashed", extra={"attempt_id": str(attempt.id)})
        unknown = Payment(PaymentOutcome.UNKNOWN, attempt.idempotency_key, error_code="crashed")
        return Settled(attempt.id, unknown)


def look_up(attempt: PaymentAttempt) -> Payment:
    """The PSP's word; a card that it was never told of was never charged."""
    if attempt.psp_customer_id is None:
        return Payment(PaymentOutcome.NOT_FOUND, attempt.idempotency_key)
    return current_provider().look_up(
        attempt.idempotency_key,
        psp_customer_id=attempt.psp_customer_id,
        payment_id=attempt.psp_payment_id,
    )


def _keep(words: Sequence[Settled]) -> dict[UUID, UUID]:
    """Keep every answer before it is acted upon; answers the key of its row per attempt."""
    if not words:
        return {}
    now, keys = clock.now(), {word.attempt_id: new_id() for word in words}
    rows = [
        {
            "id": keys[word.attempt_id],
            "source": LOOK_UP,
            "external_id": f"{word.attempt_id}:{now.isoformat()}",
            "kind": word.payment.outcome.value,
            "body": kept_body(
                {name: value for name, value in asdict(word.payment).items() if name != "raw"}
            ),
            "received_at": now,
        }
        for word in words
    ]
    with unit_of_work() as session:
        session.execute(insert(ProviderEvent), rows)
    return keys


def _settle(words: Sequence[Settled], *, kept: Mapping[UUID, UUID]) -> Settlement:
    """Settle the answers and say with each what became of it, in one transaction."""
    with unit_of_work() as session:
        now = clock.now()
        done = settle_invoices(session, words, actor=SYSTEM, now=now)
        explained = [
            {"id": kept[word.attempt_id], **_explanation(word.attempt_id, done, now)}
            for word in words
        ]
        session.execute(update(ProviderEvent), explained)
        for attempt_id in done.to_explain:
            tell_open(session, ProviderEvent.get(session, kept[attempt_id]))
    return done


def _explanation(attempt_id: UUID, done: Settlement, now: datetime) -> dict[str, object]:
    reason = done.to_explain.get(attempt_id)
    if reason is not None:
        return {"outcome": EventOutcome.OPEN, "reason": reason, "handled_at": None}
    if attempt_id in done.changed:
        return {"outcome": EventOutcome.POSTED, "reason": None, "handled_at": now}
    return {"outcome": EventOutcome.IGNORED, "reason": "nothing_new", "handled_at": now}
