"""Filters of lists: a named question with a fixed key in the URL, answered by an indexed column.

Each is Flask-Admin's filter; ``key`` is its name in the address, whatever the language.
"""

import enum
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from flask_admin.model.filters import BaseFilter
from sqlalchemy import ColumnElement
from sqlalchemy.orm import InstrumentedAttribute

from admin_views.words import choices_of
from models import clock
from models.errors import N_

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
        super().__init__(
            key, name, {"yes": (N_("Yes"), column.is_(True)), "no": (N_("No"), column.is_(False))}
        )


class Since(ListFilter):
    """From this Paris day on."""

    kind = "date"

    def __init__(self, key: str, name: str, column: InstrumentedAttribute[Any]) -> None:
        super().__init__(key, name, lambda value: column >= value)

    def clean(self, value: Any) -> datetime:
        return start_of(date.fromisoformat(value))


class Until(ListFilter):
    """Up to and with this Paris day."""

    kind = "date"

    def __init__(self, key: str, name: str, column: InstrumentedAttribute[Any]) -> None:
        super().__init__(key, name, lambda value: column < value)

    def clean(self, value: Any) -> datetime:
        return start_of(date.fromisoformat(value) + timedelta(days=1))


class Reference(ListFilter):
    """Rows of one community, product, affiliate…; the browser finds it through ``lookup``."""

    kind = "reference"

    def __init__(self, key: str, name: str, lookup: str, condition: Condition) -> None:
        super().__init__(key, name, condition)
        self.lookup = lookup

    def clean(self, value: Any) -> UUID:
        return UUID(value)


def between(key: str, column: InstrumentedAttribute[Any], words: str) -> list[ListFilter]:
    """The pair of filters for the days of a column; ``words`` names it."""
    return [Since(f"{key}_from", words, column), Until(f"{key}_to", words, column)]


def start_of(on: date) -> datetime:
    """Midnight in Paris at the start of a day."""
    return datetime.combine(on, time(), tzinfo=clock.PARIS)
