"""The pages anyone may read: front doors, sales pages, legal texts, and the two small choices."""

from typing import Any

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    g,
    make_response,
    redirect,
    render_template,
    request,
)
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_login import current_user
from jinja2 import TemplateNotFound

from models import clock
from models.accounts.edit_profile import edit_profile
from models.session import member_session, unit_of_work
from models.settings import current_settings
from public import legal
from public.amounts import amount_text, percent_text
from public.api_payments import CLICK_COOKIE
from public.brand import brand_here, public_url, somebody_is_signed_in
from public.buttons import note_own_sightings, offers_here
from public.destinations import path_here
from public.forms import csrf
from public.headers import allow_vault
from public.identity import acting
from public.languages import LANGUAGE_COOKIE, LANGUAGES, said_to_the_reader
from public.origins import ForeignOrigin, came_from_here
from public.rendered import keep_this_answer, kept_text
from public.shop_window import communities_shown, product_shown

pages = Blueprint("pages", __name__)
CONSENT_COOKIE = "consent"
SIX_MONTHS = 182 * 24 * 3600
A_YEAR = 365 * 24 * 3600


def install(app: Flask) -> None:
    """Serve the public pages; every template knows its brand."""
    app.jinja_env.filters.update(
        amount=said_to_the_reader(amount_text), percent=said_to_the_reader(percent_text)
    )
    app.jinja_env.globals.update(
        withdrawal_minimum=lambda: current_settings().withdrawal_minimum,
        withdrawal_fee=lambda: current_settings().withdrawal_fee_rate * 100,
    )
    app.register_blueprint(pages)
    app.context_processor(frame_of_every_page)


def frame_of_every_page() -> dict[str, Any]:
    """What the layouts want to know, whichever page extends them."""
    brand, settings = brand_here(), current_settings()
    return {
        "brand": brand,
        "company": {"name": settings.company_name, "email": settings.company_email},
        "locale": str(get_locale() or "fr")[:2],
        "path": request.path,
        "canonical_url": public_url(request.path),
        "og_image_url": public_url(f"/static/img/{brand.slug}-card.png"),
        "this_year": clock.today().year,
        "signed_in": somebody_is_signed_in(),
        "consent_given": CONSENT_COOKIE in request.cookies,
        "click_id": g.get("click_id"),
        "cacheable": g.get("cacheable", False),
    }


def shown_to_all(template: str, **context: Any) -> Response:
    """A page that says nothing about who reads it, kept as bytes where nothing else differs."""
    g.cacheable = True
    allow_vault()

    def render() -> str:
        text = render_template(template, **context)
        note_own_sightings(request.path, text)
        return text

    if request.query_string or g.get("click_id"):
        text = render()
    else:
        asked = str(CONSENT_COOKIE in request.cookies)
        language, signed_in = str(get_locale()), somebody_is_signed_in()
        who = "member" if signed_in else ""
        text = kept_text(render, request.host, request.path, language, asked, who)
        keep_this_answer(language if signed_in else "")
    answer = make_response(text)
    answer.headers["Cache-Control"] = "no-cache"
    return answer


@pages.get("/")
def landing() -> ResponseReturnValue:
    """The front door of the host's brand."""
    brand = brand_here()
    return shown_to_all(f"public/{brand.slug}/landing.html", communities=Lazily(communities_here))


class Lazily:
    """A list read only when a template asks for it, so that a kept page costs no query."""

    def __init__(self, read: Any) -> None:
        self._read = read

    def __iter__(self) -> Any:
        return iter(self._read())


def communities_here() -> list[Any]:
    platform = brand_here().platform
    offers = list(offers_here().values())
    with member_session(None) as session:
        return communities_shown(session, platform, offers)


@pages.get("/p/<slug>")
def sales_page(slug: str) -> ResponseReturnValue:
    """A published product: its own page where one was written, else the common one."""
    with member_session(None) as session:
        product = product_shown(session, brand_here().platform, slug, list(offers_here().values()))
    if product is None:
        abort(404)
    template = f"public/sales/{slug}.html"
    try:
        current_app.jinja_env.get_template(template)
    except TemplateNotFound:
        template = "public/sales/product.html"
    return shown_to_all(template, product=product, offers=product.offers)


@pages.get("/welcome")
def welcome() -> ResponseReturnValue:
    """Where a purchase ends."""
    return render_template("public/welcome.html")


@pages.get("/cancelled")
def cancelled() -> ResponseReturnValue:
    """Where giving up a checkout leads."""
    return render_template("public/cancelled.html")


@pages.get("/legal/<name>")
def legal_page(name: str) -> ResponseReturnValue:
    """A legal text."""
    document = legal.document(name, str(get_locale())[:2])
    if document is None:
        abort(404)
    return shown_to_all("public/legal.html", document=document)


@pages.post("/language")
@csrf.exempt
def switch_language() -> ResponseReturnValue:
    """Remember the language asked for, and go back to the page: in the browser, and in the
    profile of whoever is signed in. Pages kept as bytes carry no token, so the browser's own
    word on where the request comes from is what is checked."""
    lang = request.form.get("lang", "")
    if lang not in LANGUAGES:
        abort(422)
    if not came_from_here():
        raise ForeignOrigin
    if somebody_is_signed_in() and current_user.locale != lang:
        with unit_of_work() as session:
            edit_profile(session, current_user.id, locale=lang, actor=acting(), now=clock.now())
    return _remembering(LANGUAGE_COOKIE, lang, A_YEAR)


@pages.post("/consent")
@csrf.exempt
def answer_consent() -> ResponseReturnValue:
    """Remember for six months whether the referral cookie may be set, and go back to the page.

    The answer may be changed at any time; refusing takes away the cookie that was allowed."""
    choice = request.form.get("choice", "")
    if choice not in ("yes", "no"):
        abort(422)
    answer = _remembering(CONSENT_COOKIE, choice, SIX_MONTHS)
    if choice == "no" and CLICK_COOKIE in request.cookies:
        answer.delete_cookie(CLICK_COOKIE, secure=request.is_secure, httponly=True, samesite="Lax")
    return answer


def _remembering(name: str, value: str, seconds: int) -> Response:
    """Set a small cookie and go back; the affiliate click of this visit goes along."""
    if not came_from_here():
        raise ForeignOrigin
    back = path_here(request.form.get("next")) or "/"
    click = request.form.get("click", "")
    if click.isascii() and click.isalnum():
        back += ("&" if "?" in back else "?") + f"click={click}"
    answer = redirect(back, 303)
    answer.set_cookie(
        name,
        value,
        max_age=seconds,
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )
    assert isinstance(answer, Response)
    return answer


@pages.get("/robots.txt")
def robots() -> ResponseReturnValue:
    """What crawlers may read."""
    closed = ("/api/", "/checkout/", "/login", "/verify", "/settings", "/resilier/")
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in closed)]
    lines += ["", f"Sitemap: {public_url('/sitemap.xml')}", ""]
    return Response("\n".join(lines), mimetype="text/plain")


@pages.get("/sitemap.xml")
def sitemap() -> ResponseReturnValue:
    """Every page of this host worth finding."""
    products = dict.fromkeys(
        product.slug for community in communities_here() for product in community.products
    )
    paths = ["/", *(f"/p/{slug}" for slug in products), *(f"/legal/{n}" for n in legal.NAMES)]
    page = render_template("public/sitemap.xml", addresses=[public_url(path) for path in paths])
    return Response(page, mimetype="application/xml")


@pages.get("/favicon.ico")
def favicon() -> ResponseReturnValue:
    """For browsers that look here before reading the page."""
    return redirect(f"/static/img/{brand_here().slug}-mark.svg", 301)
