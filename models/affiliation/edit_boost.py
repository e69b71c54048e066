"""Making, changing and ending boost codes: the owner's side."""

import re
import secrets
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from models import clock
from models.affiliation.boost import (
    CODE,
    BoostCode,
    BoostProduct,
    BoostRedemption,
    BoostScope,
    BoostType,
    RedemptionStatus,
    boost_by_code,
    products_of,
)
from models.catalog import Product
from models.errors import N_, BadInput, DomainError
from models.money import MOST_CENTS
from models.oversight import Actor, emit

LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Without those that are taken for one another."""

ONCE_USED_FIXED = frozenset({"code", "boost_type", "boost_value", "scope"})
EDITABLE = frozenset({*ONCE_USED_FIXED, "valid_from", "valid_until", "max_uses"})
LEAST_POINTS = Decimal("0.0001")
"""The smallest step that is kept."""


class BadBoost(BadInput):
    code = "bad_boost"


class BoostTaken(BadInput):
    code = "boost_taken"
    message = N_("“%(value)s” is already a code. Choose another one.")


class BoostInUse(DomainError):
    """What affiliates were promised stays."""

    code = "boost_in_use"
    message = N_(
        "%(name)s has been used: what it gives, and on what, stays as it is. Make a new code."
    )


def create_boost(
    session: Session,
    *,
    boost_type: BoostType,
    boost_value: Decimal,
    actor: Actor,
    now: datetime,
    code: str | None = None,
    scope: BoostScope | None = None,
    product_ids: Collection[UUID] = (),
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
    max_uses: int | None = None,
) -> BoostCode:
    """Make a code that affiliates may redeem, from now on unless told otherwise.

    Without a ``code`` one like BOOST-XY7K9M is drawn; without a ``scope`` the products say it.
    Raises BadBoost naming the field, BoostTaken.
    """
    boost = BoostCode(
        code=(code or _draw(session)).strip().upper(),
        boost_type=boost_type,
        boost_value=Decimal(boost_value),
        scope=scope or (BoostScope.SPECIFIC if product_ids else BoostScope.GLOBAL),
        valid_from=valid_from or now,
        valid_until=valid_until,
        max_uses=max_uses,
        current_uses=0,
        created_by=actor.user_id,
    )
    _check(session, boost)
    session.add(boost)
    session.flush()
    _be_for(session, boost, product_ids)
    emit(session, "affiliation.boost_created", boost, actor=actor)
    return boost


def edit_boost(
    session: Session,
    boost_id: UUID,
    changes: Mapping[str, Any],
    *,
    actor: Actor,
    product_ids: Collection[UUID] | None = None,
) -> BoostCode:
    """Change a code for those who redeem it from now on; what it gives, and on what, only while
    unused.

    Whoever redeemed it keeps the end that they were promised. ``product_ids`` None leaves
    the products. Raises BadBoost, BoostTaken, BoostInUse.
    """
    boost = BoostCode.for_update(session, boost_id)
    with session.no_autoflush:
        for field, value in changes.items():
            if field not in EDITABLE:
                raise BadInput(N_("“%(name)s” cannot be changed here."), field=field, name=field)
            if field in ONCE_USED_FIXED and boost.current_uses and getattr(boost, field) != value:
                raise BoostInUse(name=boost.code)
            setattr(boost, field, value)
        boost.code = boost.code.strip().upper()
        _check(session, boost)
        is_changed = session.is_modified(boost)
        former = products_of(session, boost.id)
        wanted = former if product_ids is None else product_ids
        if boost.current_uses and boost.scope == BoostScope.SPECIFIC and {*wanted} != {*former}:
            raise BoostInUse(name=boost.code)
    moved = _be_for(session, boost, wanted)
    if moved:
        boost.updated_at = clock.now()  # they are rows of their own, and part of it all the same
    if is_changed or moved:
        emit(session, "affiliation.boost_edited", boost, actor=actor)
    return boost


def deactivate_boost(
    session: Session, boost_id: UUID, *, actor: Actor, now: datetime, end_uses: bool = False
) -> BoostCode:
    """Let nobody redeem a code any more; with ``end_uses`` also end it for whoever has it.

    A second call changes nothing but that.
    """
    boost = BoostCode.for_update(session, boost_id)
    active = _uses_in_force(session, boost_id, now) if end_uses else []
    if not boost.is_active and not active:
        return boost
    boost.is_active = False
    for redemption in active:
        redemption.become(RedemptionStatus.DEACTIVATED)
        redemption.ended_at = now
    emit(
        session,
        "affiliation.boost_deactivated",
        boost,
        actor=actor,
        data={"uses_ended": len(active)},
    )
    return boost


def _uses_in_force(session: Session, boost_id: UUID, at: datetime) -> Sequence[BoostRedemption]:
    """Those of a code that are not over by themselves yet, locked."""
    return session.scalars(
        select(BoostRedemption)
        .where(
            BoostRedemption.code_id == boost_id,
            BoostRedemption.status == RedemptionStatus.ACTIVE,
            or_(BoostRedemption.expires_at.is_(None), BoostRedemption.expires_at > at),
        )
        .order_by(BoostRedemption.id)
        .with_for_update()
    ).all()


def _draw(session: Session) -> str:
    while True:
        code = "BOOST-" + "".join(secrets.choice(LETTERS) for _ in range(6))
        if boost_by_code(session, code) is None:
            return code


def _check(session: Session, boost: BoostCode) -> None:
    if not re.fullmatch(CODE.strip("^$"), boost.code):
        raise BadBoost(
            N_("A code has 3 to 40 capital letters, digits, hyphens and underscores."),
            field="code",
        )
    value = boost.boost_value
    if boost.boost_type == BoostType.PERCENTAGE_INCREASE and not LEAST_POINTS <= value <= 100:
        raise BadBoost(N_("Between 0.0001 and 100 points."), field="boost_value")
    if boost.boost_type == BoostType.FLAT_BONUS and (value <= 0 or value != int(value)):
        raise BadBoost(N_("A bonus is a whole number of cents above 0."), field="boost_value")
    if value > MOST_CENTS:
        raise BadBoost(N_("At most a million euros."), field="boost_value")
    if boost.valid_until is not None and boost.valid_until <= boost.valid_from:
        raise BadBoost(N_("It must end after it begins."), field="valid_until")
    least = max(1, boost.current_uses)
    if boost.max_uses is not None and boost.max_uses < least:
        raise BadBoost(
            N_("At least as many as there were: %(uses)s."), field="max_uses", uses=least
        )
    taken = select(BoostCode.id).where(BoostCode.code == boost.code, BoostCode.id != boost.id)
    if session.scalar(taken) is not None:
        raise BoostTaken(field="code", value=boost.code)


def _be_for(session: Session, boost: BoostCode, product_ids: Collection[UUID]) -> bool:
    """Write down the products of a SPECIFIC code; answers whether they changed."""
    wanted = set(product_ids) if boost.scope == BoostScope.SPECIFIC else set()
    if boost.scope == BoostScope.SPECIFIC and not wanted:
        raise BadBoost(N_("Say which products it is for."), field="products")
    known = set(session.scalars(select(Product.id).where(Product.id.in_(wanted))))
    if known != wanted:
        raise BadBoost(N_("One of these products does not exist."), field="products")
    former = set(products_of(session, boost.id))
    session.execute(
        delete(BoostProduct).where(
            BoostProduct.code_id == boost.id, BoostProduct.product_id.in_(former - wanted)
        )
    )
    session.add_all(
        BoostProduct(code_id=boost.id, product_id=key) for key in sorted(wanted - former)
    )
    return wanted != former
