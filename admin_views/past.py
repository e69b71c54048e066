"""A record's history in words: what happened, who did it, each value before and after."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from flask_babel import gettext
from markupsafe import Markup, escape
from sqlalchemy import DateTime, Enum, Numeric, Table, select
from sqlalchemy.orm import Session

from admin_views.formats import PLAIN, Format, Percent, decimal, moment
from admin_views.happenings import ACTORS, HAPPENINGS, REASONS
from admin_views.labels import label_of
from admin_views.structures import FRACTIONS, KEY, Finder, structure, value_words
from admin_views.words import STATUSES, status_words
from models.accounts import User, UserType
from models.oversight import AuditEvent, history_of
from models.oversight.changes import HIDDEN

Change = tuple[str, Markup | str, Markup | str]


@dataclass
class Past:
    """One line of a history; ``changes`` are (column's label, value before, value after).

    A value before is empty where the record was only made then.
    """

    event: AuditEvent
    what: str
    by: str
    changes: list[Change]


def past_of(
    session: Session, table: Table, key: str, formats: Mapping[str, Format | None], find: Finder
) -> list[Past]:
    """What the audit trail says of a record, newest first.

    ``formats`` are the columns' ways of reading, without those that the reader may not see;
    ``find`` names the records that a column points at.
    """
    events = history_of(session, table.name, key)
    names = who_did(session, events)
    return [
        Past(event, what_happened(event.action), by, told_changes(event, table, formats, find))
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


def reason_words(reason: str) -> str:
    """Why something happened: what a person wrote, or the words of a code."""
    known = REASONS.get(reason)
    return gettext(known) if known else reason


def role_words(role: str) -> str:
    """The role somebody acted in; a process by what it is."""
    if role in ACTORS:
        return gettext(ACTORS[role])
    return status_words(UserType, role)[0] if role in STATUSES["UserType"] else role


def changes_of(event: AuditEvent, table: Table) -> list[tuple[str, str, str]]:
    """What an event changed, column by column, in words without markup."""
    keys = dict.fromkeys([*event.before, *event.after])
    return [
        (
            label_of(key),
            past_value(table, key, event.before.get(key)) or "–",
            past_value(table, key, event.after.get(key)) or "–",
        )
        for key in keys
    ]


def told_changes(
    event: AuditEvent, table: Table, formats: Mapping[str, Format | None], find: Finder
) -> list[Change]:
    """What an event changed, as a page shows it: empty values and bare keys are left out."""
    told = []
    for key in dict.fromkeys([*event.before, *event.after]):
        if formats.get(key, PLAIN) is None:
            continue
        before, after = (
            _shown(table, key, side.get(key), formats.get(key) or PLAIN, find)
            for side in (event.before, event.after)
        )
        if before or after:
            told.append((label_of(key), before, after))
    return told


def _shown(table: Table, name: str, value: Any, format: Format, find: Finder) -> Markup | str:
    if isinstance(value, dict | list):
        if not value:
            return ""
        folded = '<details class="fold"><summary>{}</summary>{}</details>'
        return Markup(folded).format(gettext("Show"), structure(value, find))
    if isinstance(value, str) and KEY.fullmatch(value):
        return find(name, value) or ""
    if isinstance(format, Percent) and value not in (None, "", HIDDEN):
        return escape(format.html(Decimal(str(value)), None))
    return past_value(table, name, value)


def past_value(table: Table, name: str, value: Any) -> str:
    """A value that the audit trail kept as JSON, as its column reads elsewhere."""
    column = table.columns.get(name)
    kind = None if column is None else column.type
    if value is None or value == HIDDEN:
        return value or ""
    if isinstance(kind, Enum):
        return status_words(kind.enum_class, value)[0]
    if isinstance(kind, DateTime):
        return moment(datetime.fromisoformat(value))
    if isinstance(kind, Numeric) and isinstance(value, str) and name not in FRACTIONS:
        return decimal(Decimal(value))
    return value_words(name, value)
