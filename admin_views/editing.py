"""Making, changing and deleting records: Flask-Admin's forms, the areas' rules.

A view says which rule each verb calls; the form's values reach it as a plain dict. Nothing
is written past the rule, and a form opened before somebody else saved is not saved unseen.
"""

from typing import Any

from flask import abort, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_admin.model.fields import AjaxSelectField
from flask_babel import gettext
from markupsafe import escape
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload
from wtforms import Form

from admin_views.acting import acting
from admin_views.forms import with_plain_breaks
from admin_views.happenings import RECORDS
from admin_views.reading import reading
from admin_views.writing import (
    CellChanged,
    ChangedMeanwhile,
    Outcome,
    check_unchanged,
    in_words,
    transaction,
)
from models.errors import BadInput, DomainError, NotAllowed
from models.oversight import Actor


class EditingMixin:
    """Options: ``form_columns``, ``form_overrides``, ``form_ajax_refs``, ``long_texts``;
    ``create_rule``, ``edit_rule`` and ``delete_rule`` call the area's rules; a view that
    names none for a verb refuses it, whoever asks."""

    def create_rule(self, session: Session, values: dict[str, Any], actor: Actor) -> Any:
        """Make the record of these values by the area's rule, and answer it."""
        raise NotAllowed

    def edit_rule(self, session: Session, key: Any, values: dict[str, Any], actor: Actor) -> Any:
        """Change a record to these values by the area's rule."""
        raise NotAllowed

    def delete_rule(self, session: Session, key: Any, actor: Actor) -> Any:
        """Delete a record by the area's rule."""
        raise NotAllowed

    def locked_fields(self, model: Any) -> dict[str, str]:
        """Fields that cannot change on this record, each with the reason."""
        return {}

    def values_of(self: Any, form: Form) -> dict[str, Any]:
        """What was typed, by column; a reference is its key."""
        values = {}
        for field in form:
            if field.name == "csrf_token":
                continue
            if isinstance(field, AjaxSelectField):
                values[f"{field.name}_id"] = field.data.id if field.data else None
            else:
                values[field.name] = field.data
        return values

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self: Any) -> ResponseReturnValue:
        """The form of a new record."""
        form = self.create_form()
        refusal = None
        if request.method == "POST" and form.validate():
            outcome, made = Outcome(), None
            values = self.values_of(form)
            with transaction(outcome) as session:
                made = self.create_rule(session, values, acting())
                session.flush()
            if outcome.done and made is not None:
                flash(gettext("Made."), "success")
                return redirect(self.address_of("details_view", id=str(made.id)))
            refusal = show_refusal(form, outcome.refusal)
        page = self.render(
            "admin_views/form.html",
            form=form,
            refusal=refusal,
            key=None,
            kind=gettext(RECORDS[self.table.__tablename__]),
            locked=(),
            opened_at="",
        )
        return page, 200 if request.method == "GET" else 422

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self: Any) -> ResponseReturnValue:
        """The form of a record there is."""
        key = self.key_of(request.args.get("id", ""))
        model = self.get_one(key)
        if model is None:
            abort(404)
        form = self.edit_form(obj=model)
        locked = self.locked_fields(model)
        for name in locked:
            if name in form:
                del form[name]
        refusal, opened_at = None, model.updated_at.isoformat()
        if request.method == "POST" and form.validate():
            outcome = self._save(key, form, request.form.get("opened_at", "missing"))
            if outcome.done:
                flash(gettext("Saved."), "success")
                return redirect(self.address_of("details_view", id=str(key)))
            refusal = show_refusal(form, outcome.refusal)
            if not isinstance(outcome.refusal, ChangedMeanwhile):
                opened_at = request.form.get("opened_at", "")
        page = self.render(
            "admin_views/form.html",
            form=form,
            refusal=refusal,
            key=key,
            called=self.called(str(key)),
            locked=self._locked(key, locked),
            opened_at=opened_at,
        )
        return page, 200 if request.method == "GET" else 422

    def _locked(self: Any, key: Any, reasons: dict[str, str]) -> list[tuple[str, str, Any]]:
        """The fields that cannot change, each with its reason and the value it keeps."""
        if not reasons:
            return []
        row = self.record(key)
        shown = {name.removesuffix(".name"): name for name in self._detail_names()}
        return [
            (name, why, self.detail(shown[name], row) if name in shown else "")
            for name, why in reasons.items()
        ]

    def _save(self: Any, key: Any, form: Form, opened_at: str | None) -> Outcome:
        outcome = Outcome()
        values = self.values_of(form)
        with transaction(outcome) as session:
            row = self.table.for_update(session, key)
            check_unchanged(session, row, opened_at)
            self.edit_rule(session, key, values, acting())
        return outcome

    @expose("/delete/", methods=("POST",))
    def delete_view(self: Any) -> ResponseReturnValue:
        """Delete a record that the area lets go."""
        if not self.delete_form().validate():
            abort(400)
        key = self.key_of(request.form.get("id", ""))
        outcome = Outcome()
        with transaction(outcome) as session:
            self.delete_rule(session, key, acting())
        if outcome.refusal is not None:
            flash(in_words(outcome.refusal), "error")
            return redirect(self.address_of("details_view", id=str(key)))
        flash(gettext("Deleted."), "success")
        return redirect(self.address_of("index_view"))

    @expose("/ajax/update/", methods=("POST",))
    def ajax_update(self: Any) -> ResponseReturnValue:
        """One cell typed into the list; answers the cell as it now reads, or why not."""
        if not self.column_editable_list:
            abort(404)
        if not self.action_form().validate():
            abort(400)
        name = request.form.get("name", "")
        if name not in self.column_editable_list:
            abort(422)
        key = self.key_of(request.form.get("key", ""))
        value: Any = with_plain_breaks(request.form.get("value", ""))
        was = with_plain_breaks(request.form.get("was", ""))
        if self.format_of(name).__class__.__name__ == "YesNo":
            value = value == "yes"
        outcome = Outcome()
        with transaction(outcome) as session:
            present = plain_cell(getattr(self.table.for_update(session, key), name))
            if present not in (was, plain_cell(value)):
                raise CellChanged(value=present)
            self.edit_rule(session, key, {name: value}, acting())
        if outcome.refusal is not None:
            return in_words(outcome.refusal), outcome.refusal.status
        row = self.record(key)
        return str(escape(self.format_of(name).html(row[name], row))), 200

    def get_one(self: Any, id: Any) -> Any:
        """A record with the references that its form shows."""
        references = [getattr(self.table, name) for name in self._form_ajax_refs]
        statement = select(self.table).where(getattr(self.table, self.key_name) == id)
        return reading().scalar(statement.options(*(joinedload(each) for each in references)))

    def create_model(self, form: Form) -> bool:
        """Flask-Admin's own way of writing, which commits past the rules: never used."""
        abort(405)

    def update_model(self, form: Form, model: Any) -> bool:
        """Likewise."""
        abort(405)

    def delete_model(self, model: Any) -> bool:
        """Likewise."""
        abort(405)


def plain_cell(value: Any) -> str:
    """A value as a list's cell holds it to be typed over, and as the browser gives it back."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return with_plain_breaks(str(value or ""))


def show_refusal(form: Form, refusal: DomainError | None) -> str:
    """Put a refusal beside the field it names; answers the words for the top of the form."""
    if refusal is None:
        return ""
    words = in_words(refusal)
    field = refusal.field if isinstance(refusal, BadInput) else None
    for name in (field, (field or "").removesuffix("_id")):
        if name and name in form:
            form[name].errors = [*form[name].errors, words]
            return gettext("One field needs another look.")
    return words
