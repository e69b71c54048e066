"""The first page of each console: the owner's figures in euros, the others' in counts."""

from typing import Any

from flask import Response, jsonify, request
from flask.typing import ResponseReturnValue
from flask_admin import BaseView, expose
from flask_babel import gettext

from admin_views.figures import Card, cards_of, tables_of
from admin_views.formats import day, euros, plain_euros
from admin_views.guard import Console, Guarded
from admin_views.reading import reading
from admin_views.sellable import ways_to_sell
from models import clock
from models.accounts.permissions import Permission as P
from models.billing.figures import last_days, sales_by_day
from models.csv_lines import csv_lines
from models.errors import N_

SPANS = (1, 7, 30)


class DashboardView(Guarded, BaseView):
    """Cards for a span of days against the span before; a chart with its table and CSV."""

    slug, title = "", N_("Dashboard")
    verbs = {"index_view": "read", "figures": "chart", "figures_csv": "chart"}

    def __init__(self, console: Console) -> None:
        self.console = console
        self.permissions = {  # type: ignore[misc]
            "read": console.entry,
            "chart": P.FINANCE_FIGURES,
        }
        super().__init__(
            name=self.title,
            endpoint=f"{console.key}_home",
            url=console.url,
        )

    @expose("/")
    def index_view(self) -> ResponseReturnValue:
        """The page."""
        days = self._days()
        session, now = reading(), clock.now()
        cards: list[Card] = cards_of(session, self.console, days, now)
        return str(
            self.render(
                "admin_views/dashboard.html",
                days=days,
                tools=ways_to_sell(self.console),
                spans=SPANS if any(card.change for card in cards) else (),
                cards=cards,
                tables=tables_of(session, self.console, days, now),
                chart=self._chart() if self.allows("chart") else None,
            )
        )

    def _days(self) -> int:
        days = request.args.get("days", 30, type=int)
        return days if days in SPANS else 30

    def _chart(self) -> list[dict[str, Any]]:
        span, _ = last_days(max(self._days(), 7), now=clock.now())
        return [
            {
                "day": day(on),
                "iso": on.isoformat(),
                "sales": sales,
                "revenue": euros(revenue),
                "cents": revenue,
            }
            for on, sales, revenue in sales_by_day(reading(), span)
        ]

    @expose("/figures.json")
    def figures(self) -> ResponseReturnValue:
        """What the chart draws."""
        return jsonify(days=self._chart(), revenue=gettext("Revenue"), sales=gettext("Sales"))

    @expose("/figures.csv")
    def figures_csv(self) -> ResponseReturnValue:
        """The same as a file."""
        rows = [[e["iso"], str(e["sales"]), plain_euros(e["cents"])] for e in self._chart()]
        titles = [gettext("Day"), gettext("Sales"), gettext("Revenue")]
        return Response(
            "".join(csv_lines(titles, rows)),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="sales-by-day.csv"'},
        )
