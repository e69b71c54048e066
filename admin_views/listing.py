"""Lists of any size: named columns to one statement, a bounded count, keyset pages.

A list costs the same at ten thousand rows and at five million: pages follow the index from
the last row shown, and the count stops at 10,000 and asks the planner beyond.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    ClauseElement,
    ColumnElement,
    Executable,
    Select,
    func,
    select,
    text,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session, aliased

from admin_views.keyset import Order, pack
from admin_views.searching import Sought, seek, walking

EXACT_UP_TO = 10_000
Conditions = list[ColumnElement[bool]]


@dataclass(frozen=True)
class Lookup:
    """A relation that the model does not declare: ``local`` column = ``model.remote``."""

    model: type[Any]
    local: str
    remote: str = "id"


class Columns:
    """Turns dotted names (``customer.user.email``) into columns, joining each relation once."""

    def __init__(self, model: type[Any], lookups: dict[str, Lookup], computed: dict[str, Any]):
        self.model = model
        self.lookups = lookups
        self.computed = computed
        self.aliases: dict[str, Any] = {}
        self.joins: list[tuple[Any, Any]] = []

    def __getitem__(self, name: str) -> Any:
        if name in self.computed:
            return self.computed[name](self.model)
        *relations, last = name.split(".")
        entity, path = self.model, ""
        for relation in relations:
            path = f"{path}.{relation}"
            if path not in self.aliases:
                self.aliases[path] = self._join(entity, relation)
            entity = self.aliases[path]
        return getattr(entity, last)

    def _join(self, entity: Any, relation: str) -> Any:
        if entity is self.model and relation in self.lookups:
            lookup = self.lookups[relation]
            alias = aliased(lookup.model)
            condition = getattr(alias, lookup.remote) == getattr(entity, lookup.local)
        else:
            condition = getattr(entity, relation)
            alias = aliased(condition.property.mapper.class_)
        self.joins.append((alias, condition))
        return alias

    def select(self, names: Sequence[str]) -> Select[Any]:
        """One statement for these names, labelled c0, c1, …; relations are outer joins."""
        chosen = [self[name].label(f"c{place}") for place, name in enumerate(names)]
        statement = select(*chosen).select_from(self.model)
        return self.joined(statement)

    def joined(self, statement: Select[Any], *, inner: bool = False) -> Select[Any]:
        """The statement with every relation asked for so far."""
        for alias, condition in self.joins:
            statement = statement.join(alias, condition, isouter=not inner)
        return statement


class Row:
    """One row of a list: values by name, and where other views are for links."""

    __slots__ = ("addresses", "places", "values")

    def __init__(
        self, values: Sequence[Any], places: dict[str, int], addresses: dict[str, str]
    ) -> None:
        self.values, self.places, self.addresses = values, places, addresses

    def get(self, name: str) -> Any:
        return self.values[self.places[name]]

    __getitem__ = get


@dataclass
class Asked:
    """What the URL asks of a list."""

    search: str = ""
    filters: list[tuple[Any, str]] = field(default_factory=list)
    sort: str = ""
    descending: bool = False
    size: int = 50
    after: str = ""
    before: str = ""
    last: bool = False
    start: int = 0

    @property
    def terms(self) -> list[str]:
        """The words of the search, all of which a row must match."""
        return self.search.split()[:8]


@dataclass
class Page:
    """One page of rows, with the ways on and back."""

    rows: list[Row]
    count: int
    about: bool
    has_next: bool
    has_previous: bool
    first_key: str = ""
    last_key: str = ""


@dataclass
class Listing:
    """How the rows of one view are found; ``key`` is the unique column that orders ties."""

    model: type[Any]
    names: list[str]
    key: str = "id"
    lookups: dict[str, Lookup] = field(default_factory=dict)
    computed: dict[str, Any] = field(default_factory=dict)
    searchable: Sequence[str] = ()
    search_also: Callable[[str], list[Select[Any]]] = lambda term: []
    only: Callable[[Select[Any]], Select[Any]] = lambda statement: statement

    def columns(self) -> Columns:
        return Columns(self.model, self.lookups, self.computed)

    @property
    def key_column(self) -> Any:
        return getattr(self.model, self.key)

    def page(self, session: Session, asked: Asked, addresses: dict[str, str]) -> Page:
        """The page asked for and the count of what the filters leave."""
        columns, where = self.columns(), self.filtered(asked)
        sought = seek(session, self, columns, asked.terms)
        names = self._names_with(asked.sort or self.key)
        statement = self.only(columns.select(names)).where(*where, *sought.conditions)
        backwards = bool(asked.before or asked.last)
        order = Order(self.key_column, columns[asked.sort or self.key], asked.descending)
        statement = order.turned(statement, backwards)
        token = "" if asked.last else asked.before or asked.after
        if token:
            statement = order.beyond(statement, token, backwards)
        with walking(session, sought.common):
            found = session.execute(statement.limit(asked.size + 1)).all()
            count, about = self.count(session, columns, where, sought)
        more = len(found) > asked.size
        kept = list(found[: asked.size])
        if backwards:
            kept.reverse()
        places = {name: place for place, name in enumerate(names)}
        rows = [Row(values, places, addresses) for values in kept]
        page = Page(
            rows=rows,
            count=count,
            about=about,
            has_next=(bool(asked.before) if backwards else more) and bool(rows),
            has_previous=(more if backwards else bool(asked.after)) and bool(rows),
        )
        if rows:
            sort = asked.sort or self.key
            page.first_key = pack(rows[0][sort], rows[0][self.key])
            page.last_key = pack(rows[-1][sort], rows[-1][self.key])
        return page

    def one(self, session: Session, names: Sequence[str], key: Any, addresses: Any) -> Row | None:
        """One record with the named columns."""
        columns = self.columns()
        wanted = [*dict.fromkeys([*names, self.key])]
        statement = self.only(columns.select(wanted)).where(self.key_column == key)
        found = session.execute(statement).first()
        if found is None:
            return None
        return Row(found, {name: place for place, name in enumerate(wanted)}, addresses)

    def all(self, session: Session, asked: Asked, addresses: dict[str, str]) -> Iterator[Row]:
        """Every row that the filters leave, in the list's order, a thousand at a time."""
        columns, names = self.columns(), self._names_with(asked.sort or self.key)
        sought = seek(session, self, columns, asked.terms)
        statement = self.only(columns.select(names)).where(
            *self.filtered(asked), *sought.conditions
        )
        order = Order(self.key_column, columns[asked.sort or self.key], asked.descending)
        statement = order.turned(statement, False)
        places = {name: place for place, name in enumerate(names)}
        with session.execute(statement.execution_options(yield_per=1000)) as found:
            for values in found:
                yield Row(values, places, addresses)

    def _names_with(self, sort: str) -> list[str]:
        return [*dict.fromkeys([*self.names, sort, self.key])]

    def filtered(self, asked: Asked) -> Conditions:
        """What the filters ask of a row."""
        return [chosen.condition(chosen.clean(value)) for chosen, value in asked.filters]

    def count(
        self, session: Session, columns: Columns, where: Conditions, sought: Sought
    ) -> tuple[int, bool]:
        """How many rows, and whether that is only about so: exact to 10,000."""
        matching = self.only(select(text("1")).select_from(self.model)).where(*where)
        if sought.common:
            planned = planned_rows(session, matching)
            if planned > EXACT_UP_TO:
                return planned * sought.hits // sought.seen, True
            matching = columns.joined(matching)
        bounded = matching.where(*sought.conditions).limit(EXACT_UP_TO + 1).subquery()
        count = session.scalar(select(func.count()).select_from(bounded)) or 0
        if count <= EXACT_UP_TO:
            return count, False
        return max(planned_rows(session, matching), EXACT_UP_TO), True


def planned_rows(session: Session, statement: Select[Any]) -> int:
    """How many rows the planner expects of a statement."""
    plan = session.execute(Explained(statement)).scalar_one()
    return int((plan if isinstance(plan, list) else json.loads(plan))[0]["Plan"]["Plan Rows"])


class Explained(Executable, ClauseElement):
    """A statement's plan as JSON instead of its rows."""

    inherit_cache = False

    def __init__(self, statement: Select[Any]) -> None:
        self.statement = statement


@compiles(Explained)
def _explain(element: Explained, compiler: Any, **kw: Any) -> str:
    return f"EXPLAIN (FORMAT JSON) {compiler.process(element.statement, **kw)}"
