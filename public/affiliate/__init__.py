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
    links,
    payout_details,
    payouts,
)
from public.affiliate.door import pages
from public.amounts import cents_text, day_here, number_text, part_text, typed_amount

__all__ = [
    "api",
    "api_payouts",
    "boost",
    "commissions",
    "dashboard",
    "install",
    "joining",
    "ledger",
    "links",
    "payout_details",
    "payouts",
]


def install(app: Flask) -> None:
    """Serve them, each within the member area's frame."""
    app.jinja_env.filters.update(
        cents=cents_text,
        count_text=number_text,
        day_here=day_here,
        part_of=part_text,
        typed_cents=typed_amount,
    )
    app.register_blueprint(pages)
    app.register_blueprint(api.pages)
