"""Where signed-in people land: WEOKTO's home and guilds, STAM's dashboard."""

import re
import unicodedata
from typing import Any

from flask import Blueprint, Response, flash, g, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import clock
from models.accounts import Permission, Platform, UserType
from models.affiliation import AffiliateProfile
from models.affiliation.join_guild import ChangedLately, join_free_guild
from models.affiliation.own_figures import Figures
from models.billing.own_purchases import own_purchases
from models.catalog import Community
from models.communities import CommunityMember
from models.session import unit_of_work
from public.amounts import cents_text, number_text
from public.api_payments import click_of_visit
from public.brand import public_url
from public.buttons import carried, offers_here
from public.destinations import console_of
from public.errors import in_words
from public.hosts import only
from public.identity import acting, member_reading, needs
from public.member_menu import in_member_area
from public.own_figures import own_figures
from public.shop_window import ShownCommunity, communities_shown
from public.subscription_words import shown_purchase

pages = Blueprint("spaces", __name__)
pages.context_processor(in_member_area)


@pages.after_request
def _keep_nowhere(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"
    return answer


@pages.get("/home")
@only(Platform.WEOKTO)
@needs(Permission.USERS_READ_OWN)
def home() -> ResponseReturnValue:
    """WEOKTO's welcome; a newcomer who came by an affiliate's link chooses a guild first."""
    if g.get("click_id"):
        with member_reading() as session:
            if guild_of(session) is None:
                return redirect(carried("/choose-guild"), 303)
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
            "label": _("Earned, refunds deducted"),
            "text": cents_text(figures.earned - figures.clawed_back),
        },
        {"label": _("Available"), "text": cents_text(figures.available)},
        {"label": _("Active clients"), "text": number_text(figures.clients)},
        {"label": _("MRR brought"), "text": cents_text(figures.monthly)},
    ]


def slug_from(name: str) -> str:
    """A link name to begin with; empty where a name has no plain letter or digit."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].rstrip("-")


@pages.get("/choose-guild")
@only(Platform.WEOKTO)
@needs(Permission.USERS_READ_OWN)
def choose_guild() -> ResponseReturnValue:
    """The guilds one can enter: the free ones at once, others through their payment button."""
    return guilds_page()


@pages.post("/choose-guild")
@only(Platform.WEOKTO)
@needs(Permission.USERS_EDIT_OWN)
def join_guild_here() -> ResponseReturnValue:
    """Join a free guild; a second press finds that one is in it."""
    try:
        with unit_of_work() as session:
            join_free_guild(
                session,
                current_user.id,
                request.form.get("guild_id", ""),
                click_id=click_of_visit(request.form.get("click", "")),
                actor=acting(),
                now=clock.now(),
            )
    except ChangedLately as refusal:
        return make_response(guilds_page(refused=in_words(refusal)), refusal.status)
    flash(_("Welcome to your guild."), "good")
    return redirect("/home", 303)


def guilds_page(*, refused: str = "") -> str:
    """Every guild with a way in. ``refused``: why the guild cannot be changed now."""
    offers = list(offers_here().values())
    with member_reading() as session:
        current = guild_of(session)
        shown = communities_shown(session, Platform.WEOKTO, offers)
    guilds = [_guild(guild, current) for guild in shown]
    return render_template(
        "public/account/choose_guild.html",
        guilds=[each for each in guilds if each["is_free"] or each["offer"] or each["is_current"]],
        change_refused=refused,
    )


def _guild(guild: ShownCommunity, current: Community | None) -> dict[str, Any]:
    on_sale = [offer for product in guild.products for offer in product.offers]
    return {
        "id": guild.slug,
        "name": guild.name,
        "words": guild.products[0].short_description if guild.products else "",
        "is_current": current is not None and guild.slug == current.slug,
        "is_free": any(product.is_free for product in guild.products),
        "offer": on_sale[0] if on_sale else None,
    }


@pages.get("/dashboard")
@only(Platform.STAM)
@needs(Permission.USERS_READ_OWN)
def dashboard() -> ResponseReturnValue:
    """STAM's welcome: what one has bought and where it stands."""
    with member_reading() as session:
        purchases = own_purchases(session, current_user.id)
    return render_template(
        "public/account/dashboard.html",
        name=current_user.display_name,
        purchases=[shown_purchase(purchase, now=clock.now()) for purchase in purchases],
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
