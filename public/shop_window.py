"""What anybody may see of the catalogue: offers on sale, products, communities.

Read as nobody, so that row security itself leaves out what is switched off or unpublished.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session, contains_eager

from models import clock
from models.accounts.platform import Platform
from models.billing.periods import trial_end
from models.catalog import BillingInterval, Community, PaymentButton, Plan, Product
from models.catalog.on_sale import ON_SALE
from public.amounts import amount_text, day_text, days_text, interval_text


@dataclass(frozen=True)
class Offer:
    """One payment button with what its plan costs: cents, and texts in the reader's language."""

    key: str
    display_name: str
    description: str
    cta_text: str
    product_slug: str
    product_name: str
    plan_name: str
    amount: int
    currency: str
    interval: BillingInterval
    trial_days: int | None
    trial_amount: int
    setup_fee: int

    @property
    def price_text(self) -> str:
        """The price of one period."""
        return amount_text(self.amount, self.currency)

    @property
    def interval_text(self) -> str:
        """How often it is paid."""
        return interval_text(self.interval)

    @property
    def terms_text(self) -> str:
        """The trial with the price after it, the setup fee, and how it ends, in one line."""
        parts = [self._trial_text()] if self.trial_days else []
        if self.setup_fee:
            parts.append(_("%(fee)s to set up, once", fee=amount_text(self.setup_fee)))
        if self.interval.renews and not parts:
            parts.append(_("Stops whenever you say so"))
        elif not self.interval.renews:
            parts.append(_("One payment, nothing after"))
        return " · ".join(parts)

    def _trial_text(self) -> str:
        """The trial, then the price and the day it is first charged if one begins today."""
        days = self.trial_days or 0
        length = days_text(days)
        then = _(
            "then %(price)s %(every)s from %(date)s",
            price=self.price_text,
            every=self.interval_text,
            date=day_text(trial_end(clock.now(), days)),
        )
        if self.trial_amount:
            first = amount_text(self.trial_amount)
            return _("%(first)s for %(days)s, %(then)s", first=first, days=length, then=then)
        return _("Free for %(days)s, %(then)s", days=length, then=then)


@dataclass(frozen=True)
class ShownProduct:
    """A published product, with its offers in the order they should be read."""

    slug: str
    name: str
    short_description: str
    community_name: str
    offers: tuple[Offer, ...]
    is_free: bool = False

    @property
    def price_text(self) -> str:
        """The lowest price with its interval; empty where nothing is on sale."""
        if not self.offers:
            return ""
        lowest = min(self.offers, key=lambda offer: offer.amount)
        return f"{lowest.price_text} {lowest.interval_text}"


@dataclass(frozen=True)
class ShownCommunity:
    """An active community with its published products."""

    slug: str
    name: str
    products: tuple[ShownProduct, ...]


def offers_on_sale(session: Session, platform: Platform) -> list[Offer]:
    """Every button of a platform that is on sale, what is featured and cheap first."""
    rows = session.scalars(
        select(PaymentButton)
        .join(PaymentButton.plan)
        .join(PaymentButton.product)
        .join(Product.community)
        .where(Community.platform == platform, *ON_SALE.values())
        .options(contains_eager(PaymentButton.plan), contains_eager(PaymentButton.product))
        .order_by(Plan.is_featured.desc(), Plan.price_amount, PaymentButton.button_key)
    )
    return [_offer(button) for button in rows]


def _offer(button: PaymentButton) -> Offer:
    plan = button.plan
    return Offer(
        key=button.button_key,
        display_name=button.display_name,
        description=button.description,
        cta_text=button.cta_text,
        product_slug=button.product.slug,
        product_name=button.product.name,
        plan_name=plan.name,
        amount=plan.price_amount,
        currency=plan.currency,
        interval=plan.billing_interval,
        trial_days=plan.trial_days,
        trial_amount=plan.trial_amount,
        setup_fee=plan.setup_fee,
    )


def communities_shown(
    session: Session, platform: Platform, offers: Sequence[Offer]
) -> list[ShownCommunity]:
    """A platform's active communities by age, each with its published products."""
    rows = session.execute(
        select(Community, Product)
        .outerjoin(
            Product,
            (Product.community_id == Community.id) & Product.is_active & Product.is_published,
        )
        .where(Community.platform == platform, Community.is_active)
        .order_by(Community.created_at, Community.id, Product.created_at, Product.id)
    )
    found: dict[Community, list[ShownProduct]] = {}
    for community, product in rows:
        products = found.setdefault(community, [])
        if product is not None:
            products.append(_shown(product, community, offers))
    return [ShownCommunity(c.slug, c.name, tuple(products)) for c, products in found.items()]


def product_shown(
    session: Session, platform: Platform, slug: str, offers: Sequence[Offer]
) -> ShownProduct | None:
    """A platform's published product under a slug; None where there is none to see."""
    row = session.execute(
        select(Product, Community)
        .join(Product.community)
        .where(
            Product.slug == slug,
            Product.is_active,
            Product.is_published,
            Community.platform == platform,
            Community.is_active,
        )
    ).first()
    return _shown(row[0], row[1], offers) if row else None


def _shown(product: Product, community: Community, offers: Sequence[Offer]) -> ShownProduct:
    return ShownProduct(
        slug=product.slug,
        name=product.name,
        short_description=product.short_description,
        community_name=community.name,
        offers=tuple(offer for offer in offers if offer.product_slug == product.slug),
        is_free=product.is_free,
    )
