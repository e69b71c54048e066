"""Making, changing, publishing and closing products."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from models import clock
from models.catalog.change import InUse, check_slug, check_text, delete_unused, take_over
from models.catalog.community import Community
from models.catalog.plan import Plan
from models.catalog.product import Product
from models.catalog.product_access import AccessType, ProductAccess
from models.errors import N_, BadInput
from models.oversight import Actor, emit

EDITABLE = frozenset(
    {
        "slug",
        "name",
        "short_description",
        "is_free",
        "requires_trial",
        "is_active",
        "is_published",
    }
)


def create_product(
    session: Session, *, community_id: UUID, slug: str, name: str, actor: Actor, **texts: Any
) -> Product:
    """Put a product into a community; buying it opens that community unless changed later.

    Raises BadInput for a bad or taken slug, Missing for an unknown community.
    """
    community = Community.get(session, community_id)
    product = Product(community_id=community.id, slug=slug, name=name)
    take_over(product, texts, EDITABLE)
    _check(session, product)
    _date_publication(product)
    session.add(product)
    session.flush()
    session.add(
        ProductAccess(
            product_id=product.id,
            access_type=AccessType.COMMUNITY,
            target_id=community.id,
            name=community.name,
        )
    )
    emit(session, "catalog.product_created", product, actor=actor)
    return product


def edit_product(
    session: Session, product_id: UUID, changes: Mapping[str, Any], *, actor: Actor
) -> Product:
    """Change a product; switching it off stops new sales and leaves what was sold running."""
    product = Product.for_update(session, product_id)
    was_free = product.is_free
    with session.no_autoflush:
        if not take_over(product, changes, EDITABLE):
            return product
        _check(session, product)
        if product.is_free is not was_free and _has_sold_plan(session, product_id):
            raise BadInput(
                N_("This product has been sold: whether it is free cannot change."),
                field="is_free",
            )
        _date_publication(product)
    emit(session, "catalog.product_edited", product, actor=actor)
    return product


def delete_product(session: Session, product_id: UUID, *, actor: Actor) -> None:
    """Delete a product that has no plan or button left. Raises InUse otherwise."""
    product = Product.for_update(session, product_id)
    if _has_sold_plan(session, product_id):
        raise InUse(name=product.name)
    emit(session, "catalog.product_deleted", product, actor=actor)
    session.execute(delete(ProductAccess).where(ProductAccess.product_id == product_id))
    delete_unused(session, product)


def _has_sold_plan(session: Session, product_id: UUID) -> bool:
    return bool(
        session.scalar(
            select(Plan.id).where(Plan.product_id == product_id, Plan.sold_at.is_not(None)).limit(1)
        )
    )


def _date_publication(product: Product) -> None:
    if product.is_published and product.published_at is None:
        product.published_at = clock.now()


def _check(session: Session, product: Product) -> None:
    check_text("name", product.name)
    check_text("short_description", product.short_description or "", longest=500, required=False)
    check_slug(session, Product.slug, product.slug, but=product.id)
