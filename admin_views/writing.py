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

from admin_views.reading import stop_reading
from models.errors import N_, DomainError
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


class AlreadyTaken(DomainError):
    """The database refused what two people did at once."""

    code = "conflict"
    message = N_("Somebody has just saved the same thing. Reload the page and look again.")


def in_words(refusal: DomainError) -> str:
    """A refusal in the reader's language."""
    text = gettext(refusal.template)
    return text % refusal.params if refusal.params else text


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
    if not opened_at:
        return
    try:
        opened = datetime.fromisoformat(opened_at)
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
    told = []
    for event in session.scalars(statement):
        for field, after in event.after.items():
            told.append(f"{field}: {event.before.get(field)!s} → {after!s}")
    return "; ".join(told) or "?"
