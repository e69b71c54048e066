"""The base of every record view: read-only, deny by default, every list and page from options.

A view names its model, its columns, its searches and filters, the permission of each verb,
and the rules that its forms and acts call. Lists, details, history, forms and exports come
from here. Nothing is written but through ``rule()``, in one transaction with its audit.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar
from uuid import UUID

from flask import abort, g
from flask_admin.contrib.sqla import ModelView
from flask_admin.contrib.sqla.ajax import QueryAjaxModelLoader
from sqlalchemy import Boolean, DateTime, Enum, Integer, Numeric, inspect
from sqlalchemy.dialects.postgresql import JSONB
from wtforms import Form

from admin_views.acts import ActsMixin
from admin_views.editing import EditingMixin
from admin_views.formats import (
    PLAIN,
    Badge,
    Code,
    Count,
    Email,
    Format,
    Linked,
    Moment,
    Percent,
    YesNo,
)
from admin_views.forms import ConsoleConverter, ConsoleForm, ReferenceLoader
from admin_views.guard import Console, Guarded
from admin_views.labels import label_of
from admin_views.listing import Columns, Listing, Lookup
from admin_views.lists import ListMixin
from admin_views.reading import ReadingSession
from admin_views.records import RecordMixin
from admin_views.structures import Data
from admin_views.writing import rule
from models.accounts.permissions import Permission

RAISE: Any = object()


class AdminView(Guarded, ListMixin, RecordMixin, EditingMixin, ActsMixin, ModelView):
    """A list of one kind of record with its pages. Subclasses set options; see each mixin's."""

    verbs: ClassVar[dict[str, str]] = {
        "index_view": "read",
        "details_view": "read",
        "export": "export",
        "create_view": "create",
        "edit_view": "edit",
        "delete_view": "delete",
        "ajax_lookup": "read",
        "ajax_update": "edit",
        "action_view": "read",  # each act has a permission of its own
        "act_view": "read",
    }

    table: ClassVar[Any]
    title: ClassVar[str] = ""
    category_name: ClassVar[str] = ""
    key_name: ClassVar[str] = "id"
    lookups: ClassVar[dict[str, Lookup]] = {}
    computed: ClassVar[dict[str, Any]] = {}
    formats: ClassVar[dict[str, Format]] = {}
    amounts: ClassVar[Permission | None] = None
    """What shows the view's amounts: without it every Money column is left out."""
    reserved: ClassVar[dict[str, Permission]] = {}
    """Columns of another area than the view's: the permission that shows each of them."""
    partial: ClassVar[bool] = False
    """Another view shows every record of the table; this one only some, in their own light."""
    long_texts: ClassVar[frozenset[str]] = frozenset()

    form_base_class = ConsoleForm
    model_form_converter = ConsoleConverter
    named_filter_urls = True
    can_set_page_size = True
    page_size = 50
    page_size_options = (25, 50, 100, 200)

    def __init__(self, console: Console) -> None:
        self.console = console
        super().__init__(
            self.table,
            ReadingSession(),
            name=self.title,
            category=self.category_name or None,
            endpoint=f"{console.key}_{self.slug}",
            url=f"{console.url}/{self.slug}",
        )
        names = dict.fromkeys([*self.column_list, *(self.column_details_list or ())])
        self._formats = {name: self._format_for(name) for name in names}

    def _format_for(self, name: str) -> Format:
        given = self.formats.get(name)
        if isinstance(given, Linked) and given.inner is PLAIN:
            return replace(given, inner=self._usual(name))
        return given or self._usual(name)

    def _usual(self, name: str) -> Format:
        """The format that a column's type asks for."""
        if name in self.computed:
            return Format()
        column = Columns(self.table, self.lookups, {})[name]
        kind = column.type
        if isinstance(kind, Enum):
            return Badge(kind.enum_class)
        if name.endswith("email"):
            return Email()
        if name.endswith(("slug", "key", "_id")) or name == "id":
            return Code()
        usual: tuple[tuple[Any, Format], ...] = (
            (DateTime, Moment()),
            (Boolean, YesNo()),
            (JSONB, Data()),
            (Numeric, Percent()),
            (Integer, Count()),
        )
        return next((format for each, format in usual if isinstance(kind, each)), Format())

    def format_of(self, name: str) -> Format:
        return self._formats[name]

    def allows(self, verb: str) -> bool:
        """Export and reading details ask what reading asks, unless a view says otherwise."""
        if verb == "export" and "export" not in self.permissions:
            verb = "read"
        return super().allows(verb)

    def shown(self, names: Sequence[str]) -> list[str]:
        """Those of the columns that this reader may see."""
        return [name for name in names if self.shows(name)]

    def shows(self, name: str) -> bool:
        """Whether this reader may see a column, and so sort and search by it."""
        asked = self.reserved.get(name)
        if asked is None and name in self._formats and self._formats[name].is_amount:
            asked = self.amounts
        return asked is None or self.console.may(asked)

    def listing(self, names: Sequence[str]) -> Listing:
        """How this view's rows are found."""
        return Listing(
            model=self.table,
            names=self.with_needs(names),
            key=self.key_name,
            lookups=self.lookups,
            computed=self.computed,
            searchable=self.shown(self.column_searchable_list or ()),
            search_also=self.search_also,
            only=self.only,
        )

    def with_needs(self, names: Sequence[str]) -> list[str]:
        """The columns to read for these to be shown."""
        needed = [each for name in names for each in self._formats[name].needs]
        return [*dict.fromkeys([*names, *needed])]

    def only(self, statement: Any) -> Any:
        """The rows this view is about; all of the table's where it does not say."""
        return statement

    def search_also(self, term: str) -> list[Any]:
        """Further ways to find a row: statements that select keys."""
        return []

    def addresses(self) -> dict[str, str]:
        """Where this reader's other views are, worked out once per request."""
        known: dict[str, str] | None = g.get("console_addresses")
        if known is None:
            known = g.console_addresses = self.console.addresses()
        return known

    def key_of(self, text: str, missing: Any = RAISE) -> Any:
        """A key from the address in its own type; 404 where it cannot be one."""
        kind = getattr(self.table, self.key_name).type.python_type
        try:
            return UUID(text) if kind is UUID else kind(text)
        except (ValueError, TypeError):
            if missing is RAISE:
                abort(404)
            return missing

    def label(self, name: str) -> str:
        """A column's name in English; templates translate it."""
        return (self.column_labels or {}).get(name) or label_of(name)

    def get_column_name(self, field: str) -> str:
        return self.label(field)

    rule = staticmethod(rule)

    # What Flask-Admin asks of a view, answered per reader and per request.

    @property
    def can_create(self) -> bool:
        return self.allows("create")

    @property
    def can_edit(self) -> bool:
        return self.allows("edit")

    @property
    def can_delete(self) -> bool:
        return self.allows("delete")

    @property
    def can_export(self) -> bool:
        return self.allows("export")

    can_view_details = True

    def is_editable(self, name: str) -> bool:
        return name in (self.column_editable_list or ()) and self.allows("edit")

    def scaffold_form(self) -> type[Form]:
        """The form of the columns named; none are named in a read-only view."""
        if not self.form_columns:
            return ConsoleForm
        form: type[Form] = super().scaffold_form()
        return form

    def scaffold_filters(self, name: Any) -> None:
        raise TypeError(f"{self.slug}: filters are admin_views.filters, not {name!r}")

    def is_valid_filter(self, filter: Any) -> bool:
        return hasattr(filter, "condition")

    def handle_filter(self, filter: Any) -> Any:
        return filter

    def get_filter_arg(self, index: int, flt: Any) -> str:
        return str(flt.key)

    def _create_ajax_loader(self, name: str, options: dict[str, Any]) -> QueryAjaxModelLoader:
        target = inspect(self.table).relationships[name].mapper.class_
        return ReferenceLoader(name, self.session, target, **options)

    def init_search(self) -> bool:
        return bool(self.column_searchable_list)

    def scaffold_auto_joins(self) -> list[Any]:
        return []

    def get_sortable_columns(self) -> dict[str, str]:
        """Columns a header sorts by: name shown to name of an indexed column."""
        pairs = [c if isinstance(c, tuple) else (c, c) for c in self.column_sortable_list or ()]
        return dict(pairs)
