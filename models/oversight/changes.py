"""What changed in a transaction, column by column, remembered across flushes for the audit trail.

SQLAlchemy forgets an attribute's old value once it is flushed, and a rule may flush (a
ledger posting, a query) before it emits its event; so each flush notes the changes first.
Columns whose ``info`` says ``secret`` are named in the trail, never shown.
"""

import enum
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import event, inspect
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import NO_VALUE

from models.base import Base, Cleaned, Encrypted, Json, changes_in
from models.clean_text import clean_text

HIDDEN = "•••"
NEVER_TOLD = frozenset({"audit_events", "outbox_events", "payment_attempts"})
"""Tables of whose rows no fact is told: the trail itself, and what is a record by its own."""


def changes_of(session: Session, subject: Base) -> tuple[Json, Json]:
    """The subject's (before, after) since the transaction began or since last asked."""
    _note(session, subject)
    before, after = session.info.get("changes", {}).pop(subject, ({}, {}))
    told = session.info.setdefault("told", {}).setdefault(subject, {})
    told.update(after)  # the flush to come would otherwise note it again
    return _shown(subject, before), _shown(subject, after)


def _shown(subject: Base, values: Json) -> Json:
    """Values as the trail keeps them: others' words as clean as the row itself keeps them."""
    cleaned = _others_words(inspect(subject).mapper) & values.keys()
    told: Json = plain(values)
    return told | {key: clean_text(told[key]) for key in cleaned if told[key]}


@cache
def _others_words(mapper: Any) -> frozenset[str]:
    return frozenset(
        attribute.key
        for attribute in mapper.column_attrs
        if isinstance(attribute.columns[0].type, Cleaned)
    )


def note_made(session: Session, row: Base, values: Json) -> None:
    """Note what a row was made with by a statement of its own, as a flush would have."""
    columns = _columns(inspect(row).mapper)
    after = {key: HIDDEN if columns[key] else value for key, value in values.items()}
    session.info.setdefault("changes", {})[row] = ({}, after)


@event.listens_for(Session, "before_flush")
def _note_all(session: Session, _context: object, _instances: object) -> None:
    for row in (*session.new, *session.dirty):
        if isinstance(row, Base) and row.__tablename__ not in NEVER_TOLD:
            _note(session, row)
    session.info.pop("told", None)


@event.listens_for(Session, "after_transaction_end")
def _forget(session: Session, transaction: Any) -> None:
    if transaction.parent is None:
        session.info.pop("changes", None)
        session.info.pop("told", None)


def _note(session: Session, row: Base) -> None:
    """Keep what changed as it is: most rows are never asked about, so nothing is written out."""
    state = inspect(row)
    columns = _columns(state.mapper)
    changed = {key: each for key, each in changes_in(row).items() if key in columns}
    if not changed:
        return
    noted = session.info.setdefault("changes", {})
    before, after = noted.get(row, ({}, {}))
    told = session.info.get("told", {}).get(row, {})
    for key, (old, new) in changed.items():
        hidden = columns[key]
        shown = HIDDEN if hidden else new
        if key in told and told[key] == shown:
            continue
        former = told.get(key, old)  # a fact goes on from what the one before it told
        if state.persistent and former is not NO_VALUE:
            before.setdefault(key, HIDDEN if hidden else former)
        after[key] = shown
    if before or after:
        noted[row] = (before, after)


@cache
def _columns(mapper: Any) -> dict[str, bool]:
    """The columns that the trail tells of, and whether each is a secret."""
    return {
        attribute.key: _is_secret(attribute.columns[0])
        for attribute in mapper.column_attrs
        if attribute.key != "updated_at"
    }


def _is_secret(column: Any) -> bool:
    return bool(column.info.get("secret")) or isinstance(column.type, Encrypted)


_PLAIN = frozenset({str, int, float, bool, type(None)})


def plain(value: Any) -> Any:
    """A value as JSON can hold it."""
    if type(value) in _PLAIN:  # most are
        return value
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, UUID | Decimal):
        return str(value)
    if isinstance(value, date):  # or an instant
        return value.isoformat()
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(item) for item in value]
    return value
