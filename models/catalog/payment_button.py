"""Payment buttons: a plan on sale under a stable key that pages embed; where each was seen."""

import enum
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, bindparam, select
from sqlalchemy.orm import Mapped, Session, joinedload, mapped_column, relationship

from models import clock
from models.base import Base, Encrypted, Json, Keyed, Stamped, enum_of
from models.catalog.plan import Plan
from models.catalog.product import Product

BUTTON_KEY = "^[a-z0-9-]{3,64}$"
SHORTEST_KEY = 3


class PaymentType(enum.StrEnum):
    SUBSCRIPTION = "subscription"
    ONE_TIME = "one-time"


class PaymentButton(Keyed, Stamped, Base):
    """One way to buy one plan. ``button_key`` cannot change once used: ``used_at`` says since when.

    Used is a button that somebody pressed, and one that a page was seen to carry.
    ``success_url`` and ``cancel_url`` are a path or an https address on an allowed host.
    ``webhook_url`` is told of each sale, signed with ``webhook_secret``.
    """

    __tablename__ = "payment_buttons"
    __table_args__ = (
        CheckConstraint(f"button_key ~ '{BUTTON_KEY}'", name="button_key_shape"),
        Index("ix_payment_buttons_plan_id", "plan_id"),
        Index("ix_payment_buttons_product_id", "product_id"),
    )

    product_id: Mapped[UUID] = mapped_column(ForeignKey("products.id"))
    plan_id: Mapped[UUID] = mapped_column(ForeignKey("plans.id"))
    button_key: Mapped[str] = mapped_column(unique=True)
    display_name: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    cta_text: Mapped[str] = mapped_column(default="S'inscrire")
    payment_type: Mapped[PaymentType] = mapped_column(enum_of(PaymentType, "payment_type"))
    success_url: Mapped[str] = mapped_column(default="/welcome")
    cancel_url: Mapped[str] = mapped_column(default="/cancelled")
    webhook_url: Mapped[str | None]
    webhook_secret: Mapped[str | None] = mapped_column(Encrypted)
    is_active: Mapped[bool] = mapped_column(default=True)
    used_at: Mapped[datetime | None]
    extra: Mapped[Json] = mapped_column("metadata", default=dict)

    product: Mapped[Product] = relationship(lazy="raise")
    plan: Mapped[Plan] = relationship(lazy="raise")

    def __str__(self) -> str:
        return self.button_key


class ButtonSighting(Keyed, Base):
    """One page a button was seen on: first and last day, the price shown there in cents.

    ``price_follows``: the page draws our own price, so that it changes with the plan's.
    ``loses_ref``: somebody came to it by an affiliate's link, and a link of the page to what
    is bought did not take that along.
    """

    __tablename__ = "button_sightings"
    __table_args__ = (UniqueConstraint("button_id", "page_url"),)

    button_id: Mapped[UUID] = mapped_column(ForeignKey("payment_buttons.id"))
    page_url: Mapped[str]
    first_seen_on: Mapped[date] = mapped_column(default=clock.today)
    last_seen_on: Mapped[date] = mapped_column(default=clock.today)
    price_shown: Mapped[int | None]
    price_follows: Mapped[bool] = mapped_column(default=False)
    loses_ref: Mapped[bool] = mapped_column(default=False)


def button_by_key(session: Session, key: str) -> PaymentButton | None:
    """The button under a key with its plan, product and community loaded."""
    return session.scalar(_BY_KEY, {"key": key})


_BY_KEY = (
    select(PaymentButton)
    .where(PaymentButton.button_key == bindparam("key"))
    .options(
        joinedload(PaymentButton.plan),
        joinedload(PaymentButton.product).joinedload(Product.community),
    )
)
