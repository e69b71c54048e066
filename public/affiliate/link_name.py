"""``/affiliate/link-name``: the name in an affiliate's links, which they may change once."""

from flask import flash, g, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from models.accounts import Permission
from models.affiliation import AffiliateProfile
from models.affiliation.change_slug import change_slug
from models.errors import DomainError
from models.session import unit_of_work
from public.affiliate.door import for_affiliates, pages
from public.errors import in_words
from public.identity import acting


@pages.get("/link-name")
@for_affiliates(Permission.AFFILIATES_JOIN)
def link_name() -> ResponseReturnValue:
    """The name there is, and the form for another one where it was never changed."""
    return link_name_page(g.affiliate.affiliate_slug)


@pages.post("/link-name")
@for_affiliates(Permission.AFFILIATES_JOIN)
def save_link_name() -> ResponseReturnValue:
    """Take another name; links with the old one go on."""
    slug = request.form.get("slug", "")
    try:
        take_name(slug)
    except DomainError as refusal:
        return make_response(link_name_page(slug, in_words(refusal)), refusal.status)
    flash(_("Saved. Links with your former name keep leading to you."), "good")
    return redirect("/affiliate/dashboard#links", 303)


def take_name(slug: str) -> AffiliateProfile:
    """Give the reader another link name. Raises what ``change_slug`` does."""
    with unit_of_work() as session:
        return change_slug(session, current_user.id, slug, actor=acting())


def link_name_page(typed: str, mistake: str = "") -> str:
    """The form with what was typed and what is wrong with it."""
    return render_template(
        "public/affiliate/link_name.html",
        typed=typed,
        mistake=mistake,
        former=g.affiliate.former_slug,
    )
