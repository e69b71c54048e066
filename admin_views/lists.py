"""The list page of a view, and its export: what the URL asks, turned into rows and cells."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from flask import Response, abort, flash, request, stream_with_context
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import gettext
from markupsafe import Markup, escape
from sqlalchemy.exc import OperationalError

from admin_views.editing import plain_cell
from admin_views.exporting import chunks, xlsx_file
from admin_views.filters import ListFilter, Reference
from admin_views.formats import NOTHING
from admin_views.listing import Asked, Page, Row
from admin_views.reading import reading, stop_reading
from models import clock
from models.csv_lines import csv_lines
from models.errors import N_

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LONGEST_SEARCH = 120


class ListMixin:
    """Options: ``column_list``, ``column_searchable_list``, ``column_filters`` (of
    ``admin_views.filters``), ``column_sortable_list`` (indexed columns only),
    ``column_default_sort``, ``search_hint``, ``empty`` (what would be here) and
    ``empty_how`` (how to make the first one)."""

    column_default_sort: Any = ("id", True)
    search_hint: str = ""
    empty: str = N_("There is nothing here yet.")
    empty_how: str = ""
    intro: str = ""

    @property
    def other_tools(self) -> Sequence[tuple[str, str]]:
        """Further ways from the top of the list, as (words, address)."""
        return ()

    @expose("/")
    def index_view(self: Any) -> ResponseReturnValue:
        """One page of the list."""
        asked = self.asked()
        names = self.shown(self.column_list)
        page, slow = self._page(names, asked)
        return str(
            self.render(
                "admin_views/list.html",
                page=page,
                slow=slow,
                asked=asked,
                headers=[self._header(name, asked) for name in names],
                lines=[self.cells(row, names) for row in page.rows],
                keys=[row[self.key_name] for row in page.rows],
                filters=self._filter_fields(asked),
                sizes=[(size, self.list_url(asked, size=size)) for size in self.page_size_options],
                around=self._around(asked, page),
                bulk=self.bulk_acts(),
                export_query=self._query(asked),
                filtered=bool(asked.search or asked.filters),
            )
        )

    def _page(self: Any, names: Sequence[str], asked: Asked) -> tuple[Page, bool]:
        try:
            return self.listing(names).page(reading(), asked, self.addresses()), False
        except OperationalError as stopped:
            if getattr(stopped.orig, "pgcode", "") != "57014":
                raise
            stop_reading()
            return Page([], 0, False, False, False), True

    def asked(self: Any) -> Asked:
        """What the URL asks; what it asks wrongly is told and left out."""
        default, default_desc = self.column_default_sort
        wanted = request.args.get("sort", "")
        sort = self._sorted_by().get(wanted, "")
        args = request.args
        return Asked(
            search=" ".join(args.get("search", "").split())[:LONGEST_SEARCH],
            filters=self._asked_filters(),
            sort=sort or default,
            descending=args.get("desc") == "1" if sort else default_desc,
            size=self.get_safe_page_size(args.get("page_size", type=int)),
            after=args.get("after", ""),
            before=args.get("before", ""),
            last="last" in args,
            start=max(args.get("start", 0, type=int), 0),
        )

    def _sorted_by(self: Any) -> dict[str, str]:
        """The columns that this reader sorts by, as name shown to name of an indexed column."""
        pairs = self.get_sortable_columns().items()
        return {name: by for name, by in pairs if self.shows(name)}

    def _open_filters(self: Any) -> list[ListFilter]:
        """The filters that this reader may ask: none by records that they may not read."""
        return [
            filter
            for filter in self._filters or ()
            if not isinstance(filter, Reference) or filter.lookup in self.addresses()
        ]

    def _asked_filters(self: Any) -> list[tuple[ListFilter, str]]:
        chosen = []
        for filter in self._open_filters():
            value = request.args.get(f"flt_{filter.key}", "").strip()
            if not value:
                continue
            if filter.validate(value):
                chosen.append((filter, value))
            else:
                flash(gettext("“%(value)s” is not a value to filter by.", value=value), "error")
        return chosen

    def _query(self: Any, asked: Asked) -> dict[str, Any]:
        """The URL's words for a search, filters and order, without a place in it."""
        query: dict[str, Any] = {}
        if asked.search:
            query["search"] = asked.search
        query.update({f"flt_{filter.key}": value for filter, value in asked.filters})
        if request.args.get("sort"):
            query["sort"] = request.args["sort"]
            if asked.descending:
                query["desc"] = "1"
        if asked.size != self.page_size:
            query["page_size"] = asked.size
        return query

    def list_url(self: Any, asked: Asked, **changes: Any) -> str:
        """This list with something changed; ``size`` is the page's."""
        size = changes.pop("size", None)
        query = self._query(replace(asked, size=size) if size else asked)
        query.update(changes)
        kept = {key: value for key, value in query.items() if value is not None}
        return f"{self.url}/?{urlencode(kept)}" if kept else f"{self.url}/"

    def _header(self: Any, name: str, asked: Asked) -> dict[str, Any]:
        by = self._sorted_by().get(name)
        sorted_now = by is not None and by == asked.sort
        down = sorted_now and not asked.descending
        return {
            "name": name,
            "label": self.label(name),
            "numeric": self.format_of(name).numeric,
            "url": self.list_url(asked, sort=name, desc="1" if down else None) if by else None,
            "sorted": ("descending" if asked.descending else "ascending") if sorted_now else None,
        }

    def cells(self: Any, row: Row, names: Sequence[str]) -> list[Markup | str]:
        """A row's cells as HTML; the first one leads to the record."""
        made = [self.format_of(name).html(row[name], row) for name in names]
        if made and "<a " not in made[0]:
            if made[0] is NOTHING:
                made[0] = escape(gettext("Show"))
            made[0] = Markup('<a href="{}details/?id={}">{}</a>').format(
                self.url + "/", row[self.key_name], made[0]
            )
        if self.column_editable_list and self.allows("edit"):
            for place, name in enumerate(names):
                if name in self.column_editable_list:
                    made[place] = self._editable(name, row, made[place])
        return made

    def _editable(self: Any, name: str, row: Row, shown: Markup | str) -> Markup:
        """A cell that can be typed over; a text of several lines says so."""
        value, key = plain_cell(row[name]), row[self.key_name]
        long = " data-long" if name in self.long_texts or "\n" in value else ""
        cell = '<span class="edit" data-name="{}" data-key="{}" data-value="{}"{}>{}</span>'
        return Markup(cell).format(name, key, value, Markup(long), escape(shown))

    def _filter_fields(self: Any, asked: Asked) -> list[dict[str, Any]]:
        chosen = {filter.key: value for filter, value in asked.filters}
        return [
            {
                "filter": filter,
                "key": f"flt_{filter.key}",
                "value": chosen.get(filter.key, ""),
                "words": self._chosen_words(filter, chosen.get(filter.key)),
            }
            for filter in self._open_filters()
        ]

    def _chosen_words(self: Any, filter: ListFilter, value: str | None) -> str:
        if value is None:
            return ""
        if isinstance(filter, Reference):
            words: str = self.console.views[filter.lookup].words_for(filter.clean(value))
            return words
        return dict(filter.choices()).get(value, value)

    def words_for(self: Any, key: Any) -> str:
        """A record of this view in a few words, for a filter that points at it."""
        name = self.column_list[0]
        row = self.listing([]).one(reading(), self.with_needs([name]), key, self.addresses())
        return self.format_of(name).text(row[name], row) if row else str(key)

    def _around(self: Any, asked: Asked, page: Page) -> dict[str, Any]:
        shown = len(page.rows)
        start = 0 if not page.has_previous else asked.start
        if asked.last:
            start = max(page.count - shown, 0)
        return {
            "from": start + 1 if shown else 0,
            "to": start + shown,
            "first": self.list_url(asked) if page.has_previous else None,
            "previous": self.list_url(
                asked, before=page.first_key, start=max(start - asked.size, 0)
            )
            if page.has_previous
            else None,
            "next": self.list_url(asked, after=page.last_key, start=start + shown)
            if page.has_next
            else None,
            "last": self.list_url(asked, last="1") if page.has_next else None,
        }

    def every_row(self: Any, asked: Asked, most: int | None = None) -> Iterator[Row]:
        """All rows of the filter in order, as many as are wanted."""
        names = self.shown(self.column_list)
        for place, row in enumerate(self.listing(names).all(reading(), asked, self.addresses())):
            if most is not None and place >= most:
                return
            yield row

    @expose("/export/<export_type>/")
    def export(self: Any, export_type: str) -> ResponseReturnValue:
        """The filtered rows as a file."""
        if export_type not in ("csv", "xlsx"):
            abort(404)
        names = self.shown(self.column_list)
        titles = [gettext(self.label(name)) for name in names]
        formats = [self.format_of(name) for name in names]
        rows = (
            [format.text(row[name], row) for name, format in zip(names, formats, strict=True)]
            for row in self.every_row(self.asked())
        )
        body: Any
        if export_type == "csv":
            body, kind = stream_with_context(csv_lines(titles, rows)), "text/csv; charset=utf-8"
        else:
            body, kind = stream_with_context(chunks(xlsx_file(titles, rows))), XLSX
        file = f"{self.slug}-{clock.today().isoformat()}.{export_type}"
        return Response(
            body,
            content_type=kind,
            headers={"Content-Disposition": f'attachment; filename="{file}"'},
        )
