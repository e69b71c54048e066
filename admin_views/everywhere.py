"""The search box on every page: people, purchases, invoices, affiliates, products and buttons."""

from typing import Any

from flask import abort, jsonify, request
from flask.typing import ResponseReturnValue
from flask_admin import BaseView, expose

from admin_views.guard import Console, Guarded
from admin_views.listing import Asked
from admin_views.reading import reading
from models.errors import N_

SEARCHED = ("users", "customers", "invoices", "affiliates", "products", "buttons")
SHORTEST = 2
MOST = 6


class SearchView(Guarded, BaseView):
    """What the box finds, by kind; the same as JSON for fields that point at a record."""

    slug = "search"
    title = N_("Search")
    verbs = {"index_view": "read", "suggest": "read"}

    def __init__(self, console: Console) -> None:
        self.console = console
        self.permissions = {"read": console.entry}  # type: ignore[misc]
        super().__init__(
            name=self.title, endpoint=f"{console.key}_search", url=f"{console.url}/search"
        )

    @expose("/")
    def index_view(self) -> ResponseReturnValue:
        """The page of everything found."""
        term = " ".join(request.args.get("q", "").split())[:120]
        found = []
        for slug in SEARCHED if len(term) >= SHORTEST else ():
            view = self.console.views.get(slug)
            if view is not None and view.allows("read"):
                names = view.shown(view.column_list)[:4]
                rows = matching(view, names, term, MOST)
                found.append((view, names, [view.cells(row, names) for row in rows]))
        return str(
            self.render("admin_views/search.html", term=term, found=[f for f in found if f[2]])
        )

    @expose("/<slug>/")
    def suggest(self, slug: str) -> ResponseReturnValue:
        """Records of one view that match, as ``[[key, words], …]``."""
        view = self.console.views.get(slug)
        if view is None:
            abort(404)
        if not view.allows("read"):
            abort(403)
        term = " ".join(request.args.get("query", "").split())[:120]
        names = [view.column_list[0]]
        rows = matching(view, names, term, 10)
        format = view.format_of(names[0])
        return jsonify([[str(row[view.key_name]), format.text(row[names[0]], row)] for row in rows])


def matching(view: Any, names: list[str], term: str, most: int) -> list[Any]:
    """The newest rows of a view that a term finds."""
    sort, descending = view.column_default_sort
    asked = Asked(search=term, sort=sort, descending=descending, size=most)
    return list(view.listing(names).page(reading(), asked, view.addresses()).rows)
