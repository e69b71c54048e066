"""Many rows of a table written by one statement, each column sent as one array.

A flush sends one UPDATE a row, and the database reads and plans every one of them anew.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, cast

from sqlalchemy import (
    Column,
    CursorResult,
    Insert,
    Table,
    TableValuedAlias,
    Update,
    bindparam,
    column,
    event,
    func,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.exc import StaleDataError

from models.base import Base, changes_in

Changed = tuple[Base, dict[str, tuple[Any, Any]]]


@contextmanager
def written_together(session: Session, rows: Iterable[Base]) -> Iterator[None]:
    """Have each flush in a block write what changed in these rows by one statement for all that
    changed in the same columns; what is left is written at the block's end.

    The caller has locked the rows, since one statement takes them in no certain order. They
    point at nothing that is made in the block. Raises StaleDataError where one is gone.
    """
    kept = list(dict.fromkeys(rows))

    def write(_session: Session, _context: object, _instances: object) -> None:
        _write_changed(session, kept)

    event.listen(session, "before_flush", write)  # after whoever notes what changed
    try:
        yield
        session.flush()
    finally:
        event.remove(session, "before_flush", write)


def insert_together(session: Session, table: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows by one statement, given as columns by name, the same of each and its key among
    them. What is not given is the column's default, reckoned once for all."""
    if rows:
        names = tuple(rows[0])
        sent = {_sent(name): [row[name] for row in rows] for name in names}
        session.execute(_inserting(table, names), sent)


@cache
def _inserting(table: type[Base], names: tuple[str, ...]) -> Insert:
    into = cast(Table, table.__table__)
    rows = _rows_of([into.c[name] for name in names])
    return insert(into).from_select(names, select(*rows.c))


def _write_changed(session: Session, rows: Sequence[Base]) -> None:
    alike: dict[tuple[type[Base], frozenset[str]], list[Changed]] = defaultdict(list)
    for row in rows:
        changes = changes_in(row) if row in session else {}
        alike[type(row), frozenset(changes)].append((row, changes))
    for (table, keys), several in alike.items():
        if len(several) > 1 and keys and keys <= _columns(table).keys():
            _write(session, table, keys, several)


def _write(
    session: Session, table: type[Base], keys: frozenset[str], several: Sequence[Changed]
) -> None:
    """Write some attributes of rows, which then stand as if they had been read."""
    columns, mapper = _columns(table), inspect(table)
    sent = {_sent(columns[key].name): [changes[key][1] for _, changes in several] for key in keys}
    sent[_sent(_key(table).name)] = [mapper.primary_key_from_instance(row)[0] for row, _ in several]
    written = cast(CursorResult[Any], session.execute(_updating(table, keys), sent))
    if written.rowcount != len(several):
        raise StaleDataError(f"{written.rowcount} of {len(several)} rows of {table} are there")
    given = cast(dict[str, Any], written.last_updated_params())
    stamps = {key: given[each.key] for key, each in columns.items() if each.key in given}
    for row, changes in several:
        for key, (_, value) in changes.items():
            set_committed_value(row, key, value)
        for key, stamp in stamps.items():
            set_committed_value(row, key, stamp)


@cache
def _updating(table: type[Base], keys: frozenset[str]) -> Update:
    into, key = cast(Table, table.__table__), _key(table)
    columns = [_columns(table)[each] for each in sorted(keys)]
    rows = _rows_of([key, *columns])
    return (
        update(into)
        .where(key == rows.c[key.name])
        .values({each.name: rows.c[each.name] for each in columns})
    )


def _rows_of(columns: Sequence[Column[Any]]) -> TableValuedAlias:
    """Rows of these columns, made of one array each."""
    arrays = [bindparam(_sent(each.name), type_=ARRAY(each.type, dimensions=1)) for each in columns]
    named = [column(each.name, each.type) for each in columns]
    return func.unnest(*arrays).table_valued(*named).render_derived(name="sent")


def _sent(name: str) -> str:
    """The name that a column's array is sent under."""
    return f"each_{name}"


@cache
def _columns(table: type[Base]) -> dict[str, Column[Any]]:
    """A table's columns by their attributes' names, but for its key."""
    return {
        each.key: cast(Column[Any], each.columns[0])
        for each in inspect(table).column_attrs
        if not each.columns[0].primary_key
    }


@cache
def _key(table: type[Base]) -> Column[Any]:
    (key,) = inspect(table).primary_key
    return cast(Column[Any], key)
