"""Affiliates' links: any page asked for with ``?ref=`` records one click and binds the visit.

With consent (or where the owner has declared it strictly necessary) the click's id is kept
in a cookie; without, ``g.click_id`` lets the page's own links carry it to the checkout. A
click that cannot be recorded never costs anybody their page.
"""

import logging
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, Flask, Response, g, request
from flask_login import current_user

from models import clock
from models.affiliation.click_id import read_click_id, youngest_click
from models.affiliation.record_click import (
    Click,
    UnknownAffiliate,
    Visit,
    longest_cookie_days,
    record_click,
    visitor_key_of,
)
from models.session import staff_reading, unit_of_work
from models.settings import current_settings
from public.hosts import platform_here
from public.json_api import Answer, Body, endpoint
from public.limits import limiter

log = logging.getLogger(__name__)
pages = Blueprint("clicks", __name__)

COOKIE = "weokto_aff_ref"
CONSENT_COOKIE = "consent"
NOT_PAGES = ("/api/", "/static/")
NO_PAGES_OF = frozenset({"static", "health", "libraries", "assets", "structured_data"})
UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
LONGEST_SLUG = 60


def install(app: Flask) -> None:
    """Look for ``?ref=`` before every page, and keep the click in a cookie after it."""
    app.before_request(bind_visit)
    app.after_request(_keep_in_cookie)
    app.register_blueprint(pages)


def bind_visit() -> None:
    """Record the click of this page's ``?ref=``, or take up the one its ``?click=`` carries."""
    if request.method != "GET" or not _is_page():
        return
    slug = request.args.get("ref", "")
    if slug and len(slug) <= LONGEST_SLUG:
        try:
            _bind(_record(_visit(slug, request.args.to_dict())))
        except UnknownAffiliate:
            return
        except Exception:  # whatever is wrong, the visitor came for the page
            log.warning("click not recorded", exc_info=True)
    elif carried := request.args.get("click", ""):
        _take_up(carried)


class Track(Body):
    """What a page outside says of a click; ``page`` is its own address."""

    ref: str
    page: str | None = None
    product: str | None = None
    campaign: str | None = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    utm_term: str | None = None
    utm_content: str | None = None


class Tracked(Answer):
    """The click to carry as ``?click=``; none where what was seen does not count as one."""

    recorded: bool
    click_id: str | None
    expires_at: datetime | None


@pages.get("/api/affiliate/track")
@limiter.limit("60 per minute")
@endpoint(answers=Tracked, refuses=(404,), tag="affiliation", any_origin=True)
def track(query: Track) -> Tracked:
    """Record a click on an affiliate's link for a page outside; 404 for an unknown one."""
    said = {name: value for name, value in query.model_dump().items() if value}
    click = _record(_visit(query.ref, said))
    _bind(click)
    if click is None:
        return Tracked(recorded=False, click_id=None, expires_at=None)
    return Tracked(recorded=True, click_id=click.click_id, expires_at=click.expires_at)


@pages.after_request
def _for_any_origin(response: Response) -> Response:
    """Pages of other sites may read the answer; it says nothing about who asks."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.headers["Cache-Control"] = "no-store"
    return response


def _is_page() -> bool:
    if request.endpoint is None or request.path.startswith(NOT_PAGES):
        return False
    if request.path.startswith(f"/{current_settings().owner_console_path}"):
        return False
    return (request.blueprint or request.endpoint) not in NO_PAGES_OF


def _visit(slug: str, said: dict[str, str]) -> Visit:
    user_agent = request.headers.get("User-Agent", "")
    person = current_user if current_user and current_user.is_authenticated else None
    return Visit(
        slug=slug,
        platform=platform_here(),
        visitor_key=visitor_key_of(request.remote_addr, user_agent),
        landing_path=said.get("page") or request.path,
        ip=request.remote_addr,
        user_agent=user_agent,
        referrer=request.referrer,
        campaign=said.get("campaign"),
        utm={name: said[name] for name in UTM if said.get(name)},
        product_slug=said.get("product") or (request.view_args or {}).get("slug"),
        user_id=person.id if person else None,
        is_prefetch=_is_prefetch(),
    )


def _is_prefetch() -> bool:
    """Whether the browser fetches ahead: each says so in a header of its own."""
    said = [request.headers.get(name, "") for name in ("Sec-Purpose", "Purpose", "X-Purpose")]
    said.append(request.headers.get("X-Moz", ""))
    return any("prefetch" in word.lower() or "prerender" in word.lower() for word in said) or (
        "preview" in said[2].lower()
    )


def _record(visit: Visit) -> Click | None:
    with unit_of_work() as session:
        return record_click(session, visit, now=clock.now())


def _bind(click: Click | None) -> None:
    if click is not None:
        g.click_id, g.click_until = click.click_id, click.expires_at


def _take_up(click_id: str) -> None:
    """Let a click that travelled in the address go on, once it is known to be ours.

    An old address does not undo a click since: the last one wins, and one whose days have
    passed takes nothing away.
    """
    clicked = read_click_id(click_id)
    in_cookie = request.cookies.get(COOKIE)
    if clicked is None or youngest_click(in_cookie, click_id) != click_id:
        return
    if in_cookie == click_id:
        g.click_id = click_id
        return
    with staff_reading() as session:
        until = clicked.at + timedelta(days=longest_cookie_days(session))
    if clock.now() < until:
        g.click_id, g.click_until = click_id, until


def _may_keep() -> bool:
    settings = current_settings()
    agreed = request.cookies.get(CONSENT_COOKIE) == "yes"
    return agreed or settings.referral_cookie_is_strictly_necessary


def _keep_in_cookie(response: Response) -> Response:
    until: Any = g.get("click_until")
    if until is None or not _may_keep():
        return response
    response.set_cookie(
        COOKIE,
        g.click_id,
        max_age=max(0, int((until - clock.now()).total_seconds())),
        secure=request.is_secure or current_settings().is_production,
        httponly=True,
        samesite="Lax",
    )
    return response
