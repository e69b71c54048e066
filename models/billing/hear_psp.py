"""Hearing the PSP: its webhooks checked, kept, and settled like any other word of its."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import clock
from models.billing.choose_provider import current_provider
from models.billing.hear_refund import hear_charge, hear_refund
from models.billing.note_event import PSP, explain_event, note_event
from models.billing.payment_attempt import PaymentAttempt
from models.billing.provider import Payment, PspEvent
from models.billing.provider_event import EventOutcome, ProviderEvent
from models.billing.record_word import record_word
from models.oversight import SYSTEM
from models.session import unit_of_work

HEEDED = frozenset(
    {
        "payment_intent.succeeded",
        "payment_intent.payment_failed",
        "payment_intent.requires_action",
        "payment_intent.processing",
        "payment_intent.canceled",
        "setup_intent.succeeded",
        "setup_intent.setup_failed",
        "setup_intent.requires_action",
        "setup_intent.canceled",
    }
)
"""Kinds whose snapshot says what became of a charge; in others (``created``) it is half made."""

DISPUTED = frozenset({"charge.dispute.created", "charge.dispute.closed"})
"""Kinds that say that a holder has their bank take a payment back, and how that ended."""

CHARGE_REFUNDED = "charge.refunded"

SUBSCRIBED = (
    HEEDED | DISPUTED | {CHARGE_REFUNDED, "refund.created", "refund.updated", "refund.failed"}
)
"""What our endpoint at the PSP wants to be told; docs/deployment.md lists them for a person."""


def hear_psp(raw: bytes, header: str | None) -> EventOutcome:
    """Act on one webhook; a repeated delivery is counted and changes nothing.

    Kept before it is acted upon: where acting fails, it stays ``open`` and the PSP's next
    delivery tries again. Raises BadSignature.
    """
    event = current_provider().verify_psp_webhook(raw, header)
    with unit_of_work() as session:
        kept = note_event(
            session, PSP, event.event_id, kind=event.kind, body=dict(event.body), now=clock.now()
        )
    with unit_of_work() as session:
        row = ProviderEvent.for_update(session, kept.id)
        if row.outcome is EventOutcome.OPEN:
            _act(session, row, event, clock.now())
        return row.outcome


def _act(session: Session, row: ProviderEvent, event: PspEvent, now: datetime) -> None:
    if event.refund is not None:
        hear_refund(session, row, event.refund, now=now)
        return
    if event.charge is not None and event.kind == CHARGE_REFUNDED:
        hear_charge(session, row, event.charge, now=now)
        return
    if event.kind in DISPUTED:
        explain_event(row, EventOutcome.OPEN, reason="disputed", now=now)
        return
    if event.payment is None or event.kind not in HEEDED:
        explain_event(row, EventOutcome.IGNORED, reason="not_about_a_charge", now=now)
        return
    attempt = attempt_named(session, event.payment)
    if attempt is None:
        explain_event(row, EventOutcome.OPEN, reason="unknown_payment", now=now)
        return
    recorded = record_word(session, attempt.id, event.payment, actor=SYSTEM, now=now)
    if recorded.to_explain is not None:
        explain_event(row, EventOutcome.OPEN, reason=recorded.to_explain, now=now)
    elif recorded.changed:
        explain_event(row, EventOutcome.POSTED, reason=None, now=now)
    else:
        explain_event(row, EventOutcome.DUPLICATE, reason="known_already", now=now)


def attempt_named(session: Session, payment: Payment) -> PaymentAttempt | None:
    """The attempt that a payment is of, by our key, else by the PSP's."""
    if payment.attempt_key:
        found = session.scalar(
            select(PaymentAttempt).where(PaymentAttempt.idempotency_key == payment.attempt_key)
        )
        if found is not None:
            return found
    if payment.payment_id is None:
        return None
    return session.scalar(
        select(PaymentAttempt).where(PaymentAttempt.psp_payment_id == payment.payment_id).limit(1)
    )
