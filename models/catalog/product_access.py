"""Product access: what buying a product opens."""

import enum
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ForeignKey, UniqueConstraint, bindparam, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from models.base import Base, Keyed, Stamped, enum_of
from models.catalog.product import Product


class AccessType(enum.StrEnum):
    COMMUNITY = "community"
    FORMATION = "formation"
    MODULE = "module"
    CHANNEL = "channel"


class ProductAccess(Keyed, Stamped, Base):
    """One thing a product opens; ``target_id`` is that community, course, module or channel."""

    __tablename__ = "product_access"
    __table_args__ = (UniqueConstraint("product_id", "access_type", "target_id"),)

    product_id: Mapped[UUID] = mapped_column(ForeignKey("products.id"))
    access_type: Mapped[AccessType] = mapped_column(enum_of(AccessType, "access_type"))
    target_id: Mapped[UUID]
    name: Mapped[str] = mapped_column(default="")
    description: Mapped[str] = mapped_column(default="")

    product: Mapped[Product] = relationship(lazy="raise")


def accesses_of(session: Session, product_id: UUID) -> Sequence[ProductAccess]:
    """What a product opens."""
    return session.scalars(_OF_PRODUCT, {"product_id": product_id}).all()


_OF_PRODUCT = select(ProductAccess).where(ProductAccess.product_id == bindparam("product_id"))
