"""An affiliate's boosts as they read them: the one in force, those before, and their figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from models.affiliation.boost import BoostProduct, BoostRedemption, BoostScope
from models.affiliation.commission import Commission
from models.catalog import Product


@dataclass(frozen=True, slots=True)
class OwnBoost:
    """A redemption with its code, the products on show that it is for (none: every product),
    the commissions that it raised, and the cents it added to them in all."""

    redemption: BoostRedemption
    products: Sequence[str]
    commissions: int
    added: int


def own_boosts(session: Session, affiliate_id: UUID) -> list[OwnBoost]:
    """Every boost that an affiliate redeemed, newest first."""
    rows = session.scalars(
        select(BoostRedemption)
        .where(BoostRedemption.affiliate_id == affiliate_id)
        .options(joinedload(BoostRedemption.code))
        .order_by(BoostRedemption.id.desc())
    ).all()
    figures = _figures(session, affiliate_id)
    products = _products(session, {row.code_id for row in rows})
    return [
        OwnBoost(
            row,
            products.get(row.code_id, []) if row.code.scope is BoostScope.SPECIFIC else [],
            *figures.get(row.id, (0, 0)),
        )
        for row in rows
    ]


def _figures(session: Session, affiliate_id: UUID) -> dict[UUID, tuple[int, int]]:
    found = session.execute(
        select(
            Commission.boost_redemption_id,
            func.count(),
            func.coalesce(func.sum(Commission.boost_amount), 0),
        )
        .where(
            Commission.affiliate_id == affiliate_id,
            Commission.boost_redemption_id.is_not(None),
        )
        .group_by(Commission.boost_redemption_id)
    )
    return {key: (count, int(added)) for key, count, added in found if key is not None}


def _products(session: Session, code_ids: set[UUID]) -> dict[UUID, list[str]]:
    found = session.execute(
        select(BoostProduct.code_id, Product.name)
        .join(Product, Product.id == BoostProduct.product_id)
        .where(BoostProduct.code_id.in_(code_ids))
        .order_by(Product.name)
    )
    names: dict[UUID, list[str]] = {}
    for code_id, name in found:
        names.setdefault(code_id, []).append(name)
    return names
