"""Giving a product an affiliate program, and changing it."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from models.affiliation.program import AffiliateProgram, RateType, program_of
from models.catalog import Product
from models.errors import N_, BadInput, DomainError
from models.money import MOST_CENTS
from models.oversight import Actor, emit

EDITABLE = frozenset(
    {
        "is_active",
        "default_rate_type",
        "default_rate",
        "cookie_duration_days",
        "include_renewals",
    }
)


class HasProgram(DomainError):
    """One program per product."""

    code = "has_program"
    message = N_("%(name)s already has an affiliate program. Edit that one.")


def create_program(
    session: Session, product_id: UUID, *, actor: Actor, **values: Any
) -> AffiliateProgram:
    """Let affiliates earn on a product: by default 30 %, 30 days of cookie, renewals included.

    Raises HasProgram where there is one, BadInput for a rate out of bounds.
    """
    product = Product.for_update(session, product_id)
    if program_of(session, product_id) is not None:
        raise HasProgram(name=product.name)
    program = AffiliateProgram(
        product_id=product_id,
        default_rate_type=RateType.PERCENTAGE,
        default_rate=Decimal(30),
        cookie_duration_days=30,
    )
    _take_over(program, values)
    session.add(program)
    emit(session, "affiliation.program_created", program, actor=actor)
    return program


def edit_program(
    session: Session, program_id: UUID, changes: Mapping[str, Any], *, actor: Actor
) -> AffiliateProgram:
    """Change what future sales earn; commissions already earned stay as they are."""
    program = AffiliateProgram.for_update(session, program_id)
    with session.no_autoflush:
        _take_over(program, changes)
    if session.is_modified(program):
        emit(session, "affiliation.program_edited", program, actor=actor)
    return program


def _take_over(program: AffiliateProgram, changes: Mapping[str, Any]) -> None:
    for field, value in changes.items():
        if field not in EDITABLE:
            raise BadInput(N_("“%(name)s” cannot be changed here."), field=field, name=field)
        setattr(program, field, value)
    rate = Decimal(program.default_rate)
    if program.default_rate_type == RateType.PERCENTAGE and not 0 <= rate <= 100:
        raise BadInput(N_("A percentage between 0 and 100."), field="default_rate")
    if program.default_rate_type == RateType.FIXED and (rate < 0 or rate != int(rate)):
        raise BadInput(N_("A fixed rate is a whole number of cents."), field="default_rate")
    if rate > MOST_CENTS:
        raise BadInput(N_("At most a million euros."), field="default_rate")
    if not 1 <= program.cookie_duration_days <= 730:
        raise BadInput(N_("A cookie lasts between 1 and 730 days."), field="cookie_duration_days")
