"""What every table shares: keys, naming of constraints, row locks, enums, encrypted text."""

import enum
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Self, cast
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    DateTime,
    Enum,
    Index,
    MetaData,
    Select,
    Text,
    any_,
    bindparam,
    inspect,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, CITEXT, JSONB
from sqlalchemy.dialects.postgresql import UUID as PGUUID
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.types import TypeDecorator

from models import clock
from models.clean_text import clean_text
from models.errors import IllegalTransition, Missing
from models.ids import new_id

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

Json = dict[str, Any]


class Base(DeclarativeBase):
    """The declarative base; relationships say ``lazy="raise"``, readers ask for what they load."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {
        datetime: DateTime(timezone=True),
        str: Text(),
        int: BigInteger(),
        UUID: PGUUID(as_uuid=True),
        Json: JSONB(),
    }

    @classmethod
    def get(cls, session: Session, key: Any) -> Self:
        """The row under a key. Raises Missing."""
        row = session.get(cls, key)
        if row is None:
            raise Missing
        return row

    @classmethod
    def for_update(cls, session: Session, key: Any) -> Self:
        """The row under a key, read afresh, locked until the transaction ends. Raises Missing."""
        return cls._locked(session, key, weakly=False)

    @classmethod
    def held(cls, session: Session, key: Any) -> Self:
        """As ``for_update``, by the weaker lock: rows that merely point at this one are written
        meanwhile, also by who waits for what the caller takes next. Raises Missing."""
        return cls._locked(session, key, weakly=True)

    @classmethod
    def held_all(cls, session: Session, keys: Iterable[Any]) -> Sequence[Self]:
        """Each row that there is of some keys, as by ``held``, in the order of the keys: two who
        hold several never wait for one another."""
        return session.scalars(_locking_all(cls), {"keys": list(keys)}).all()

    @classmethod
    def _locked(cls, session: Session, key: Any, *, weakly: bool) -> Self:
        row = session.scalars(_locking(cls, weakly), {"key": key}).one_or_none()
        if row is None:
            raise Missing
        return row


@cache
def _locking(table: type[Base], weakly: bool) -> Select[Any]:
    """Asks for a row by its key and locks it; made once, since it is sent at every step."""
    (key,) = inspect(table).primary_key
    return (
        select(table)
        .where(key == bindparam("key"))
        .with_for_update(key_share=weakly)
        .execution_options(populate_existing=True)
    )


@cache
def _locking_all(table: type[Base]) -> Select[Any]:
    (key,) = inspect(table).primary_key
    return (
        select(table)
        .where(among(key, "keys"))
        .order_by(key)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )


def among(column: Any, name: str) -> ColumnElement[bool]:
    """Whether a column is one of the values given under a name, however many, sent as one array."""
    values = bindparam(name, type_=ARRAY(column.type, dimensions=1))
    return cast(ColumnElement[bool], column == any_(values))


def changes_in(row: Base) -> dict[str, tuple[Any, Any]]:
    """What was set on a row since it was last read or written, by attribute: (before, now).

    Before is NO_VALUE where nobody had read it.
    """
    state = inspect(row)
    now = state.dict
    return {
        key: (before, now.get(key))
        for key, before in state.committed_state.items()
        if before != now.get(key)
    }


class Keyed:
    """A UUIDv7 primary key made in Python, there from the moment the row is made."""

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id, sort_order=-10)

    def __init__(self, **values: Any) -> None:
        super().__init__(**{"id": new_id(), **values})


class Stamped:
    """When the row was made and last changed, by our clock."""

    created_at: Mapped[datetime] = mapped_column(default=clock.now, sort_order=90)
    updated_at: Mapped[datetime] = mapped_column(
        default=clock.now, onupdate=clock.now, sort_order=91
    )


class Becoming:
    """A status that changes only through ``become()``, along the table of allowed moves."""

    status: Any
    LEADS_TO: dict[Any, set[Any]]

    def become(self, status: Any) -> None:
        """Move to another status. Raises IllegalTransition for a move not in the table."""
        if status not in self.LEADS_TO[self.status]:
            raise IllegalTransition(self, str(self.status), str(status))
        self.status = status


def enum_of(kind: type[enum.StrEnum], name: str) -> Enum:
    """A text column that takes the enum's values only, held by a CHECK named ``name``."""
    return Enum(
        kind,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=32,
        values_callable=lambda members: [member.value for member in members],
    )


def trigrams(table: str, column: str, *, citext: bool = False) -> Index:
    """An index that finds any part of a text, as the consoles' searches do; citext as text."""
    sought: Any = literal_column(f"({column}::text)").label("sought") if citext else column
    return Index(
        f"ix_{table}_{column}_trgm",
        sought,
        postgresql_using="gin",
        postgresql_ops={"sought" if citext else column: "gin_trgm_ops"},
    )


def not_negative(column: str) -> CheckConstraint:
    """A CHECK that an amount or a count is zero or more."""
    return CheckConstraint(f"{column} >= 0", name=f"{column}_not_negative")


class Cleaned(TypeDecorator[str]):
    """Somebody else's words, an error's or a provider's: kept without cards, secrets, addresses."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else clean_text(value)


class Encrypted(TypeDecorator[str]):
    """Text encrypted at rest with the settings' rotating keys; reads back as plain text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        from models.secrets import seal

        return None if value is None else seal(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        from models.secrets import unseal

        return None if value is None else unseal(value)


CIText = CITEXT
