"""Telling a fact: its audit row and its outbox row, in the caller's transaction."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import inspect, text
from sqlalchemy.orm import Session

from models import clock
from models.base import Base, Json
from models.ids import new_id
from models.oversight.actor import Actor
from models.oversight.changes import changes_of, plain
from models.session import defer

DISPATCH = "oversight-dispatch"
AT_ONCE = 1000
"""How many facts one statement writes at the most."""

_WRITE = text(
    "WITH facts AS (SELECT * FROM jsonb_to_recordset(CAST(:facts AS jsonb)) AS fact ("
    "trail_id uuid, outbox_id uuid, kind text, subject_table text, subject_id text, data jsonb,"
    " request_id text, actor_id uuid, actor_role text, ip text, session_id uuid, reason text,"
    " before jsonb, after jsonb)), "
    "trail AS (INSERT INTO audit_events (id, at, action, subject_table, subject_id, actor_id,"
    " actor_role, ip, session_id, request_id, reason, before, after, data) "
    "SELECT trail_id, :at, kind, subject_table, subject_id, actor_id,"
    " actor_role, ip, session_id, request_id, reason, before, after, data FROM facts) "
    "INSERT INTO outbox_events (id, kind, subject_table, subject_id, data, request_id, created_at,"
    " attempts) "
    "SELECT outbox_id, kind, subject_table, subject_id, data, request_id, :at, 0 FROM facts"
)


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
        facts = session.info["facts"]
        for subject, data in told:
            before, after = changes_of(session, subject)
            facts.append(
                {
                    "kind": kind,
                    "subject_table": subject.__tablename__,
                    "subject_id": _key_of(subject),
                    "data": plain(data),
                    "request_id": actor.request_id,
                    "actor_id": _text(actor.user_id),
                    "actor_role": actor.role,
                    "ip": actor.ip,
                    "session_id": _text(actor.session_id),
                    "reason": reason,
                    "before": before,
                    "after": after,
                }
            )
    defer(session, DISPATCH)


@contextmanager
def told_together(session: Session) -> Iterator[None]:
    """Write the facts of a block at its end, in one statement; of the outermost block where
    they stand in one another. An exception leaves none."""
    if "facts" in session.info:
        yield
        return
    facts: list[Json] = []
    session.info["facts"] = facts
    try:
        yield
    finally:
        del session.info["facts"]
    if facts:
        session.flush()  # what changed is written no later than what tells of it
    for start in range(0, len(facts), AT_ONCE):
        _write(session, facts[start : start + AT_ONCE])


@contextmanager
def overheard(session: Session) -> Iterator[list[Json]]:
    """The facts that a block writes down, each with its kind, subject and data: for a preview,
    which takes them back and tells what would have followed."""
    heard: list[Json] = []
    session.info["overheard"] = heard
    try:
        yield heard
    finally:
        del session.info["overheard"]


def _write(session: Session, facts: list[Json]) -> None:
    session.info.get("overheard", []).extend(facts)
    rows = [fact | {"trail_id": str(new_id()), "outbox_id": str(new_id())} for fact in facts]
    session.execute(_WRITE, {"facts": json.dumps(rows), "at": clock.now()})


def _key_of(subject: Base) -> str:
    return ",".join(str(part) for part in inspect(type(subject)).primary_key_from_instance(subject))


def _text(key: UUID | None) -> str | None:
    return None if key is None else str(key)
