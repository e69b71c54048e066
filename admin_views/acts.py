"""Acts: what a console lets one do to a record beyond editing it, each one rule of its area.

An act has its own page: GET shows what it would do (and asks what the rule needs to know),
POST does it. On ticked rows it runs once per row, each in a transaction of its own, so that
one refusal does not undo the others.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import abort, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import gettext, ngettext
from sqlalchemy.orm import Session

from admin_views.acting import acting, is_fresh
from admin_views.forms import ConsoleForm
from admin_views.preview import Effects, confirm, preview
from admin_views.reading import reading
from admin_views.writing import Outcome, in_words, transaction
from models import clock
from models.accounts.permissions import Permission
from models.errors import N_, DomainError
from models.oversight import Actor

Do = Callable[..., Any]
MOST_AT_ONCE = 500


@dataclass(frozen=True)
class Act:
    """One act: its words, who may, what it asks, and the rule it calls.

    ``do(session, key, data, actor=, now=)`` calls the area's rule; ``data`` is what the form
    asked. ``when`` says for which record the button shows. ``previews``: the page lists the
    effects first and confirming needs their fingerprint. ``fresh``: asks for a second
    factor of the last ten minutes.
    """

    name: str
    label: str
    permission: Permission
    do: Do
    done: str
    form: type[ConsoleForm] = ConsoleForm
    explains: str = ""
    when: Callable[[Any], bool] = lambda row: True
    needs: tuple[str, ...] = ()
    notes: Callable[[Session, Any], list[str]] = lambda session, key: []
    previews: bool = False
    fresh: bool = False
    bulk: bool = False
    danger: bool = False


class ActsMixin:
    """The pages of a view's acts."""

    acts: tuple[Act, ...] = ()

    def act_named(self: Any, name: str) -> Act:
        """The act this reader may do; 404 for none such, 403 for one that is not theirs."""
        act = next((act for act in self.acts if act.name == name), None)
        if act is None:
            abort(404)
        if not self.console.may(act.permission):
            abort(403)
        return act

    def acts_on(self: Any, row: Any) -> list[Act]:
        """The acts whose buttons this reader sees on a record."""
        return [act for act in self.acts if self.console.may(act.permission) and act.when(row)]

    def bulk_acts(self: Any) -> list[Act]:
        """The acts that this reader may do to many rows at once."""
        return [act for act in self.acts if act.bulk and self.console.may(act.permission)]

    def is_action_allowed(self: Any, name: str) -> bool:
        """Flask-Admin's question: only a bulk act of this reader's, nothing by default."""
        return name in {act.name for act in self.bulk_acts()}

    @expose("/act/<name>/", methods=("GET", "POST"))
    def act_view(self: Any, name: str) -> ResponseReturnValue:
        """What an act would do to one record, and doing it."""
        act = self.act_named(name)
        if act.fresh and not is_fresh():
            return redirect(f"/second-factor?next={request.path}")
        key = self.key_of(request.args.get("id", ""))
        row = self.record(key)
        if not act.when(row):
            flash(gettext("This cannot be done to this record."), "error")
            return redirect(self.address_of("details_view", id=str(key)))
        form = act.form(request.form or None)
        refusal, effects, status = None, None, 200
        if request.method == "POST" and form.validate():
            if act.previews and "fingerprint" not in request.form:
                refusal, effects = self._look(act, key, form)
            else:
                refusal = self._carry_out(act, key, form)
                if refusal is None:
                    flash(gettext(act.done), "success")
                    return redirect(self.address_of("details_view", id=str(key)))
                status = refusal.status
                _, effects = self._look(act, key, form) if act.previews else (None, None)
        elif request.method == "POST":
            status = 422
        elif act.previews and not _asks(form):
            refusal, effects = self._look(act, key, form)
        page = self.render(
            "admin_views/act.html",
            act=act,
            row=row,
            key=key,
            form=form,
            effects=effects,
            notes=act.notes(reading(), key),
            refusal=in_words(refusal) if refusal else "",
        )
        return page, status

    def _look(self: Any, act: Act, key: Any, form: Any) -> tuple[Any, Effects | None]:
        now = clock.now()
        try:
            return None, preview(_run(act, key, form, acting(), now), now=now)
        except DomainError as refusal:
            return refusal, None

    def _carry_out(self: Any, act: Act, key: Any, form: Any) -> DomainError | None:
        now = clock.now()
        run = _run(act, key, form, acting(), now)
        outcome = Outcome()
        with transaction(outcome) as session:
            if act.previews:
                confirm(session, run, fingerprint=request.form["fingerprint"], now=now)
            else:
                run(session)
        return outcome.refusal

    def handle_action(self: Any, return_view: str | None = None) -> ResponseReturnValue:
        """An act on ticked rows, or on every row of the filter: asked once, done row by row."""
        if not self.action_form().validate():
            abort(400)
        name = request.form.get("action", "")
        if not self.is_action_allowed(name):
            abort(403)
        act = self.act_named(name)
        ticked = self._ticked()
        keys = ticked[:MOST_AT_ONCE]
        if not keys:
            flash(gettext("Tick at least one row first."), "error")
            return redirect(self.address_of("index_view"))
        form = act.form(request.form if "confirmed" in request.form else None)
        if "confirmed" in request.form and form.validate():
            self._to_each(act, keys, form)
            return redirect(self.address_of("index_view"))
        most = MOST_AT_ONCE if len(ticked) > MOST_AT_ONCE else None
        return str(self.render("admin_views/bulk.html", act=act, keys=keys, form=form, most=most))

    def _ticked(self: Any) -> list[Any]:
        if "all" in request.form:
            rows = self.every_row(self.asked(), most=MOST_AT_ONCE + 1)
            return [row[self.key_name] for row in rows]
        keys = [self.key_of(value, missing=None) for value in request.form.getlist("rowid")]
        return [key for key in keys if key is not None]

    def _to_each(self: Any, act: Act, keys: list[Any], form: Any) -> None:
        refused: dict[str, int] = {}
        for key in keys:
            outcome = Outcome()
            with transaction(outcome) as session:
                _run(act, key, form, acting(), clock.now())(session)
            if outcome.refusal is not None:
                words = in_words(outcome.refusal)
                refused[words] = refused.get(words, 0) + 1
        done = len(keys) - sum(refused.values())
        if done:
            flash(ngettext("Done for %(num)s row.", "Done for %(num)s rows.", done), "success")
        for words, count in refused.items():
            flash(f"{count} × {words}", "error")


def _run(act: Act, key: Any, form: Any, actor: Actor, now: datetime) -> Callable[[Session], Any]:
    data = {name: value for name, value in form.data.items() if name != "csrf_token"}
    return lambda session: act.do(session, key, data, actor=actor, now=now)


def _asks(form: Any) -> bool:
    """Whether a form has questions of its own beside the token."""
    return any(field.name != "csrf_token" for field in form)


DONE = N_("Done.")
