"""Telling a button's endpoint of a fact: queueing it, taking it up, and what it answered.

Delivered as Standard Webhooks says: the same id on every try, a new time stamp, tries
spread over three days, an endpoint that answers 410 closed.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, joinedload

from models.base import Json
from models.catalog.payment_button import PaymentButton
from models.catalog.webhook_delivery import WebhookDelivery, WebhookStatus
from models.ids import new_id
from models.oversight import Actor, emit
from models.session import defer

SEND = "catalog-send-webhooks"
LEASE = timedelta(minutes=2)
WAITS = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
)
"""Before each further try, beside up to a tenth more so that tries do not come in a crowd."""

MOST_TRIES = len(WAITS) + 1

GONE = 410


@dataclass(frozen=True)
class Answered:
    """What an endpoint said: its status, or ``error`` where there was no answer at all."""

    status: int | None = None
    error: str = ""
    wait: timedelta | None = None

    @property
    def is_fine(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def queue_webhook(
    session: Session,
    button: PaymentButton,
    *,
    event_id: UUID,
    kind: str,
    data: Json,
    happened_at: datetime,
    now: datetime,
) -> None:
    """Have a button's endpoint told, where it has one. A second call for an event does nothing."""
    if not button.webhook_url or not button.webhook_secret:
        return
    session.execute(
        insert(WebhookDelivery)
        .values(
            id=new_id(),
            button_id=button.id,
            event_id=event_id,
            kind=kind,
            url=button.webhook_url,
            data=data,
            happened_at=happened_at,
            next_try_at=now,
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=["button_id", "event_id"])
    )
    defer(session, SEND)


def take_due_webhook(session: Session, *, now: datetime) -> WebhookDelivery | None:
    """The delivery that has waited longest with its button, leased to the caller; None if none.

    Where no answer is ever written down, because the worker that waits for it is killed each
    time, the lease itself is the wait for the next try, and a delivery without further ones
    is given up here.
    """
    while (delivery := _longest_waiting(session, now)) is not None:
        if delivery.attempts < MOST_TRIES:
            delivery.next_try_at = now + max((LEASE, *WAITS[delivery.attempts :][:1]))
            delivery.attempts += 1
            return delivery
        delivery.status = WebhookStatus.FAILED
        delivery.last_error = delivery.last_error or "no answer was ever written down"
        session.flush()
    return None


def _longest_waiting(session: Session, now: datetime) -> WebhookDelivery | None:
    return session.scalar(
        select(WebhookDelivery)
        .where(WebhookDelivery.status == WebhookStatus.QUEUED, WebhookDelivery.next_try_at <= now)
        .order_by(WebhookDelivery.next_try_at)
        .limit(1)
        .options(joinedload(WebhookDelivery.button, innerjoin=True))
        .with_for_update(skip_locked=True, of=WebhookDelivery)
    )


def note_answer(
    session: Session,
    delivery_id: UUID,
    answered: Answered,
    *,
    actor: Actor,
    now: datetime,
    chance: Callable[[], float] = random.random,
) -> WebhookDelivery:
    """Write down what an endpoint answered: delivered, to be tried again, given up, or gone."""
    delivery = WebhookDelivery.for_update(session, delivery_id)
    if delivery.status is not WebhookStatus.QUEUED:
        return delivery
    delivery.answer_status, delivery.last_error = answered.status, answered.error[:2000] or None
    if answered.is_fine:
        delivery.status, delivery.delivered_at = WebhookStatus.DELIVERED, now
    elif answered.status == GONE:
        delivery.status = WebhookStatus.FAILED
        _close_endpoint(session, delivery, actor=actor)
    elif delivery.attempts >= MOST_TRIES:
        delivery.status = WebhookStatus.FAILED
    else:
        wait = WAITS[delivery.attempts - 1]
        jitter = timedelta(seconds=int(wait.total_seconds() * chance() / 10))
        delivery.next_try_at = now + max(wait + jitter, answered.wait or timedelta())
    return delivery


def _close_endpoint(session: Session, delivery: WebhookDelivery, *, actor: Actor) -> None:
    """Stop telling an endpoint that says it is gone; a new address given meanwhile stays."""
    button = PaymentButton.for_update(session, delivery.button_id)
    if button.webhook_url != delivery.url:
        return
    button.webhook_url = None
    session.execute(
        update(WebhookDelivery)
        .where(
            WebhookDelivery.button_id == button.id,
            WebhookDelivery.url == delivery.url,
            WebhookDelivery.status == WebhookStatus.QUEUED,
        )
        .values(status=WebhookStatus.FAILED, last_error="the endpoint is gone")
        .execution_options(synchronize_session=False)
    )
    data: dict[str, Any] = {"url": delivery.url}
    emit(session, "catalog.webhook_closed", button, actor=actor, data=data)
