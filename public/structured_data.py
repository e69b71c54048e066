"""What search engines read of a page: JSON-LD, in the vocabulary of schema.org.

A ``<script type="application/ld+json">`` is a data block, which browsers neither run nor
submit to the content policy (HTML, "prepare the script element": a type that is no script
returns before the policy is asked), so that cached pages need neither nonce nor hash.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from flask import Flask, json
from markupsafe import Markup

from public.amounts import exact_amount
from public.brand import brand_here, public_url
from public.shop_window import Offer, ShownProduct

Data = dict[str, Any]
CONTEXT = "https://schema.org"


def install(app: Flask) -> None:
    """Give templates ``json_ld(…)`` and the descriptions it takes."""
    app.jinja_env.globals.update(
        json_ld=json_ld,
        organization=organization,
        faq_page=faq_page,
        breadcrumbs=breadcrumbs,
        product_data=product_data,
    )


def json_ld(data: Data) -> Markup:
    """A data block; nothing in it can close its element early."""
    text = json.dumps({"@context": CONTEXT, **data}, ensure_ascii=False)
    for sign, escape in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")):
        text = text.replace(sign, escape)
    return Markup(f'<script type="application/ld+json">{text}</script>')


def organization() -> Data:
    """The brand of this site."""
    brand = brand_here()
    return {
        "@type": "Organization",
        "name": brand.name,
        "url": public_url("/"),
        "logo": public_url(f"/static/img/{brand.slug}-mark.svg"),
        "description": str(brand.description),
        "sameAs": list(brand.social),
    }


def faq_page(pairs: Iterable[tuple[str, str]]) -> Data:
    """Questions and answers shown on the page."""
    return {
        "@type": "FAQPage",
        "mainEntity": [
            {
                "@type": "Question",
                "name": _plain(question),
                "acceptedAnswer": {"@type": "Answer", "text": _plain(answer)},
            }
            for question, answer in pairs
        ],
    }


def breadcrumbs(trail: Sequence[tuple[str, str]]) -> Data:
    """Where the page stands in the site: (label, path) from the front page on."""
    return {
        "@type": "BreadcrumbList",
        "itemListElement": [
            {
                "@type": "ListItem",
                "position": position,
                "name": _plain(label),
                "item": public_url(path),
            }
            for position, (label, path) in enumerate(trail, start=1)
        ],
    }


def product_data(product: ShownProduct, offers: Sequence[Offer]) -> Data:
    """A product with what it costs today."""
    return {
        "@type": "Product",
        "name": product.name,
        "description": product.short_description or product.name,
        "brand": {"@type": "Brand", "name": brand_here().name},
        "offers": [
            {
                "@type": "Offer",
                "name": offer.plan_name,
                "url": public_url(f"/p/{product.slug}"),
                "price": exact_amount(offer.amount),
                "priceCurrency": offer.currency,
                "availability": "https://schema.org/InStock",
            }
            for offer in offers
        ],
    }


def _plain(text: str) -> str:
    return str(Markup(text).unescape()) if isinstance(text, Markup) else text
