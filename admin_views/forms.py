"""Console forms: Flask-Admin's, with the site's one CSRF token, euros, and light widgets."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from flask import current_app, session
from flask_admin.contrib.sqla.ajax import QueryAjaxModelLoader
from flask_admin.contrib.sqla.form import AdminModelConverter
from flask_admin.form import SecureForm
from flask_admin.model.fields import AjaxSelectField
from flask_admin.model.form import converts
from flask_babel import gettext
from flask_wtf.csrf import generate_csrf, validate_csrf
from markupsafe import Markup
from sqlalchemy import Text, cast, or_, select
from werkzeug.datastructures import MultiDict
from wtforms import Form, HiddenField, SelectField, StringField, TextAreaField
from wtforms.csrf.core import CSRF
from wtforms.validators import DataRequired, Optional
from wtforms.widgets import html_params

from admin_views.formats import decimal, is_french, plain_euros
from admin_views.reading import reading
from admin_views.searching import pattern_of
from admin_views.words import choices_of
from models.errors import N_
from models.ids import is_uuid, new_id

RATE = re.compile(r"\d{1,7}(?:[.,]\d{1,4})?")
EUROS = re.compile(r"(\d{1,9})(?:[.,](\d{1,2}))?")


def with_plain_breaks(text: str) -> str:
    """A text with its line breaks as one character each: browsers post two, and show one."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


class SiteToken(CSRF):
    """The token that the whole site's forms carry, so that one page has one."""

    def generate_csrf_token(self, csrf_token_field: Any) -> str:
        return str(generate_csrf())

    def validate_csrf_token(self, form: Form, field: Any) -> None:
        validate_csrf(field.data)


class ConsoleForm(SecureForm):
    """The base of every form of the consoles; without the token nothing passes."""

    class Meta(SecureForm.Meta):
        csrf_class = SiteToken
        csrf_time_limit = timedelta(hours=12)

        def wrap_formdata(self, form: Form, formdata: Any) -> Any:
            """What was typed, with plain line breaks in every text."""
            if not formdata:
                return formdata
            return MultiDict(
                (name, with_plain_breaks(value) if isinstance(value, str) else value)
                for name, value in formdata.items(multi=True)
            )

        @property
        def csrf_secret(self) -> bytes:
            return str(current_app.secret_key).encode()

        @property
        def csrf_context(self) -> Any:
            return session

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self:
            if any(isinstance(each, Optional) for each in field.validators):
                field.flags.required = False  # The browser must let it be left empty.


class TypedField(StringField):
    """A text that means a number; where it cannot, that is what one is told, not "required"."""

    def validate(self, form: Any, extra_validators: Any = ()) -> bool:
        mistyped = list(self.process_errors)
        fine: bool = super().validate(form, extra_validators)
        if mistyped:
            self.errors = mistyped
        return fine and not mistyped


class RequestKeyField(HiddenField):
    """Tells one showing of a form from another, so that one sent twice is known. Not shown."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, default=new_id, **kwargs)

    def process_formdata(self, valuelist: list[Any]) -> None:
        typed = valuelist[0] if valuelist else ""
        self.data = UUID(typed) if is_uuid(typed) else None


class EurosField(TypedField):
    """An amount typed in euros, kept as cents: ``49``, ``49,00``, ``1 225.50 €``."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        typed = re.sub(r"[\s\u00a0\u202f€]", "", valuelist[0]) if valuelist else ""
        if not typed:
            self.data = None
            return
        found = EUROS.fullmatch(typed)
        if found is None:
            self.data = None
            raise ValueError(gettext("Type an amount in euros, such as 49 or 49,90."))
        self.data = int(found[1]) * 100 + int((found[2] or "0").ljust(2, "0"))

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        if self.data is None:
            return ""
        text = plain_euros(self.data)
        return text.replace(".", ",") if is_french() else text


class RateField(TypedField):
    """A number with at most four decimals, typed with a comma or a point."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        typed = re.sub(r"[\s\u00a0\u202f€%]", "", valuelist[0]) if valuelist else ""
        self.data = None
        if not typed:
            return
        if RATE.fullmatch(typed) is None:
            raise ValueError(gettext("Type a number, such as 30 or 12,5."))
        self.data = Decimal(typed.replace(",", "."))

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else decimal(self.data)


class ReferenceLoader(QueryAjaxModelLoader):
    """Finds the records a reference can point at: a few at a time, by what a person types."""

    def format(self, model: Any) -> tuple[str, str] | None:
        return (str(getattr(model, self.pk)), str(model)) if model else None

    def get_one(self, pk: Any) -> Any:
        try:
            return reading().get(self.model, UUID(str(pk)))
        except ValueError:
            return None

    def get_list(self, term: str | None, offset: int | None = 0, limit: int = 10) -> Any:
        pattern = pattern_of((term or "").strip()[:80])
        matches = or_(*(cast(field, Text).ilike(pattern) for field in self._cached_fields))
        return reading().scalars(
            select(self.model)
            .where(matches)
            .order_by(self._cached_fields[0])
            .offset(max(offset or 0, 0))
            .limit(min(limit, 20))
        )


class ReferenceWidget:
    """A field that suggests records while one types; the key travels hidden."""

    def __call__(self, field: AjaxSelectField, **kwargs: Any) -> Markup:
        chosen = field.loader.format(field.data)
        hidden = html_params(name=field.name, type="hidden", value=chosen[0] if chosen else "")
        shown = html_params(
            id=field.id,
            type="text",
            value=chosen[1] if chosen else "",
            autocomplete="off",
            role="combobox",
            **{
                "aria-expanded": "false",
                "aria-autocomplete": "list",
                "data-lookup": field.loader.name,
                **kwargs,
            },
        )
        return Markup(f'<span class="reference"><input {hidden}><input {shown}></span>')


class ConsoleConverter(AdminModelConverter):
    """Model columns to fields: statuses in words, one-line texts unless said to be long."""

    def _get_label(self, name: str, field_args: dict[str, Any]) -> str:
        return str(field_args.get("label") or self.view.label(name))

    def _convert_relation(self, name: str, prop: Any, is_proxy: bool, kwargs: Any) -> Any:
        kwargs.setdefault("widget", ReferenceWidget())
        return super()._convert_relation(name, prop, is_proxy, kwargs)

    @converts("sqlalchemy.sql.sqltypes.Enum")
    def convert_enum(self, column: Any, field_args: dict[str, Any], **extra: Any) -> SelectField:
        kind = column.type.enum_class
        field_args["validators"] = [DataRequired()]
        field_args["coerce"] = lambda value: None if value in (None, "") else kind(value)
        return SelectField(choices=lambda: choices_of(kind), **_plain(field_args))

    @converts("Text", "LargeBinary", "Binary", "CIText")
    def conv_Text(self, field_args: dict[str, Any], **extra: Any) -> StringField:
        long = extra["column"].key in self.view.long_texts
        self._string_common(field_args=field_args, **extra)
        return (TextAreaField if long else StringField)(**field_args)


def _plain(field_args: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in field_args.items() if key != "allow_blank"}


class ReasonForm(ConsoleForm):
    """Why an act is done; it stands in the audit trail."""

    reason = TextAreaField(N_("Reason"), [DataRequired(N_("Say why: it stays in the history."))])
