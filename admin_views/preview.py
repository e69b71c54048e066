"""What an act would do, found by doing it and taking it back: the preview cannot lie.

The real rule runs in a transaction that is rolled back. Every row it touched, every posting
and every mail it asked for is listed, with amounts before and after. The list has a
fingerprint; confirming runs the rule again and stops where the fingerprint has changed.
"""

import enum
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from flask_babel import gettext
from sqlalchemy import event, func, inspect, select, text
from sqlalchemy.orm import Session

from admin_views.formats import euros, moment
from admin_views.guard import translated
from admin_views.happenings import RECORDS
from admin_views.labels import label_of
from admin_views.reading import stop_reading
from admin_views.structures import read_amounts, value_words
from admin_views.telling import Effect, tell, tell_mails
from admin_views.words import status_words
from models.affiliation import AffiliateProfile
from models.base import Base, Encrypted, Json
from models.errors import N_, DomainError
from models.ledger import Account, LedgerEntry
from models.oversight import AuditEvent, OutboxEvent, OutgoingMail
from models.oversight.changes import plain
from models.oversight.emit import overheard
from models.session import engine_of

Run = Callable[[Session], Any]
QUIET = (AuditEvent, OutboxEvent)
"""Rows that every act writes: they say that it happened, not what it did."""
SILENT = ("updated_at", "explanation", "next_try_at")
"""Columns that say how or when rather than what: each run writes them a little differently."""


NEW = object()
"""Stands for the key of a row that the act itself makes, which is another one each time."""


class EffectsChanged(DomainError):
    """The world moved between looking and confirming."""

    code = "effects_changed"
    message = N_("What this would do has changed since you looked. Read it again, then confirm.")


@dataclass
class Effects:
    """Everything an act does, in order; equal lists have equal fingerprints.

    ``charge``: what it takes from a card, in cents, where that was reckoned and not done.
    """

    lines: list[Effect] = field(default_factory=list)
    charge: int | None = None

    @property
    def fingerprint(self) -> str:
        told = [[line.what, line.before, line.after] for line in self.lines]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]


def preview(run: Run, *, now: datetime) -> Effects:
    """The effects of a rule, all taken back. Raises what the rule refuses with."""
    stop_reading()
    with Session(engine_of("staff"), expire_on_commit=False) as session:
        try:
            effects = observe(session, run, now=now)
            session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
            return effects
        finally:
            session.rollback()


def preview_each(runs: Sequence[Run], *, now: datetime) -> list[Effects | DomainError]:
    """The effects of rules run one after the other, or what each refuses with; all taken back.

    Each sees what those before it did, as it will when they are done for good.
    """
    stop_reading()
    found: list[Effects | DomainError] = []
    with Session(engine_of("staff"), expire_on_commit=False) as session:
        try:
            for run in runs:
                try:
                    with session.begin_nested():
                        effects = observe(session, run, now=now)
                        session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
                        session.execute(text("SET CONSTRAINTS ALL DEFERRED"))
                    found.append(effects)
                except DomainError as refusal:
                    found.append(refusal)
        finally:
            session.rollback()
    return found


def confirm(session: Session, run: Run, *, fingerprint: str, now: datetime) -> Effects:
    """Run a rule for good, if it still does what was shown. Raises EffectsChanged."""
    effects = observe(session, run, now=now)
    if effects.fingerprint != fingerprint:
        raise EffectsChanged
    return effects


def observe(session: Session, run: Run, *, now: datetime) -> Effects:
    """Run a rule and list what it did to the rows and to the ledger's balances."""
    seen: dict[tuple[str, str], dict[str, list[Any]]] = {}
    made: set[Any] = set()
    touched: dict[Base, None] = {}

    def note(_session: Session, _context: Any, _instances: Any) -> None:
        changed = sorted((*session.dirty, *session.deleted), key=_place_of)
        made.update(getattr(row, "id", None) for row in session.new)
        for row in (*session.new, *changed):
            if isinstance(row, Base) and not isinstance(row, QUIET):
                _note(seen, session, row)
                touched[row] = None

    posted = _last_posting(session)
    with _hearing(session, note) as facts:
        run(session)
        session.flush()
    for changed in seen.values():
        for values in changed.values():
            values[:] = [
                NEW if isinstance(value, UUID) and value in made else value for value in values
            ]
    lines = [line for (what, _), changed in seen.items() for line in _lines(what, changed, now)]
    told = tell(session, list(touched))
    return Effects([*told, *lines, *_postings_since(session, posted), *tell_mails(session, facts)])


@contextmanager
def _hearing(session: Session, note: Callable[..., None]) -> Iterator[list[Json]]:
    event.listen(session, "before_flush", note)
    try:
        with overheard(session) as facts:
            yield facts
    finally:
        event.remove(session, "before_flush", note)


def _note(seen: dict[Any, Any], session: Session, row: Base) -> None:
    state = inspect(row)
    made, gone = row in session.new, row in session.deleted
    name = _kind_of(row) if made else _name_of(row)
    kept = seen.setdefault((name, str(id(row))), {})
    if made or gone:
        kept[""] = ["", gettext("made") if made else gettext("deleted")]
    for column in state.mapper.column_attrs:
        history = state.attrs[column.key].history
        if not history.has_changes() or made or _is_hidden(column):
            continue
        before = history.deleted[0] if history.deleted else None
        told = f"{row.__tablename__}.{column.key}"
        kept.setdefault(told, [before, None])[1] = history.added[0] if history.added else None


def _place_of(row: Any) -> tuple[str, str]:
    """What tells rows apart that were there before: a session keeps them in no order."""
    state = inspect(row)
    return state.mapper.class_.__name__, str(state.identity)


def _kind_of(row: Base) -> str:
    if isinstance(row, OutgoingMail):
        return gettext("Mail to %(email)s", email=row.to_email)
    known = RECORDS.get(row.__tablename__)
    return gettext(known) if known else row.__tablename__


def _name_of(row: Base) -> str:
    """What a row is called; one without a name of its own goes by its kind alone.

    A name must read the same whenever the rule runs, or the fingerprints never agree.
    """
    if type(row).__str__ is object.__str__ or isinstance(row, OutgoingMail):
        return _kind_of(row)
    return gettext("%(kind)s “%(name)s”", kind=_kind_of(row), name=read_amounts(str(row)))


def _is_hidden(column: Any) -> bool:
    """Secrets, and what needs no saying: by whom it is done, for one."""
    kept = column.columns[0]
    secret = kept.info.get("secret") or isinstance(kept.type, Encrypted)
    return column.key in SILENT or column.key.endswith("_by") or bool(secret)


def _lines(what: str, changed: dict[str, list[Any]], now: datetime) -> list[Effect]:
    return [
        Effect(_of(what, name) if name else what, _told(key, before, now), _told(key, after, now))
        for name, (before, after) in changed.items()
        for key in [name.rpartition(".")[2]]
    ]


def _of(what: str, key: str) -> str:
    return gettext("%(record)s: %(column)s", record=what, column=translated(label_of(key)))


def _told(key: str, value: Any, now: datetime) -> str:
    if value is None:
        return "–"
    if value is NEW:
        return gettext("the new one")
    if isinstance(value, datetime):
        near = abs((value - now).total_seconds()) < 1
        return gettext("now") if near else moment(value)
    if isinstance(value, enum.Enum):
        return status_words(type(value), value)[0]
    return value_words(key, plain(value))


def _last_posting(session: Session) -> int:
    return session.scalar(select(func.max(LedgerEntry.seq))) or 0


def _postings_since(session: Session, seq: int) -> list[Effect]:
    """Every posting after a place in the ledger, with the account's balance before and after.

    Somebody else's posting in between only makes the fingerprints differ: one looks again.
    """
    found = session.execute(
        select(
            LedgerEntry.account,
            LedgerEntry.amount,
            LedgerEntry.balance_after,
            AffiliateProfile.affiliate_slug,
        )
        .outerjoin(AffiliateProfile, AffiliateProfile.user_id == LedgerEntry.affiliate_id)
        .where(LedgerEntry.seq > seq)
        .order_by(LedgerEntry.seq)
    )
    lines = []
    for account, amount, balance, slug in found:
        name = status_words(Account, account)[0]
        whose = f"{name} · {slug}" if slug and balance is not None else name
        what = gettext("Ledger: %(account)s", account=whose)
        before = "" if balance is None else euros(balance - amount)
        after = euros(amount) if balance is None else euros(balance)
        lines.append(Effect(what, before, after))
    return lines
