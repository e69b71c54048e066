"""Who comes in: signed-in affiliates on WEOKTO, each to what is theirs."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import Blueprint, Response, g, redirect, request
from flask_login import current_user

from models.accounts import Permission, Platform
from models.affiliation import AffiliateProfile
from models.errors import N_, DomainError
from public.hosts import only
from public.identity import member_reading, needs
from public.member_menu import in_member_area

pages = Blueprint("affiliate", __name__, url_prefix="/affiliate")
pages.context_processor(in_member_area)

View = TypeVar("View", bound=Callable[..., Any])


class NotAnAffiliate(DomainError):
    code = "not_an_affiliate"
    message = N_("Become an affiliate first: it takes a link name and one press.")
    url = "/home#become"


def for_affiliates(permission: Permission) -> Callable[[View], View]:
    """A page or endpoint for affiliates who have a permission; ``g.affiliate`` is theirs.

    Elsewhere than on WEOKTO there is nothing; then sign-in, then 403; whoever may come in
    but has no profile yet is sent to where they get one, in JSON with 409.
    """

    def decorate(view: View) -> View:
        @only(Platform.WEOKTO)
        @needs(permission)
        @wraps(view)
        def answer(*args: Any, **kwargs: Any) -> Any:
            with member_reading() as session:
                profile = session.get(AffiliateProfile, current_user.id)
            if profile is None and not request.path.startswith("/api/"):
                return redirect(NotAnAffiliate.url, 303)
            if profile is None:
                raise NotAnAffiliate
            g.affiliate = profile
            return view(*args, **kwargs)

        return answer  # type: ignore[return-value]

    return decorate


@pages.after_request
def keep_nowhere(answer: Response) -> Response:
    """What is somebody's own stays out of every cache."""
    answer.headers["Cache-Control"] = "no-store"
    return answer
