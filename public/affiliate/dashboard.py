"""``/affiliate/dashboard``: where the affiliate's money stands, what unlocks when, their links."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from flask import make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import format_date
from flask_babel import gettext as _

from models.accounts import Permission
from models.affiliation.own_figures import Month, Unlock
from models.errors import BadInput
from public.affiliate.door import for_affiliates, pages
from public.affiliate.downloads import as_csv, money_cell
from public.affiliate.links import WORDS, link_asked, link_of, pages_to_share
from public.amounts import cents_text
from public.errors import in_words as refusal_in_words
from public.own_figures import own_figures


@pages.get("/dashboard")
@for_affiliates(Permission.FINANCE_FIGURES_OWN)
def dashboard() -> ResponseReturnValue:
    """Figures, calendar, funnel, chart and the link builder."""
    figures = own_figures()
    shareable = pages_to_share()
    mistake: BadInput | None = None
    try:
        link = link_asked(shareable)
    except BadInput as refusal:
        mistake, link = refusal, link_of(shareable[0].key, {}, shareable)
    text = render_template(
        "public/affiliate/dashboard.html",
        figures=figures,
        calendar=calendar_of(figures.unlocks),
        months=figures.months,
        chart=chart_of(figures.months),
        shareable=shareable,
        link=link,
        words={name: request.args.get(name, "")[:60] for name in WORDS},
        mistake=mistake and (mistake.field, refusal_in_words(mistake)),
    )
    return make_response(text, mistake.status if mistake else 200)


@pages.get("/dashboard.csv")
@for_affiliates(Permission.FINANCE_FIGURES_OWN)
def dashboard_csv() -> ResponseReturnValue:
    """The twelve months of the chart as a file."""
    titles = [_("Month"), _("Commissions"), _("Earned"), _("Taken back"), _("Withdrawn")]
    rows = (
        [
            month.first_day.isoformat()[:7],
            str(month.commissions),
            money_cell(month.earned),
            money_cell(month.clawed_back),
            money_cell(month.paid_out),
        ]
        for month in own_figures().months
    )
    return as_csv("affiliation", titles, rows)


def calendar_of(unlocks: Sequence[Unlock]) -> list[dict[str, Any]]:
    """What unlocks, grouped by month, each month with its sum."""
    months: dict[date, list[Unlock]] = {}
    for unlock in unlocks:
        months.setdefault(unlock.on.replace(day=1), []).append(unlock)
    return [
        {"first_day": first, "amount": sum(each.amount for each in days), "days": days}
        for first, days in months.items()
    ]


def chart_of(months: Sequence[Month]) -> dict[str, Any]:
    """What the chart draws: cents, beside the words they are shown in."""
    series = {
        "earned": _("Earned"),
        "clawed_back": _("Taken back"),
        "paid_out": _("Withdrawn"),
    }
    return {
        "months": [format_date(month.first_day, "MMM yy") for month in months],
        "series": [
            {
                "name": name,
                "label": label,
                "cents": [getattr(month, name) for month in months],
                "texts": [cents_text(getattr(month, name)) for month in months],
            }
            for name, label in series.items()
        ],
    }
