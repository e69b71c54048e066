"""Search that costs the same at any size: rare terms by index, common ones by walking the list.

A look at the newest rows says which it is. The planner cannot: row security keeps it from
the statistics of a pattern match, so it would fetch a million rows to show fifty.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Text, cast, false, func, or_, select, text
from sqlalchemy.orm import Session

NEWEST = 300
COMMON = 10
"""One in so many of the newest rows matches: a page is full after a few hundred rows."""

FEW = 5_000
WALK = ("hashjoin", "mergejoin", "bitmapscan", "sort")


@dataclass
class Sought:
    """What a search asks of a row; of the newest rows it looked at, ``hits`` of ``seen`` match.

    Where ``common``, the conditions hold columns of the list's own joins.
    """

    conditions: list[ColumnElement[bool]] = field(default_factory=list)
    common: bool = False
    hits: int = 1
    seen: int = 1


def seek(
    session: Session,
    listing: Any,
    columns: Any,
    terms: Sequence[str],
) -> Sought:
    """What these terms, all of them, ask of a row of the list."""
    sought = Sought()
    for term in terms:
        hits, seen = _sample(session, listing, term)
        if seen == NEWEST and hits * COMMON >= seen:
            sought.common = True
            sought.hits, sought.seen = sought.hits * hits, sought.seen * seen
            sought.conditions.append(_while_walking(listing, columns, term))
        else:
            sought.conditions.append(_by_keys(session, listing, term))
    return sought


@contextmanager
def walking(session: Session, really: bool) -> Iterator[None]:
    """Have statements follow the list's order row by row, for the length of a block."""
    if really:
        _turn(session, "off")
    yield
    if really:
        _turn(session, "on")


def _turn(session: Session, way: str) -> None:
    session.execute(text("; ".join(f"SET LOCAL enable_{each} = {way}" for each in WALK)))


def pattern_of(term: str) -> str:
    """A pattern that finds a term anywhere, with LIKE's own signs taken literally."""
    return "%" + term.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"


def _sample(session: Session, listing: Any, term: str) -> tuple[int, int]:
    """Of the newest rows, how many match."""
    if not listing.searchable:
        return 0, 0
    columns = listing.columns()
    hit = _while_walking(listing, columns, term).label("hit")
    newest = columns.joined(select(hit).select_from(listing.model))
    rows = newest.order_by(listing.key_column.desc()).limit(NEWEST).subquery()
    with walking(session, True):
        hits, seen = session.execute(
            select(func.count().filter(rows.c.hit), func.count()).select_from(rows)
        ).one()
    return hits, seen


def _while_walking(listing: Any, columns: Any, term: str) -> ColumnElement[bool]:
    """The match spelled so that no index answers it: each row met is checked."""
    pattern = pattern_of(term)
    return or_(
        *(func.concat(cast(columns[name], Text), "").ilike(pattern) for name in listing.searchable)
    )


def _by_keys(session: Session, listing: Any, term: str) -> ColumnElement[bool]:
    """The keys of the few rows that match, each way of finding by its own index."""
    finders = [_finder(listing, name, pattern_of(term)) for name in listing.searchable]
    finders += listing.search_also(term)
    if listing.key_column.type.python_type is UUID and _is_id(term):
        finders.append(select(listing.key_column).where(listing.key_column == UUID(term)))
    if not finders:
        return false()
    keys: set[Any] = set()
    for finder in finders:
        keys.update(session.scalars(finder.limit(FEW + 1)))
        if len(keys) > FEW:
            return or_(*(listing.key_column.in_(each) for each in finders))
    in_keys: ColumnElement[bool] = listing.key_column.in_(keys)
    return in_keys


def _finder(listing: Any, name: str, pattern: str) -> Select[Any]:
    columns = listing.columns()
    condition = cast(columns[name], Text).ilike(pattern)
    statement = select(listing.key_column).select_from(listing.model)
    found: Select[Any] = columns.joined(statement, inner=True).where(condition)
    return found


def _is_id(term: str) -> bool:
    try:
        UUID(term)
    except ValueError:
        return False
    return True
