"""Payment buttons: in our own pages, on other people's, what they cost, where they are seen."""

import json
import re
from typing import Any
from urllib.parse import quote

import structlog
from blinker import Namespace
from flask import Blueprint, Flask, Response, current_app, g, request, send_from_directory
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import Markup

from models import clock
from models.accounts import Platform
from models.catalog.see_button import see_button
from models.errors import N_, BadInput, Missing
from models.session import member_session, unit_of_work
from public.assets import FOR_AN_HOUR
from public.brand import brand_here, public_url
from public.forms import csrf
from public.json_api import Answer, Body, endpoint
from public.limits import limiter
from public.plain_text import check_text
from public.rendered import keep_this_answer
from public.shop_window import Offer, offers_on_sale

log = structlog.get_logger(__name__)
pages = Blueprint("buttons", __name__)
signals = Namespace()
button_missing = signals.signal("button-missing")
"""Sent with ``key`` when one of our own pages names a button that is not on sale."""

LARGEST_REPORT = 4096
WAYS_TO_BUY = re.compile(r'href="(/(?:checkout|p)/[^"]*)"')
"""The links of one of our own pages that an affiliate's click must travel by."""
A_PRICE = range(0, 10**9)


class NotAReport(BadInput):
    code = "not_a_report"
    message = N_(
        "A report is a JSON object with key, page, price (cents), price_follows and keeps_ref."
    )


def install(app: Flask) -> None:
    """Give templates ``payment_button(…)`` and ``payment_offer(…)``; serve the snippet."""
    app.jinja_env.globals.update(
        payment_button=payment_button,
        payment_offer=payment_offer,
        offer_for_visitors=offer_for_visitors,
        button_words=button_words,
        carried=carried,
    )
    app.extensions["noted_sightings"] = set()
    app.register_blueprint(pages)


def offers_here() -> dict[str, Offer]:
    """Every offer of this host's platform by its button key, read once per request."""
    if "offers" not in g:
        with member_session(None) as session:
            offers = offers_on_sale(session, brand_here().platform)
        g.offers = {offer.key: offer for offer in offers}
    return dict(g.offers)


def payment_offer(key: str) -> Offer | None:
    """What a button sells; None where it is not on sale."""
    return offers_here().get(key)


def offer_for_visitors(key: str, platform: Platform) -> Offer | None:
    """What visitors of a platform are shown for a button, wherever it is asked; None: nothing.

    For the console, which previews the buttons of both platforms on a host of one.
    """
    with member_session(None) as session:
        offers = offers_on_sale(session, platform)
    return next((offer for offer in offers if offer.key == key), None)


def payment_button(
    key: str, text: str | None = None, class_: str = "", price: int | None = None
) -> Markup:
    """A link to the checkout that opens it over the page where JavaScript runs.

    ``price``: what the page itself says it costs, in cents, where its author wrote that down
    instead of asking ``payment_offer``; the console compares it.

    A button that is not on sale leaves nothing on the page, a warning in the log, and makes
    ``check-pages`` fail.
    """
    offer = payment_offer(key)
    if offer is None:
        log.warning("payment button not on sale", key=key, path=request.path)
        button_missing.send(None, key=key)
        return Markup("")
    shown: dict[str, int | None] = g.setdefault("buttons_shown", {})
    shown[key] = shown.get(key) if price is None else price
    link = Markup('<a class="button {}" href="{}" data-payment-button="{}">{}</a>')
    return link.format(class_, carried(f"/checkout/{key}"), key, text or button_words(offer))


def carried(path: str) -> str:
    """A path of this site that keeps the affiliate click this visit came by, cookie or not."""
    click = g.get("click_id")
    return f"{path}?click={quote(click)}" if click else path


def button_words(offer: Offer) -> str:
    """The words on a button: the owner's own, or the usual ones in the reader's language."""
    return _("Sign up") if offer.cta_text in ("", "S'inscrire") else offer.cta_text


def note_own_sightings(path: str, text: str) -> None:
    """Note which buttons one of our own pages shows, once for each day, price and loss of ref."""
    noted: set[tuple[Any, ...]] = current_app.extensions["noted_sightings"]
    loses_ref = loses_click(text)
    for key, written in g.get("buttons_shown", {}).items():
        price = offers_here()[key].amount if written is None else written
        mark = (key, path, price, written is None, loses_ref, clock.today())
        if mark in noted:
            continue
        if len(noted) > 10_000:
            noted.clear()
        try:
            with unit_of_work() as session:
                see_button(
                    session,
                    key,
                    page_url=public_url(path),
                    price_shown=price,
                    price_follows=written is None,
                    loses_ref=loses_ref,
                    now=clock.now(),
                )
            noted.add(mark)
        except Exception:  # a page is worth more than the note of where its button was seen
            log.warning("sighting not noted", key=key, path=path, exc_info=True)


def loses_click(text: str) -> bool | None:
    """Whether a link of this page to what is bought leaves the affiliate's click behind.

    None where the visit has no click: then there is nothing to lose, and nothing is shown.
    """
    if not g.get("click_id"):
        return None
    return any("click=" not in link for link in WAYS_TO_BUY.findall(text))


@pages.get("/embed.js")
def embed() -> ResponseReturnValue:
    """The snippet for pages anywhere."""
    answer = send_from_directory("public/static/js", "embed.js", mimetype="text/javascript")
    answer.headers["Cache-Control"] = FOR_AN_HOUR
    keep_this_answer()
    return answer


class ButtonAsked(Body):
    key: str


class ButtonConfig(Answer):
    """What a button says and costs: amounts in cents, texts in the asker's language."""

    key: str
    display_name: str
    description: str
    cta_text: str
    product_name: str
    product_slug: str
    plan_name: str
    amount: int
    currency: str
    price_text: str
    interval: str
    interval_text: str
    trial_days: int | None
    trial_amount: int
    setup_fee: int
    terms_text: str
    checkout_url: str


@pages.get("/api/payments/button-config")
@limiter.limit("120 per minute")
@endpoint(answers=ButtonConfig, refuses=(404,), tag="payments", any_origin=True)
def button_config(query: ButtonAsked) -> ButtonConfig:
    """What a button says and costs, for the snippet; 404 for one that is not on sale."""
    offer = payment_offer(query.key)
    if offer is None:
        raise Missing
    return ButtonConfig(
        key=offer.key,
        display_name=offer.display_name,
        description=offer.description,
        cta_text=button_words(offer),
        product_name=offer.product_name,
        product_slug=offer.product_slug,
        plan_name=offer.plan_name,
        amount=offer.amount,
        currency=offer.currency,
        price_text=offer.price_text,
        interval=offer.interval.value,
        interval_text=offer.interval_text,
        trial_days=offer.trial_days,
        trial_amount=offer.trial_amount,
        setup_fee=offer.setup_fee,
        terms_text=offer.terms_text,
        checkout_url=public_url(f"/checkout/{offer.key}"),
    )


@pages.post("/api/payments/button-seen")
@csrf.exempt
@limiter.limit("30 per minute")
def button_seen() -> ResponseReturnValue:
    """Take a page's word that it shows a button.

    The body is JSON sent as text/plain, because a beacon from another site may send no other
    type without asking first; nothing here reads a cookie.
    """
    report = _report(request.get_data(cache=False))
    with unit_of_work() as session:
        see_button(
            session,
            report["key"],
            page_url=report["page"],
            price_shown=report["price"],
            price_follows=report["price_follows"],
            loses_ref=report["loses_ref"],
            now=clock.now(),
        )
    return "", 204


button_seen.any_origin = True


@pages.after_request
def _for_any_origin(response: Response) -> Response:
    """The snippet and what it asks for may be read from pages of other sites."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def _report(body: bytes) -> dict[str, Any]:
    """A sighting's fields. Raises NotAReport.

    ``keeps_ref`` is left out where nobody came by an affiliate's link.
    """
    try:
        report = json.loads(body) if len(body) <= LARGEST_REPORT else None
    except ValueError:
        report = None
    if not isinstance(report, dict):
        raise NotAReport
    price = report.get("price")
    fine = (
        isinstance(report.get("key"), str)
        and isinstance(report.get("page"), str)
        and isinstance(report.get("price_follows", False), bool)
        and isinstance(report.get("keeps_ref", True), bool)
        and (price is None or (type(price) is int and price in A_PRICE))
    )
    if not fine:
        raise NotAReport
    for name in ("key", "page"):
        check_text(name, report[name])
    return {
        "key": report["key"],
        "page": report["page"],
        "price": price,
        "price_follows": report.get("price_follows", False),
        "loses_ref": not report["keeps_ref"] if "keeps_ref" in report else None,
    }
