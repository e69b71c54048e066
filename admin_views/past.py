"""A record's history in words: what happened, who did it, each value before and after."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext
from sqlalchemy import DateTime, Enum, Table, select
from sqlalchemy.orm import Session

from admin_views.formats import euros, moment
from admin_views.happenings import ACTORS, HAPPENINGS
from admin_views.labels import label_of
from admin_views.words import STATUSES, status_words
from models.accounts import User, UserType
from models.oversight import AuditEvent, history_of
from models.oversight.changes import HIDDEN

AMOUNTS = ("amount", "_fee", "total")
"""How the names of columns that hold cents end."""


@dataclass
class Past:
    """One line of a history; ``changes`` are (column's label, value before, value after)."""

    event: AuditEvent
    what: str
    by: str
    changes: list[tuple[str, str, str]]


def past_of(session: Session, table: Table, key: str, hidden: set[str]) -> list[Past]:
    """What the audit trail says of a record, newest first, without the columns to hide."""
    events = history_of(session, table.name, key)
    names = who_did(session, events)
    return [
        Past(event, what_happened(event.action), by, changes_of(event, table, hidden))
        for event, by in zip(events, names, strict=True)
    ]


def what_happened(kind: str) -> str:
    """An event's kind in words; one without words by its code."""
    known = HAPPENINGS.get(kind)
    return gettext(known) if known else kind


def who_did(session: Session, events: Sequence[AuditEvent]) -> list[str]:
    """Who acted in each event, by email; a process or a stranger in words."""
    people = {event.actor_id for event in events if event.actor_id}
    names: dict[Any, str] = {}
    if people:
        found = session.execute(select(User.id, User.email).where(User.id.in_(people)))
        names = {each.id: each.email for each in found}
    return [names.get(event.actor_id) or role_words(event.actor_role) for event in events]


def role_words(role: str) -> str:
    """The role somebody acted in; a process by what it is."""
    if role in ACTORS:
        return gettext(ACTORS[role])
    return status_words(UserType, role)[0] if role in STATUSES["UserType"] else role


def changes_of(event: AuditEvent, table: Table, hidden: set[str]) -> list[tuple[str, str, str]]:
    """What an event changed, column by column, but for what the reader may not see."""
    keys = dict.fromkeys([*event.before, *event.after])
    return [
        (
            label_of(key),
            past_value(table, key, event.before.get(key)),
            past_value(table, key, event.after.get(key)),
        )
        for key in keys
        if key not in hidden
    ]


def past_value(table: Table, name: str, value: Any) -> str:
    """A value that the audit trail kept as JSON, as its column reads elsewhere."""
    column = table.columns.get(name)
    kind = None if column is None else column.type
    if value is None or value == "":
        return "–"
    if value == HIDDEN:
        return HIDDEN
    if isinstance(kind, Enum):
        return status_words(kind.enum_class, value)[0]
    if isinstance(kind, DateTime):
        return moment(datetime.fromisoformat(value))
    return value_words(name, value)


def value_words(name: str, value: Any) -> str:
    """A plain value in words: yes and no, cents in euros, structures as JSON."""
    if isinstance(value, bool):
        return gettext("Yes") if value else gettext("No")
    if isinstance(value, int) and name.endswith(AMOUNTS):
        return euros(value)
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
