"""What the catalogue's rules share: taking changes over, shapes of slugs, deleting the unused."""

import re
from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import InstrumentedAttribute, Session

from models.base import Base
from models.catalog.community import SLUG
from models.errors import N_, BadInput, DomainError


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
    but: UUID | None = None,
) -> None:
    """Refuse a slug or key of the wrong shape, or one that another row has."""
    field = column.key
    if not re.fullmatch(shape.strip("^$"), value) or not 1 <= len(value) <= 64:
        raise BadInput(
            N_("“%(value)s” must be lower-case letters, digits and hyphens, 64 at the most."),
            field=field,
            value=value[:80],
        )
    row = column.class_
    if session.scalar(select(row.id).where(column == value, row.id != but)):
        raise NameTaken(field=field, value=value)


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
