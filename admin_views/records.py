"""A record's page: its values, what hangs off it, what can be done to it, and its history."""

from dataclasses import dataclass, field
from typing import Any

from flask import abort, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from markupsafe import Markup
from sqlalchemy.orm import Session

from admin_views.formats import Format, Whole
from admin_views.listing import Asked, Row
from admin_views.past import Past, past_of
from admin_views.reading import reading
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
                deletable=self.allows("delete") and self.may_delete(row),
            )
        )

    def heading(self: Any, row: Row) -> str:
        """What a record is called on top of its page."""
        first = self.column_list[0]
        if row[first] in (None, ""):
            return str(row[self.key_name])
        return Markup(self.detail(first, row)).striptags()

    def detail(self: Any, name: str, row: Row) -> Markup | str:
        """One value on a record's page: nothing is cut there."""
        format = self.format_of(name)
        if type(format) is Format:
            format = Whole()
        return format.html(row[name], row)

    def may_delete(self: Any, row: Row) -> bool:
        """Whether the delete button shows; the rule has the last word."""
        return True

    def _related_panels(self: Any, key: Any) -> list[Panel]:
        panels = []
        for related in self.related:
            view = self.console.views.get(related.view)
            if view is not None and view.allows("read"):
                panels.append(related_panel(view, related, key))
        return panels

    def history(self: Any, key: Any) -> list[Past] | None:
        """What the audit trail says of a record; None where it is not this reader's to see."""
        mine = self.console.may(Permission.AUDIT_READ)
        if not mine and not self.console.may(Permission.AUDIT_READ_OWN_AREA):
            return None
        hidden = {name for name in self._formats if name not in self.shown(list(self._formats))}
        return past_of(reading(), self.table.__table__, str(key), hidden)


def related_panel(view: Any, related: Related, key: Any) -> Panel:
    """A panel of another view's newest rows about one record."""
    filter = next(each for each in view._filters if each.key == related.filter)
    names = view.shown(related.columns or view.column_list)
    sort, descending = view.column_default_sort
    asked = Asked(filters=[(filter, str(key))], sort=sort, descending=descending, size=related.most)
    rows = list(view.listing(names).page(reading(), asked, view.addresses()).rows)
    return Panel(
        title=related.title,
        headers=[view.label(name) for name in names],
        lines=[view.cells(row, names) for row in rows],
        url=f"{view.url}/?flt_{related.filter}={key}",
    )
