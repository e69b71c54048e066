"""Links to share: a page, a campaign and utm words become an address with ``?ref=``, and a QR."""

import io
from dataclasses import dataclass
from urllib.parse import urlencode

import segno
from flask import Response, abort, g, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from models.accounts import Permission, Platform
from models.accounts.site import site_url
from models.affiliation import AffiliateProgram
from models.catalog import Product
from models.errors import N_, BadInput
from models.session import member_session
from public.affiliate.door import for_affiliates, pages
from public.brand import BRANDS, brand_here, public_url

WORDS = ("campaign", "utm_source", "utm_medium")
LONGEST_WORD = 60
FRONT_DOORS = {"stam": Platform.STAM, "weokto": Platform.WEOKTO}
KINDS = {"svg": "image/svg+xml", "png": "image/png"}
PIXELS = {"svg": 4, "png": 12}


class NoSuchPage(BadInput):
    code = "no_such_page"
    message = N_("This page cannot be shared: choose one of the list.")


class WordTooLong(BadInput):
    code = "word_too_long"
    message = N_("A campaign's word has at most %(most)s characters.")


@dataclass(frozen=True)
class Shareable:
    """A page worth sharing: its key in the form, its name, and its address without ``ref``."""

    key: str
    name: str
    address: str


@dataclass(frozen=True)
class Link:
    """A link to share, and the words it was made of."""

    page: str
    words: dict[str, str]
    address: str

    @property
    def query(self) -> str:
        """What the QR's address is asked with."""
        return urlencode({"page": self.page, **self.words})


def pages_to_share() -> list[Shareable]:
    """Both front doors, and every product on show whose program is active."""
    doors = [
        Shareable(
            key, _("Front page of %(site)s", site=BRANDS[platform].name), address_of(platform)
        )
        for key, platform in FRONT_DOORS.items()
    ]
    with member_session(None) as session:
        programs = session.scalars(
            select(AffiliateProgram)
            .join(AffiliateProgram.product)
            .options(joinedload(AffiliateProgram.product).joinedload(Product.community))
            .order_by(Product.name, Product.id)
        ).all()
    products = [
        Shareable(
            f"p/{program.product.slug}",
            program.product.name,
            f"{address_of(program.product.community.platform)}p/{program.product.slug}",
        )
        for program in programs
        if program.product.community is not None
    ]
    return [*doors, *products]


def address_of(platform: Platform) -> str:
    """A site's front door as the world reaches it."""
    here = platform is brand_here().platform
    return public_url("/") if here else f"{site_url(platform)}/"


def link_of(page: str, words: dict[str, str], shareable: list[Shareable]) -> Link:
    """The link to a page with the reader's slug. Raises NoSuchPage, WordTooLong."""
    chosen = next((each for each in shareable if each.key == page), None)
    if chosen is None:
        raise NoSuchPage(field="page")
    said = {name: words.get(name, "").strip() for name in WORDS}
    for name, word in said.items():
        if len(word) > LONGEST_WORD:
            raise WordTooLong(field=name, most=LONGEST_WORD)
    said = {name: word for name, word in said.items() if word}
    asked = {"ref": g.affiliate.affiliate_slug, **said}
    return Link(page, said, f"{chosen.address}?{urlencode(asked)}")


def link_asked(shareable: list[Shareable]) -> Link:
    """The link that the address asks for; to STAM's front page where it asks for none."""
    page = request.args.get("page", "").strip() or shareable[0].key
    return link_of(page, request.args.to_dict(), shareable)


def qr_of(address: str, kind: str) -> bytes:
    """A QR code of a link, dark on white with its quiet border."""
    out = io.BytesIO()
    segno.make(address, error="m", micro=False).save(
        out, kind=kind, scale=PIXELS[kind], border=4, dark="#000", light="#fff"
    )
    return out.getvalue()


@pages.get("/links/qr.<kind>")
@for_affiliates(Permission.AFFILIATES_READ_OWN)
def qr(kind: str) -> ResponseReturnValue:
    """The QR code of a link, as SVG or PNG; ``download`` saves it rather than shows it."""
    if kind not in KINDS:
        abort(404)
    link = link_asked(pages_to_share())
    answer = Response(qr_of(link.address, kind), mimetype=KINDS[kind])
    if "download" in request.args:
        file = f"weokto-{g.affiliate.affiliate_slug}.{kind}"
        answer.headers["Content-Disposition"] = f'attachment; filename="{file}"'
    return answer
