"""Making, changing, publishing and closing products."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select
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
    """Change a product; switching it off stops new sales and leaves what was sold running.

    Raises BadInput where one of its plans contradicts what would be said of all of them.
    """
    product = Product.for_update(session, product_id)
    was_free, required_trial = product.is_free, product.requires_trial
    with session.no_autoflush:
        if not take_over(product, changes, EDITABLE):
            return product
        _check(session, product)
        if product.is_free is not was_free:
            _check_free(session, product)
        if product.requires_trial and not required_trial:
            _check_trials(session, product)
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


def _check_free(session: Session, product: Product) -> None:
    """Whether it is free may change while no plan was sold, nor says otherwise by its price."""
    if _has_sold_plan(session, product.id):
        raise BadInput(
            N_("This product has been sold: whether it is free cannot change."), field="is_free"
        )
    costs = Plan.price_amount > 0 if product.is_free else Plan.price_amount == 0
    if plan := _first_plan(session, product, costs):
        raise BadInput(
            N_("Its plan “%(plan)s” costs something: delete that plan first.")
            if product.is_free
            else N_("Its plan “%(plan)s” costs nothing: delete that plan first."),
            field="is_free",
            plan=plan.name,
        )


def _check_trials(session: Session, product: Product) -> None:
    """Every plan that is sold must have the trial; one that is no longer sold needs none."""
    if plan := _first_plan(session, product, Plan.is_active & Plan.trial_days.is_(None)):
        raise BadInput(
            N_("Its plan “%(plan)s” has no trial: give it one, or stop selling it first."),
            field="requires_trial",
            plan=plan.name,
        )


def _first_plan(session: Session, product: Product, which: ColumnElement[bool]) -> Plan | None:
    return session.scalar(
        select(Plan).where(Plan.product_id == product.id, which).order_by(Plan.id).limit(1)
    )


def _date_publication(product: Product) -> None:
    if product.is_published and product.published_at is None:
        product.published_at = clock.now()


def _check(session: Session, product: Product) -> None:
    check_text("name", product.name)
    check_text("short_description", product.short_description or "", longest=500, required=False)
    check_slug(session, Product.slug, product.slug, but=product.id)
