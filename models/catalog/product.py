"""Products: what is sold. Its platform is its community's."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, bindparam, exists, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from models.base import Base, Keyed, Stamped
from models.catalog.community import SLUG, Community


class Product(Keyed, Stamped, Base):
    """One thing on sale in one community.

    Visitors see and buy it while it is both: ``is_published`` is false of a draft,
    ``is_active`` of what is no longer sold.
    """

    __tablename__ = "products"
    __table_args__ = (
        CheckConstraint(f"slug ~ '{SLUG}'", name="slug_shape"),
        Index("ix_products_community_id", "community_id"),
    )

    community_id: Mapped[UUID] = mapped_column(ForeignKey("communities.id"))
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    short_description: Mapped[str] = mapped_column(default="")
    is_free: Mapped[bool] = mapped_column(default=False)
    requires_trial: Mapped[bool] = mapped_column(default=False)
    is_active: Mapped[bool] = mapped_column(default=True)
    is_published: Mapped[bool] = mapped_column(default=False)
    published_at: Mapped[datetime | None]

    community: Mapped[Community] = relationship(lazy="raise")

    def __str__(self) -> str:
        return self.name


def product_by_slug(session: Session, slug: str) -> Product | None:
    """The product under a slug."""
    return session.scalar(_BY_SLUG, {"slug": slug})


_BY_SLUG = select(Product).where(Product.slug == bindparam("slug"))


def has_free_product(session: Session, community_id: UUID) -> bool:
    """Whether a community shows a product that is free, so that nobody pays for coming in."""
    return bool(
        session.scalar(
            select(
                exists().where(
                    Product.community_id == community_id,
                    Product.is_free,
                    Product.is_active,
                    Product.is_published,
                )
            )
        )
    )
