"""Saying what buying a product opens."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.catalog.community import Community
from models.catalog.product import Product
from models.catalog.product_access import AccessType, ProductAccess
from models.errors import N_, BadInput
from models.oversight import Actor, emit


def open_access(
    session: Session,
    product_id: UUID,
    *,
    access_type: AccessType,
    target_id: UUID,
    actor: Actor,
    name: str = "",
    description: str = "",
) -> ProductAccess:
    """Let buyers of a product into something. Already so: that row is answered unchanged.

    Buyers of before are let in too by the next purchase or grant, not by this rule.
    Raises BadInput for a community that is not on the product's platform.
    """
    product = Product.get(session, product_id)
    existing = session.scalar(
        select(ProductAccess).where(
            ProductAccess.product_id == product_id,
            ProductAccess.access_type == access_type,
            ProductAccess.target_id == target_id,
        )
    )
    if existing is not None:
        return existing
    if access_type is AccessType.COMMUNITY:
        community = _community_on_same_platform(session, product, target_id)
        name = name or community.name
    access = ProductAccess(
        product_id=product_id,
        access_type=access_type,
        target_id=target_id,
        name=name,
        description=description,
    )
    session.add(access)
    emit(session, "catalog.access_opened", access, actor=actor)
    return access


def close_access(session: Session, access_id: UUID, *, actor: Actor) -> None:
    """Stop a product from opening something; those already let in keep it."""
    access = ProductAccess.for_update(session, access_id)
    emit(session, "catalog.access_closed", access, actor=actor)
    session.delete(access)


def _community_on_same_platform(session: Session, product: Product, key: UUID) -> Community:
    community = Community.get(session, key)
    home = Community.get(session, product.community_id)
    if community.platform is not home.platform:
        raise BadInput(N_("That community is on the other platform."), field="target_id")
    return community
