"""The affiliate's own pages on WEOKTO: figures, links, commissions, ledger, and JSON twins."""

from flask import Flask

from public.affiliate import (
    api,
    api_payouts,
    boost,
    commissions,
    dashboard,
    joining,
    ledger,
    link_name,
    links,
    payout_details,
    payouts,
)
from public.affiliate.door import pages
from public.amounts import cents_text, day_here, number_text, part_text, typed_amount
from public.languages import said_to_the_reader

__all__ = [
    "api",
    "api_payouts",
    "boost",
    "commissions",
    "dashboard",
    "install",
    "joining",
    "ledger",
    "link_name",
    "links",
    "payout_details",
    "payouts",
]


def install(app: Flask) -> None:
    """Serve them, each within the member area's frame."""
    app.jinja_env.filters.update(
        cents=said_to_the_reader(cents_text),
        count_text=said_to_the_reader(number_text),
        day_here=said_to_the_reader(day_here),
        part_of=said_to_the_reader(part_text),
        typed_cents=said_to_the_reader(typed_amount),
    )
    app.register_blueprint(pages)
    app.register_blueprint(api.pages)
