"""Keyset paging: a place in a list is its last row's values, so every page costs the same."""

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Select, tuple_


@dataclass
class Order:
    """The order of a list: one column, and the key where two rows have the same value."""

    key: Any
    column: Any
    descending: bool

    @property
    def by(self) -> tuple[Any, ...]:
        return (self.key,) if self.column is self.key else (self.column, self.key)

    def turned(self, statement: Select[Any], backwards: bool) -> Select[Any]:
        down = self.descending != backwards
        return statement.order_by(*(part.desc() if down else part.asc() for part in self.by))

    def beyond(self, statement: Select[Any], token: str, backwards: bool) -> Select[Any]:
        """Only rows past the one the token names; a broken token starts at the beginning."""
        values = unpack(token, self.column, self.key)
        if values is None:
            return statement
        mine: Any = self.by[0]
        theirs: Any = values[-1]
        if len(self.by) == 2:
            mine = tuple_(*self.by)
            theirs = tuple_(*values)
        down = self.descending != backwards
        return statement.where(mine < theirs if down else mine > theirs)


def pack(value: Any, key: Any) -> str:
    """A place in a list as a word for the URL."""
    plain = [value.isoformat() if isinstance(value, datetime) else _plain(value), _plain(key)]
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")


def _plain(value: Any) -> Any:
    return value if isinstance(value, bool | int) else str(value)


def unpack(token: str, *columns: Any) -> list[Any] | None:
    """The values behind such a word; None where it is not one of ours."""
    try:
        plain = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        return [_typed(value, column) for value, column in zip(plain, columns, strict=True)]
    except (ValueError, TypeError, binascii.Error, ArithmeticError, RecursionError):
        return None


def _typed(value: Any, column: Any) -> Any:
    kind = column.type.python_type
    if value is not None and kind in (UUID, datetime, Decimal, str) and not isinstance(value, str):
        raise TypeError
    if isinstance(value, str) and "\x00" in value:
        raise ValueError
    if kind is UUID:
        return UUID(value)
    if kind is datetime:
        return datetime.fromisoformat(value)
    if kind is Decimal:
        return Decimal(value)
    if kind in (int, bool):
        return kind(value)
    return str(value)
