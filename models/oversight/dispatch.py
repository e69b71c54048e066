"""Fan-out of the outbox: each waiting event is told to each of its listeners exactly once."""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, exists, select, update
from sqlalchemy.orm import Session

from models.oversight.outbox import OutboxDelivery, OutboxEvent

log = logging.getLogger(__name__)

Listener = Callable[[Session, OutboxEvent], None]
Listeners = Mapping[str, Sequence[Listener]]

CHUNK = 50
FIRST_WAIT = timedelta(seconds=10)
LONGEST_WAIT = timedelta(hours=1)
LONGEST_AFTER = 9
"""So many failures reach the longest wait; doubling on would one day overflow, and stop all."""


def dispatch_events(session: Session, listeners: Listeners, *, now: datetime) -> dict[str, int]:
    """Tell a chunk of waiting events; answers how many were told and how many listeners failed.

    Events under way in another transaction are left to it. A listener's delivery row and
    its effect are one savepoint: both stand or neither, and a listener that has its row is
    not called again. One that fails stops nobody; its event waits twice as long each time,
    up to an hour.
    """
    _close_silent(session, listeners, now)
    told = failed = 0
    for event in _waiting(session, now):
        errors = [
            error
            for listener in listeners.get(event.kind, ())
            if (error := _tell(session, event, listener, now)) is not None
        ]
        if errors:
            doubled = FIRST_WAIT * 2 ** min(event.attempts, LONGEST_AFTER)
            event.next_try_at = now + min(doubled, LONGEST_WAIT)
            event.attempts += 1
            event.last_error = "; ".join(errors)[:2000]
            failed += len(errors)
        else:
            event.dispatched_at, event.last_error = now, None
            told += 1
    return {"told": told, "errors": failed}


def has_waiting_events(session: Session, *, now: datetime) -> bool:
    """Whether an event waits to be told and its time for a further try has come."""
    return bool(session.scalar(select(exists().where(*_due(now)))))


def _close_silent(session: Session, listeners: Listeners, now: datetime) -> None:
    """Close in one statement every event that nobody listens to."""
    heard = [kind for kind, told in listeners.items() if told]
    silent = (
        select(OutboxEvent.id)
        .where(OutboxEvent.dispatched_at.is_(None), OutboxEvent.kind.not_in(heard))
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    session.execute(
        update(OutboxEvent)
        .where(OutboxEvent.id.in_(silent))
        .values(dispatched_at=now)
        .execution_options(synchronize_session=False)
    )


def _waiting(session: Session, now: datetime) -> Sequence[OutboxEvent]:
    return session.scalars(
        select(OutboxEvent)
        .where(*_due(now))
        .order_by(OutboxEvent.id)
        .limit(CHUNK)
        .with_for_update(skip_locked=True)
    ).all()


def _due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        OutboxEvent.dispatched_at.is_(None),
        OutboxEvent.next_try_at.is_(None) | (OutboxEvent.next_try_at <= now),
    )


def _tell(session: Session, event: OutboxEvent, listener: Listener, now: datetime) -> str | None:
    """Tell one listener once; the words of its failure, or None."""
    name = listener.__name__
    if session.get(OutboxDelivery, (event.id, name)) is not None:
        return None
    try:
        with session.begin_nested():
            session.add(OutboxDelivery(event_id=event.id, listener=name, delivered_at=now))
            listener(session, event)
    except Exception as failure:
        log.exception("outbox.listener_failed", extra={"listener": name, "kind": event.kind})
        return f"{name}: {type(failure).__name__}: {failure}"
    return None
