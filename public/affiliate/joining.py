"""Becoming an affiliate: one press from ``/home``, with the terms and a slug of one's own."""

from flask import flash, make_response, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from models import clock
from models.accounts import Permission, Platform
from models.affiliation import AffiliateProfile
from models.affiliation.become_affiliate import become_affiliate
from models.errors import N_, BadInput
from models.session import unit_of_work
from public import legal
from public.affiliate.door import pages
from public.errors import in_words
from public.hosts import only
from public.identity import acting, needs
from public.spaces import home_page

TERMS = "cgu"


class TermsNotAccepted(BadInput):
    code = "terms_not_accepted"
    message = N_("Tick the box: the terms say how you are paid.")


@pages.post("/join")
@only(Platform.WEOKTO)
@needs(Permission.AFFILIATES_JOIN)
def join_as_affiliate() -> ResponseReturnValue:
    """Take the link name typed on ``/home``; a second press finds the profile there is."""
    slug = request.form.get("slug", "")
    try:
        become(slug, accepts="accepts_terms" in request.form)
    except BadInput as refusal:
        page = home_page(slug=slug, errors={refusal.field: in_words(refusal)})
        return make_response(page, refusal.status)
    flash(_("Welcome among the affiliates. Your link is ready to share."), "good")
    return redirect("/affiliate/dashboard", 303)


def become(slug: str, *, accepts: bool) -> AffiliateProfile:
    """Make the person who asks an affiliate, noting which terms they accepted.

    Raises TermsNotAccepted, BadSlug, SlugTaken.
    """
    if not accepts:
        raise TermsNotAccepted(field="accepts_terms")
    terms = legal.edition(TERMS)
    with unit_of_work() as session:
        return become_affiliate(
            session, current_user.id, slug, actor=acting(), now=clock.now(), terms=terms
        )
