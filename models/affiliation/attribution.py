"""Attributions: whose visitor a buyer is, for one product, with its history."""

from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    CursorResult,
    ForeignKey,
    Index,
    Select,
    and_,
    bindparam,
    exists,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import clock
from models.accounts import User
from models.base import Base, Keyed

LAST_CLICK = "last-click"


class Attribution(Keyed, Base):
    """One binding of a person and product to an affiliate; replaced ones stay as history.

    ``tracking_event_id`` points at a click that may be purged by now, hence no foreign key.
    ``self_referral`` marks an own purchase, which earns nothing. One made by joining something
    free (``is_free_product_attribution``) counts for every product of its ``community_id``
    until ``expires_at``; joining a guild leaves ``product_id`` empty. ``converted_at``: when
    something paid was bought within it, from when on it earns like any other.
    """

    __tablename__ = "affiliate_attributions"
    __table_args__ = (
        Index(
            "uq_affiliate_attributions_standing",
            "user_id",
            "product_id",
            unique=True,
            postgresql_where=text("replaced_at IS NULL"),
        ),
        Index(
            "uq_affiliate_attributions_joined",
            "user_id",
            "community_id",
            unique=True,
            postgresql_where=text("replaced_at IS NULL AND product_id IS NULL"),
        ),
        CheckConstraint(
            "product_id is not null or (is_free_product_attribution and community_id is not null)",
            name="of_something",
        ),
        CheckConstraint(
            "not is_free_product_attribution or expires_at is not null", name="free_ones_end"
        ),
        Index(
            "ix_affiliate_attributions_free",
            "expires_at",
            postgresql_where=text(
                "is_free_product_attribution AND replaced_at IS NULL AND converted_at IS NULL"
            ),
        ),
        Index("ix_affiliate_attributions_affiliate_id_id", "affiliate_id", "id"),
        Index("ix_affiliate_attributions_product_id_id", "product_id", "id"),
        Index("ix_affiliate_attributions_own", "id", postgresql_where=text("self_referral")),
        Index("ix_affiliate_attributions_customer_id", "customer_id"),
        Index("ix_affiliate_attributions_user_id", "user_id"),
    )

    tracking_event_id: Mapped[UUID | None]
    customer_id: Mapped[UUID | None] = mapped_column(ForeignKey("customers.id"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    product_id: Mapped[UUID | None] = mapped_column(ForeignKey("products.id"))
    community_id: Mapped[UUID | None] = mapped_column(ForeignKey("communities.id"))
    affiliate_id: Mapped[UUID] = mapped_column(ForeignKey("affiliate_profiles.user_id"))
    attribution_model: Mapped[str] = mapped_column(default=LAST_CLICK)
    is_free_product_attribution: Mapped[bool] = mapped_column(default=False)
    self_referral: Mapped[bool] = mapped_column(default=False)
    self_referral_evidence: Mapped[str | None]
    bound_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime | None]
    converted_at: Mapped[datetime | None]
    replaced_at: Mapped[datetime | None]
    replaced_by_event_id: Mapped[UUID | None]

    def has_lapsed(self, at: datetime) -> bool:
        """Whether its days had passed at an instant without anything paid being bought."""
        return self.converted_at is None and self.expires_at is not None and self.expires_at <= at


def standing_attribution(session: Session, user_id: UUID, product_id: UUID) -> Attribution | None:
    """The one unreplaced attribution of a person and product, expired or not."""
    return session.scalar(
        select(Attribution).where(
            Attribution.user_id == user_id,
            Attribution.product_id == product_id,
            Attribution.replaced_at.is_(None),
        )
    )


def standing_for(
    session: Session, user_id: UUID, product_id: UUID, community_id: UUID, *, now: datetime
) -> tuple[Attribution | None, Attribution | None]:
    """What stands for a purchase: the product's own, expired or not, and the youngest unexpired
    one made by joining something else free in its community, unless its affiliate's account is
    deleted by now. One statement."""
    asked = {
        "user_id": user_id,
        "product_id": product_id,
        "community_id": community_id,
        "now": now,
    }
    found = session.scalars(_STANDING, asked).all()
    own = [each for each in found if each.product_id == product_id]
    joined = [each for each in found if each.product_id != product_id]
    return (own[-1] if own else None), (joined[-1] if joined else None)


_STANDING = (
    select(Attribution)
    .where(
        Attribution.user_id == bindparam("user_id"),
        Attribution.replaced_at.is_(None),
        or_(
            Attribution.product_id == bindparam("product_id"),
            and_(
                Attribution.is_free_product_attribution,
                Attribution.community_id == bindparam("community_id"),
                Attribution.expires_at > bindparam("now"),
                ~exists().where(User.id == Attribution.affiliate_id, User.closed_at.is_not(None)),
            ),
        ),
    )
    .order_by(Attribution.bound_at, Attribution.id)
)


def joined_attribution(session: Session, user_id: UUID, community_id: UUID) -> Attribution | None:
    """The unreplaced attribution that joining a community made, expired or not."""
    return session.scalar(
        select(Attribution).where(
            Attribution.user_id == user_id,
            Attribution.community_id == community_id,
            Attribution.product_id.is_(None),
            Attribution.replaced_at.is_(None),
        )
    )


def end_joinings(session: Session, *, now: datetime) -> int:
    """End the joinings whose days have passed without a purchase; answers how many.

    Those of somebody's free product stay for their invoices to name; they earn nothing more.
    """
    statement = (
        update(Attribution)
        .where(
            Attribution.is_free_product_attribution,
            Attribution.replaced_at.is_(None),
            Attribution.converted_at.is_(None),
            Attribution.customer_id.is_(None),
            Attribution.expires_at <= now,
        )
        .values(replaced_at=Attribution.expires_at)
        .execution_options(synchronize_session=False)
    )
    return cast(CursorResult[Any], session.execute(statement)).rowcount


def next_end_of_joinings() -> Select[Any]:
    """Asks when the next joining is over; NULL where none waits."""
    return select(func.min(Attribution.expires_at)).where(
        Attribution.is_free_product_attribution,
        Attribution.replaced_at.is_(None),
        Attribution.converted_at.is_(None),
        Attribution.customer_id.is_(None),
    )
