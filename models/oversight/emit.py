"""Telling a fact: its audit row and its outbox row, in the caller's transaction."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

from sqlalchemy import Table, insert, inspect
from sqlalchemy.orm import Session

from models.base import Base
from models.oversight.actor import Actor
from models.oversight.audit import AuditEvent
from models.oversight.changes import changes_of, plain
from models.oversight.outbox import OutboxEvent
from models.session import defer

DISPATCH = "oversight-dispatch"

_INTO_TRAIL = insert(cast(Table, AuditEvent.__table__))
_INTO_OUTBOX = insert(cast(Table, OutboxEvent.__table__))

Rows = list[dict[str, Any]]


def emit(
    session: Session,
    kind: str,
    subject: Base,
    *,
    actor: Actor,
    data: dict[str, Any] | None = None,
    reason: str | None = None,
) -> None:
    """Record that ``kind`` (``area.happened``) befell ``subject`` and who did it.

    Writes the audit row, with the subject's changed columns before and after, and the
    outbox row that listeners follow. Nothing is sent from here: the dispatch job is only
    asked for, and a sweep finds the row where the queue was away.
    """
    emit_all(session, kind, [(subject, data or {})], actor=actor, reason=reason)


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
    with told_together(session):
        trail, waiting = session.info["facts"]
        for subject, data in told:
            before, after = changes_of(session, subject)
            about = {
                "subject_table": subject.__tablename__,
                "subject_id": _key_of(subject),
                "data": plain(data),
                "request_id": actor.request_id,
            }
            act = {
                "action": kind,
                "actor_id": actor.user_id,
                "actor_role": actor.role,
                "ip": actor.ip,
                "session_id": actor.session_id,
                "reason": reason,
                "before": before,
                "after": after,
            }
            trail.append(about | act)
            waiting.append(about | {"kind": kind})
    defer(session, DISPATCH)


@contextmanager
def told_together(session: Session) -> Iterator[None]:
    """Write the facts of a block at its end, in two statements; of the outermost block where
    they stand in one another. An exception leaves none."""
    if "facts" in session.info:
        yield
        return
    facts: tuple[Rows, Rows] = ([], [])
    session.info["facts"] = facts
    try:
        yield
    finally:
        del session.info["facts"]
    trail, waiting = facts
    if trail:
        session.flush()  # what changed is written no later than what tells of it
        session.execute(_INTO_TRAIL, trail)
        session.execute(_INTO_OUTBOX, waiting)


def _key_of(subject: Base) -> str:
    return ",".join(str(part) for part in inspect(type(subject)).primary_key_from_instance(subject))
