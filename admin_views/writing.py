"""Calling rules from a console: one transaction, refusals in words, nothing overwritten unseen."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from flask import flash
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from admin_views.happenings import HAPPENINGS, RECORDS
from admin_views.labels import label_of
from admin_views.past import changes_of
from admin_views.reading import stop_reading
from admin_views.structures import read_amounts
from admin_views.words import status_words
from models.errors import N_, BadInput, DomainError, IllegalTransition
from models.oversight import AuditEvent
from models.session import unit_of_work

log = structlog.get_logger(__name__)


class ChangedMeanwhile(DomainError):
    """Somebody else saved this record after it was opened for editing."""

    code = "changed_meanwhile"
    message = N_(
        "This record was changed since you opened it: %(changes)s. "
        "Nothing of yours was saved yet. Look, then save again to overwrite."
    )


class CellChanged(DomainError):
    """Somebody else wrote into this cell since the list was opened."""

    code = "cell_changed"
    message = N_(
        "This has been “%(value)s” since somebody changed it: reload the list, then type again."
    )


class AlreadyTaken(DomainError):
    """The database refused what two people did at once."""

    code = "conflict"
    message = N_("Somebody has just saved the same thing. Reload the page and look again.")


def in_words(refusal: DomainError) -> str:
    """A refusal in the reader's language."""
    text = gettext(refusal.template)
    return read_amounts(text % _details(refusal)) if refusal.params else text


def _details(refusal: DomainError) -> dict[str, Any]:
    details = dict(refusal.params)
    if isinstance(refusal, IllegalTransition):
        details["subject"] = _kind_of(refusal.subject)
        for name in ("current", "wanted"):
            details[name] = _status_words(refusal.subject, details[name])
    if isinstance(refusal, BadInput) and details.get("name") == refusal.field:
        details["name"] = gettext(label_of(str(refusal.field)))
    return details


def _kind_of(row: Any) -> str:
    known = RECORDS.get(row.__tablename__)
    return gettext(known) if known else str(row.__tablename__)


def _status_words(row: Any, value: str) -> str:
    for column in row.__table__.columns:
        kind = getattr(column.type, "enum_class", None)
        if kind is not None and value in {member.value for member in kind}:
            return status_words(kind, value)[0]
    return value


@dataclass
class Outcome:
    """What became of a rule: the refusal, where there was one."""

    refusal: DomainError | None = None

    @property
    def done(self) -> bool:
        return self.refusal is None


@contextmanager
def transaction(outcome: Outcome) -> Iterator[Session]:
    """One unit of work whose refusal ends up in the outcome; anything else is a crash."""
    stop_reading()
    try:
        with unit_of_work() as session:
            yield session
    except DomainError as refusal:
        outcome.refusal = refusal
    except IntegrityError as conflict:
        log.warning("console conflict", constraint=constraint_of(conflict))
        outcome.refusal = AlreadyTaken()


@contextmanager
def rule(done: str = "") -> Iterator[Session]:
    """Run a rule and flash what became of it: the words given, or the refusal's."""
    outcome = Outcome()
    with transaction(outcome) as session:
        yield session
    if outcome.refusal is not None:
        flash(in_words(outcome.refusal), "error")
    elif done:
        flash(done, "success")


def constraint_of(conflict: IntegrityError) -> str:
    """The name of the constraint that refused; never the row's values."""
    diagnosis = getattr(conflict.orig, "diag", None)
    return str(getattr(diagnosis, "constraint_name", None) or "unknown")


def check_unchanged(session: Session, row: Any, opened_at: str | None) -> None:
    """Raises ChangedMeanwhile where the row was saved after the form was opened."""
    try:
        opened = datetime.fromisoformat(opened_at or "")
    except ValueError:
        opened = None
    if opened is None or row.updated_at != opened:
        raise ChangedMeanwhile(changes=changes_since(session, row, opened))


def changes_since(session: Session, row: Any, opened: datetime | None) -> str:
    """Who changed what since an instant, from the audit trail, in one line."""
    statement = (
        select(AuditEvent)
        .where(AuditEvent.subject_table == row.__tablename__, AuditEvent.subject_id == str(row.id))
        .order_by(AuditEvent.id.desc())
        .limit(5)
    )
    if opened is not None:
        statement = statement.where(AuditEvent.at > opened)
    told: list[str] = []
    for event in session.scalars(statement):
        changes = changes_of(event, row.__table__)
        told += [
            gettext(
                "%(column)s: %(before)s → %(after)s", column=gettext(name), before=was, after=now
            )
            for name, was, now in changes
        ]
        if not changes:  # what hangs off the record, in rows of its own
            told.append(gettext(HAPPENINGS.get(event.action, event.action)))
    return "; ".join(told) or "?"
