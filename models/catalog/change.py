"""What the catalogue's rules share: taking changes over, shapes of slugs, deleting the unused."""

import re
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import InstrumentedAttribute, Session

from models.base import Base
from models.catalog.community import SLUG
from models.errors import N_, BadInput, DomainError

_WHITE = re.compile(r"[\s\x00-\x1f]")


class InUse(DomainError):
    """Something with a history is deactivated, never deleted."""

    code = "in_use"
    message = N_("%(name)s is in use and cannot be deleted. Deactivate it instead.")


class NameTaken(BadInput):
    code = "name_taken"
    message = N_("“%(value)s” is already taken. Choose another one.")


def take_over(row: Base, changes: Mapping[str, Any], allowed: Collection[str]) -> bool:
    """Set the changed values; answers whether any differed. Raises BadInput for other fields."""
    differs = False
    for field, value in changes.items():
        if field not in allowed:
            raise BadInput(N_("“%(name)s” cannot be changed here."), field=field, name=field)
        if getattr(row, field) != value:
            setattr(row, field, value)
            differs = True
    return differs


def check_slug(
    session: Session,
    column: InstrumentedAttribute[Any],
    value: str,
    *,
    shape: str = SLUG,
    shortest: int = 1,
    but: UUID | None = None,
) -> None:
    """Refuse a slug or key of the wrong shape or length, or one that another row has."""
    field = column.key
    if not re.fullmatch(shape.strip("^$"), value) or len(value) > 64:
        told = N_("“%(value)s” must be lower-case letters, digits and hyphens, 64 at the most.")
        raise BadInput(told, field=field, value=value[:80])
    if len(value) < shortest:
        told = N_("“%(value)s” is too short: at least %(shortest)s characters.")
        raise BadInput(told, field=field, value=value, shortest=shortest)
    refuse_taken(session, column, value, but=but)


def refuse_taken(
    session: Session, column: InstrumentedAttribute[Any], value: str, *, but: UUID | None = None
) -> None:
    """Raises NameTaken for a value that another row has in a column."""
    row = column.class_
    if session.scalar(select(row.id).where(column == value, row.id != but)):
        raise NameTaken(field=column.key, value=value)


def check_text(field: str, value: str, *, longest: int = 200, required: bool = True) -> None:
    """Refuse an empty name or one too long to be shown."""
    if required and not value.strip():
        raise BadInput(N_("This cannot be empty."), field=field)
    if len(value) > longest:
        raise BadInput(
            N_("This is too long: %(longest)s characters at the most."),
            field=field,
            longest=longest,
        )


def delete_unused(session: Session, row: Base) -> None:
    """Delete a row that nothing hangs off; the foreign keys are the judge. Raises InUse."""
    try:
        with session.begin_nested():
            session.delete(row)
    except IntegrityError as refusal:
        raise InUse(name=str(row)) from refusal


def scheme_and_host(address: str) -> tuple[str, str | None]:
    """An address's scheme and host; nothing of what is no address, or holds white space."""
    try:
        parts = urlsplit(address)
        return ("", None) if _WHITE.search(address) else (parts.scheme, parts.hostname)
    except ValueError:
        return "", None
