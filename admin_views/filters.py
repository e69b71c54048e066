"""Filters of lists: a named question with a fixed key in the URL, answered by an indexed column.

Each is Flask-Admin's filter; ``key`` is its name in the address, whatever the language.
"""

import enum
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from flask_admin.model.filters import BaseFilter
from sqlalchemy import ColumnElement, and_, not_
from sqlalchemy.orm import InstrumentedAttribute

from admin_views.words import choices_of
from models import clock
from models.errors import N_
from models.ids import first_id_at

A_MOMENT = timedelta(seconds=1)
"""How far apart a row's key and its date can be made."""

FIRST_DAY, LAST_DAY = date(1970, 1, 2), date(9999, 12, 30)
"""The days that keys and instants can be made of; the year 26 is a slip of the hand."""

Condition = Callable[[Any], ColumnElement[bool]]


class ListFilter(BaseFilter):
    """One question: its key in the URL, its words, and the condition a value stands for."""

    kind = "text"

    def __init__(self, key: str, name: str, condition: Condition) -> None:
        super().__init__(name)
        self.key = key
        self.condition = condition

    def operation(self) -> str:
        return "="

    def choices(self) -> list[tuple[str, str]]:
        """What can be chosen, as (value, words); empty for a field to type into."""
        return []

    def apply(self, query: Any, value: Any, alias: Any = None) -> Any:
        return query.where(self.condition(self.clean(value)))


class Is(ListFilter):
    """A column equals what was typed."""

    def __init__(self, key: str, name: str, column: InstrumentedAttribute[Any]) -> None:
        super().__init__(key, name, lambda value: column == value)


class Choice(ListFilter):
    """A status column has one of its values."""

    kind = "choice"

    def __init__(
        self,
        key: str,
        name: str,
        column: InstrumentedAttribute[Any],
        members: type[enum.StrEnum],
    ) -> None:
        super().__init__(key, name, lambda value: column == value)
        self.members = members

    def choices(self) -> list[tuple[str, str]]:
        return choices_of(self.members)

    def clean(self, value: Any) -> Any:
        return self.members(value)


class OneOf(ListFilter):
    """One of a few named conditions, each with its words."""

    kind = "choice"

    def __init__(
        self, key: str, name: str, conditions: dict[str, tuple[str, ColumnElement[bool]]]
    ) -> None:
        super().__init__(key, name, lambda value: conditions[value][1])
        self.conditions = conditions

    def choices(self) -> list[tuple[str, str]]:
        return [(value, words) for value, (words, _) in self.conditions.items()]

    def clean(self, value: Any) -> Any:
        if value not in self.conditions:
            raise ValueError(value)
        return value


class Flag(OneOf):
    """A yes-or-no column."""

    def __init__(self, key: str, name: str, column: Any) -> None:
        super().__init__(key, name, {"yes": (N_("Yes"), column), "no": (N_("No"), not_(column))})


class Since(ListFilter):
    """From this Paris day on."""

    kind = "date"

    def __init__(
        self,
        key: str,
        name: str,
        column: InstrumentedAttribute[Any],
        made: InstrumentedAttribute[Any] | None = None,
    ) -> None:
        def condition(value: datetime) -> ColumnElement[bool]:
            since = column >= value
            return since if made is None else and_(since, made >= first_id_at(value - A_MOMENT))

        super().__init__(key, name, condition)

    def clean(self, value: Any) -> datetime:
        return start_of(day_of(value))


class Until(ListFilter):
    """Up to and with this Paris day."""

    kind = "date"

    def __init__(
        self,
        key: str,
        name: str,
        column: InstrumentedAttribute[Any],
        made: InstrumentedAttribute[Any] | None = None,
    ) -> None:
        def condition(value: datetime) -> ColumnElement[bool]:
            until = column < value
            return until if made is None else and_(until, made < first_id_at(value + A_MOMENT))

        super().__init__(key, name, condition)

    def clean(self, value: Any) -> datetime:
        return start_of(day_of(value) + timedelta(days=1))


class Reference(ListFilter):
    """Rows of one community, product, affiliate…; the browser finds it through ``lookup``."""

    kind = "reference"

    def __init__(self, key: str, name: str, lookup: str, condition: Condition) -> None:
        super().__init__(key, name, condition)
        self.lookup = lookup

    def clean(self, value: Any) -> UUID:
        return UUID(value)


def between(
    key: str,
    column: InstrumentedAttribute[Any],
    words: str,
    made: InstrumentedAttribute[Any] | None = None,
) -> list[ListFilter]:
    """The pair of filters for the days of a column; ``words`` names it.

    ``made``: the time-ordered key of the table, where the column is when a row was made;
    its index then answers, and the date needs none.
    """
    return [Since(f"{key}_from", words, column, made), Until(f"{key}_to", words, column, made)]


def day_of(text: str) -> date:
    """A day as a browser writes it. Raises ValueError for what is none, or out of all time."""
    day = date.fromisoformat(text)
    if not FIRST_DAY <= day <= LAST_DAY:
        raise ValueError(text)
    return day


def start_of(on: date) -> datetime:
    """Midnight in Paris at the start of a day."""
    return datetime.combine(on, time(), tzinfo=clock.PARIS)
