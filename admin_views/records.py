"""A record's page: its values, what hangs off it, what can be done to it, and its history."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import abort, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import gettext
from markupsafe import Markup
from sqlalchemy.orm import Session

from admin_views.formats import DayOf, Format, Linked, Moment, Whole, moment
from admin_views.happenings import RECORDS
from admin_views.listing import Asked, Row
from admin_views.past import Past, past_of
from admin_views.reading import reading
from admin_views.references import link_to
from admin_views.structures import Data
from models.accounts.permissions import Permission
from models.errors import N_


@dataclass
class Panel:
    """A table on a record's page, with a way to the whole list where there is one."""

    title: str
    headers: list[str]
    lines: list[list[Markup | str]]
    empty: str = N_("Nothing here yet.")
    url: str | None = None
    numeric: set[int] = field(default_factory=set)
    template: str = ""
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Related:
    """Another view's newest rows about this record: that view's filter says which."""

    view: str
    filter: str
    title: str
    columns: tuple[str, ...] = ()
    most: int = 8


class RecordMixin:
    """Options: ``column_details_list``, ``related``, and ``panels`` for anything else."""

    related: tuple[Related, ...] = ()

    def panels(self: Any, session: Session, row: Row) -> list[Panel]:
        """Further tables on a record's page."""
        return []

    def record(self: Any, key: Any) -> Row:
        """One record with all its columns for this reader; 404 where there is none."""
        row: Row | None = self.listing([]).one(
            reading(), self.with_needs(self._detail_names()), key, self.addresses()
        )
        if row is None:
            abort(404)
        return row

    def _detail_names(self: Any) -> list[str]:
        return self.shown(dict.fromkeys([*(self.column_details_list or ()), *self.column_list]))

    @expose("/details/")
    def details_view(self: Any) -> ResponseReturnValue:
        """A record's page."""
        key = self.key_of(request.args.get("id", ""))
        row = self.record(key)
        names = [
            n for n in self._detail_names() if n in (self.column_details_list or self.column_list)
        ]
        return str(
            self.render(
                "admin_views/details.html",
                row=row,
                key=key,
                heading=self.heading(row),
                values=[(self.label(n), self.detail(n, row), n) for n in names],
                panels=[*self.panels(reading(), row), *self._related_panels(key)],
                history=self.history(key),
                acts=self.acts_on(row),
                kept=self.why_kept(row) if self.allows("delete") else "",
            )
        )

    def heading(self: Any, row: Row) -> str:
        """What a record is called on top of its page."""
        first = self.column_list[0]
        if isinstance(row[first], datetime):
            kind = gettext(RECORDS.get(self.table.__tablename__, "Record"))
            return f"{kind} · {moment(row[first])}"
        if row[first] in (None, ""):
            return str(row[self.key_name])
        return Markup(self.detail(first, row)).striptags()

    def called(self: Any, key: Any) -> str:
        """A record's heading, for links that lead to it; empty where it is gone."""
        names = self.with_needs(self.shown(self.column_list))
        row = self.listing([]).one(reading(), names, self.key_of(key), self.addresses())
        return self.heading(row) if row else ""

    def detail(self: Any, name: str, row: Row) -> Markup | str:
        """One value on a record's page: nothing is cut there."""
        format = self.format_of(name)
        if isinstance(format, Linked) and format.view == self.slug:
            format = format.inner  # The page itself is no place to lead to.
        if isinstance(format, Linked) and isinstance(row[name], UUID):
            return self.find(name, str(row[name])) or format.html(row[name], row)
        if type(format) is Format:
            format = Whole()
        elif isinstance(format, Data):
            format = replace(format, find=self.find)
        elif isinstance(format, DayOf):
            format = Moment()
        return format.html(row[name], row)

    def why_kept(self: Any, row: Row) -> str:
        """Why a record is not to be deleted, instead of the button; the rule has the last word."""
        return ""

    def _related_panels(self: Any, key: Any) -> list[Panel]:
        panels = []
        for related in self.related:
            view = self.console.views.get(related.view)
            if view is not None and view.allows("read"):
                panels.append(related_panel(view, related, key))
        return panels

    def find(self: Any, name: str, key: Any) -> Markup | None:
        """The record that a column of this page points at, as a link."""
        return link_to(self.console, name, key)

    def history(self: Any, key: Any) -> list[Past] | None:
        """What the audit trail says of a record; None where it is not this reader's to see."""
        mine = self.console.may(Permission.AUDIT_READ)
        if not mine and not self.console.may(Permission.AUDIT_READ_OWN_AREA):
            return None
        seen = self.shown(list(self._formats))
        formats = {name: format if name in seen else None for name, format in self._formats.items()}
        return past_of(reading(), self.table.__table__, str(key), formats, self.find)


def related_panel(view: Any, related: Related, key: Any) -> Panel:
    """A panel of another view's newest rows about one record, which they do not repeat."""
    filter = next(each for each in view._filters if each.key == related.filter)
    names = [
        name
        for name in view.shown(related.columns or view.column_list)
        if not name.startswith((f"{related.filter}.", f"current_{related.filter}."))
    ]
    sort, descending = view.column_default_sort
    asked = Asked(filters=[(filter, str(key))], sort=sort, descending=descending, size=related.most)
    rows = list(view.listing(names).page(reading(), asked, view.addresses()).rows)
    return Panel(
        title=related.title,
        headers=[view.label(name) for name in names],
        lines=[view.cells(row, names) for row in rows],
        numeric={place for place, name in enumerate(names) if view.format_of(name).numeric},
        url=f"{view.url}/?flt_{related.filter}={key}",
    )
