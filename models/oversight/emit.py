"""Telling a fact: its audit row and its outbox row, in the caller's transaction."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert, inspect
from sqlalchemy.orm import Session

from models.base import Base
from models.oversight.actor import Actor
from models.oversight.audit import AuditEvent
from models.oversight.changes import changes_of, plain
from models.oversight.outbox import OutboxEvent
from models.session import defer

DISPATCH = "oversight-dispatch"


def emit(
    session: Session,
    kind: str,
    subject: Base,
    *,
    actor: Actor,
    data: dict[str, Any] | None = None,
    reason: str | None = None,
) -> OutboxEvent:
    """Record that ``kind`` (``area.happened``) befell ``subject`` and who did it.

    Writes the audit row, with the subject's changed columns before and after, and the
    outbox row that listeners follow. Nothing is sent from here: the dispatch job is only
    asked for, and a sweep finds the row where the queue was away. Whoever has put off
    flushing keeps it put off, so that several facts are written at once.
    """
    if session.autoflush:
        session.flush()
    before, after = changes_of(session, subject)
    table, key = subject.__tablename__, _key_of(subject)
    told = plain(data or {})
    session.add(
        AuditEvent(
            action=kind,
            subject_table=table,
            subject_id=key,
            actor_id=actor.user_id,
            actor_role=actor.role,
            ip=actor.ip,
            session_id=actor.session_id,
            request_id=actor.request_id,
            reason=reason,
            before=before,
            after=after,
            data=told,
        )
    )
    event = OutboxEvent(
        kind=kind, subject_table=table, subject_id=key, data=told, request_id=actor.request_id
    )
    session.add(event)
    defer(session, DISPATCH)
    return event


def emit_all(
    session: Session,
    kind: str,
    told: Sequence[tuple[Base, dict[str, Any]]],
    *,
    actor: Actor,
    reason: str | None = None,
) -> None:
    """Record the same kind of fact of many subjects, each with its own data, in few statements.

    Each leaves the rows that ``emit`` would have written.
    """
    if not told:
        return
    session.flush()
    trail: list[dict[str, Any]] = []
    waiting: list[dict[str, Any]] = []
    for subject, data in told:
        before, after = changes_of(session, subject)
        about = {
            "subject_table": subject.__tablename__,
            "subject_id": _key_of(subject),
            "data": plain(data),
            "request_id": actor.request_id,
        }
        trail.append(
            about
            | {
                "action": kind,
                "actor_id": actor.user_id,
                "actor_role": actor.role,
                "ip": actor.ip,
                "session_id": actor.session_id,
                "reason": reason,
                "before": before,
                "after": after,
            }
        )
        waiting.append(about | {"kind": kind})
    session.execute(insert(AuditEvent), trail)
    session.execute(insert(OutboxEvent), waiting)
    defer(session, DISPATCH)


def _key_of(subject: Base) -> str:
    return ",".join(str(part) for part in inspect(type(subject)).primary_key_from_instance(subject))
