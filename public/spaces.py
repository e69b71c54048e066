"""Where signed-in people land: WEOKTO's home and guilds, STAM's dashboard."""

import re
import unicodedata
from typing import Any

from flask import Blueprint, Response, render_template
from flask.typing import ResponseReturnValue
from flask_babel import format_date
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from models.accounts import Platform, UserType
from models.affiliation import AffiliateProfile
from models.affiliation.own_figures import Figures
from models.billing import Customer
from models.billing.customer import CustomerStatus
from models.catalog import Community, Product
from models.communities import CommunityMember
from models.errors import N_
from public.amounts import cents_text, number_text
from public.brand import public_url
from public.buttons import offers_here
from public.destinations import console_of
from public.hosts import only
from public.identity import member_reading, signed_in_only
from public.member_menu import in_member_area
from public.own_figures import own_figures
from public.shop_window import communities_shown

pages = Blueprint("spaces", __name__)
pages.context_processor(in_member_area)

STATUS_WORDS = {
    CustomerStatus.TRIAL: N_("Trial running"),
    CustomerStatus.ACTIVE: N_("Active"),
    CustomerStatus.PAST_DUE: N_("Payment due"),
    CustomerStatus.CANCELLED: N_("Cancelled"),
    CustomerStatus.EXPIRED: N_("Over"),
}


@pages.after_request
def _keep_nowhere(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"
    return answer


@pages.get("/home")
@only(Platform.WEOKTO)
@signed_in_only
def home() -> ResponseReturnValue:
    """WEOKTO's welcome."""
    return home_page()


def home_page(*, slug: str | None = None, errors: dict[str | None, str] | None = None) -> str:
    """The welcome of whoever asks: an affiliate's overview, or how to become one.

    ``slug`` and ``errors`` are what was typed to become one and what was wrong with it.
    """
    with member_reading() as session:
        guild = guild_of(session)
        profile = session.get(AffiliateProfile, current_user.id)
    link = public_url(f"/?ref={profile.affiliate_slug}") if profile else ""
    may_join = profile is None and current_user.user_type is UserType.CLIENT
    return render_template(
        "public/account/home.html",
        name=current_user.display_name,
        guild=guild.name if guild else None,
        is_affiliate=profile is not None,
        figures=overview(own_figures()) if profile else [],
        affiliate_link=link,
        may_join=may_join,
        slug=slug_from(current_user.display_name) if slug is None else slug,
        errors=errors or {},
        console_url=console_of(current_user.user_type) or "",
    )


def overview(figures: Figures) -> list[dict[str, str]]:
    """An affiliate's figures of the welcome page."""
    return [
        {
            "label": _("Commissions earned"),
            "text": cents_text(figures.earned - figures.clawed_back),
        },
        {"label": _("Available"), "text": cents_text(figures.available)},
        {"label": _("Active clients"), "text": number_text(figures.clients)},
        {"label": _("MRR brought"), "text": cents_text(figures.monthly)},
    ]


def slug_from(name: str) -> str:
    """A link name to begin with; empty where a name has too few plain letters for one."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].rstrip("-")
    return slug if len(slug) >= 3 else ""


@pages.get("/choose-guild")
@only(Platform.WEOKTO)
@signed_in_only
def choose_guild() -> ResponseReturnValue:
    """The guilds one can enter, each through its payment button."""
    offers = list(offers_here().values())
    with member_reading() as session:
        current = guild_of(session)
        shown = communities_shown(session, Platform.WEOKTO, offers)
    guilds: list[dict[str, Any]] = []
    for guild in shown:
        on_sale = [offer for product in guild.products for offer in product.offers]
        is_current = current is not None and guild.slug == current.slug
        if on_sale or is_current:
            guilds.append(
                {
                    "id": guild.slug,
                    "name": guild.name,
                    "words": guild.products[0].short_description if guild.products else "",
                    "is_current": is_current,
                    "button_key": on_sale[0].key if on_sale else "",
                }
            )
    return render_template("public/account/choose_guild.html", guilds=guilds)


@pages.get("/dashboard")
@only(Platform.STAM)
@signed_in_only
def dashboard() -> ResponseReturnValue:
    """STAM's welcome: what one has bought and where it stands."""
    with member_reading() as session:
        customers = session.scalars(
            select(Customer)
            .where(Customer.user_id == current_user.id)
            .options(
                joinedload(Customer.product).joinedload(Product.community),
                joinedload(Customer.current_plan),
            )
            .order_by(Customer.id)
        ).all()
    return render_template(
        "public/account/dashboard.html",
        name=current_user.display_name,
        products=[_product(customer) for customer in customers],
        console_url="",
    )


def guild_of(session: Session) -> Community | None:
    """The guild of the person who asks; None while they have chosen none."""
    return session.scalar(
        select(Community)
        .join(CommunityMember, CommunityMember.community_id == Community.id)
        .where(
            CommunityMember.user_id == current_user.id,
            CommunityMember.is_active,
            CommunityMember.banned_at.is_(None),
            Community.platform == Platform.WEOKTO,
        )
        .order_by(CommunityMember.joined_at.desc(), CommunityMember.id.desc())
        .limit(1)
    )


def _product(customer: Customer) -> dict[str, str]:
    product, plan = customer.product, customer.current_plan
    return {
        "name": product.name if product else _("A product no longer on show"),
        "community_name": product.community.name if product else "",
        "plan_name": plan.name if plan else "",
        "status_text": _(STATUS_WORDS[customer.status]),
        "next_text": _next(customer),
    }


def _next(customer: Customer) -> str:
    if customer.cancel_at_period_end and customer.subscription_ends_at:
        return _("Ends on %(date)s", date=format_date(customer.subscription_ends_at))
    if customer.next_charge_at:
        return _("Next charge on %(date)s", date=format_date(customer.next_charge_at))
    return ""
