"""Acts: what a console lets one do to a record beyond editing it, each one rule of its area.

An act has its own page: GET shows what it would do (and asks what the rule needs to know),
POST does it. ``admin_views.bulk`` does it to ticked rows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from flask import abort, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import gettext
from sqlalchemy.orm import Session

from admin_views.acting import acting, is_fresh
from admin_views.bulk import BulkMixin, asks
from admin_views.editing import show_refusal
from admin_views.forms import ConsoleForm
from admin_views.preview import Effects, EffectsChanged, confirm, preview
from admin_views.reading import reading, stop_reading
from admin_views.writing import Outcome, transaction
from models import clock
from models.accounts.permissions import Permission
from models.errors import N_, DomainError
from models.oversight import Actor

Do = Callable[..., Any]


@dataclass(frozen=True)
class Act:
    """One act: its words, who may, what it asks, and the rule it calls.

    ``do(session, key, data, actor=, now=)`` calls the area's rule; ``data`` is what the form
    asked. ``when`` says for which record the button shows. ``previews``: the page lists the
    effects first and confirming needs their fingerprint. ``fresh``: asks for a second
    factor of the last ten minutes. ``together``: on ticked rows only, of which it makes one
    thing: ``do`` gets all their keys. ``leads_to``: the view of the record that ``do``
    answers, where that is another one. ``filled``: what the form holds at first.
    ``already(session, key, data)``: what this very form made when it was sent before, if so.
    ``foresees``: ``do(key, data, charge=, actor=, now=)`` is then a composition around a call
    outside, which cannot be done and taken back; what it would do is reckoned by
    ``foresees(session, key, data, now=)``, and no other ``charge`` than that is made.
    """

    name: str
    label: str
    permission: Permission
    do: Do
    done: str
    form: Callable[..., ConsoleForm] = ConsoleForm
    explains: str = ""
    when: Callable[[Any], bool] = lambda row: True
    needs: tuple[str, ...] = ()
    notes: Callable[[Session, Any], list[str]] = lambda session, key: []
    previews: bool = False
    fresh: bool = False
    bulk: bool = False
    danger: bool = False
    together: bool = False
    leads_to: str = ""
    filled: Callable[[Any], dict[str, Any]] = lambda row: {}
    foresees: Callable[..., Effects] | None = None
    already: Do = lambda session, key, data: None


class ActsMixin(BulkMixin):
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
        return [
            act
            for act in self.acts
            if self.console.may(act.permission) and act.when(row) and not act.together
        ]

    @expose("/act/<name>/", methods=("GET", "POST"))
    def act_view(self: Any, name: str) -> ResponseReturnValue:
        """What an act would do to one record, and doing it."""
        act = self.act_named(name)
        if act.together:
            abort(404)  # It is about rows, not about one record.
        if act.fresh and not is_fresh():
            return redirect(second_factor_first())
        key = self.key_of(request.args.get("id", ""))
        row = self.record(key)
        if not act.when(row):
            flash(gettext("This cannot be done to this record."), "error")
            return redirect(self.address_of("details_view", id=str(key)))
        typed, filled = request.form or None, act.filled(row)
        form = act.form(typed, data=filled) if filled else act.form(typed)
        refusal, effects, status = None, None, 200
        if request.method == "POST" and form.validate():
            if act.previews and "fingerprint" not in request.form:
                refusal, effects = self._look(act, key, form)
            else:
                refusal, made = self._carry_out(act, key, form)
                if refusal is None:
                    flash(gettext(act.done), "success")
                    return redirect(self._where_next(act, key, made))
                status = refusal.status
                _, effects = self._look(act, key, form) if act.previews else (None, None)
        elif request.method == "POST":
            status = 422
        elif act.previews and not asks(form):
            refusal, effects = self._look(act, key, form)
        page = self.render(
            "admin_views/act.html",
            act=act,
            row=row,
            key=key,
            form=form,
            effects=effects,
            notes=act.notes(reading(), key),
            refusal=show_refusal(form, refusal),
        )
        return page, status

    def _look(self: Any, act: Act, key: Any, form: Any) -> tuple[Any, Effects | None]:
        now = clock.now()
        try:
            if act.foresees is not None:
                return None, act.foresees(reading(), key, _data(form), now=now)
            return None, preview(_run(act, key, form, acting(), now), now=now)
        except DomainError as refusal:
            return refusal, None

    def _carry_out(self: Any, act: Act, key: Any, form: Any) -> tuple[DomainError | None, Any]:
        """Do it: the refusal, and what the rule answered."""
        now = clock.now()
        if act.foresees is not None:
            return _compose(act, key, form, now), None
        run = _run(act, key, form, acting(), now)
        outcome, made = Outcome(), None

        def do(session: Session) -> None:
            nonlocal made
            made = run(session)

        with transaction(outcome) as session:
            made = act.already(session, key, _data(form))
            if made is None and act.previews:
                confirm(session, do, fingerprint=request.form["fingerprint"], now=now)
            elif made is None:
                do(session)
                session.flush()
        return outcome.refusal, made

    def _where_next(self: Any, act: Act, key: Any, made: Any) -> str:
        """The page of what an act made, where it leads there; else the record's own."""
        if act.leads_to and made is not None:
            return f"{self.console.views[act.leads_to].url}/details/?id={made.id}"
        return str(self.address_of("details_view", id=str(key)))


def second_factor_first() -> str:
    """Where the second factor is proved, on the way to the page asked for."""
    return f"/second-factor?{urlencode({'next': request.full_path})}"


def _run(act: Act, key: Any, form: Any, actor: Actor, now: datetime) -> Callable[[Session], Any]:
    data = _data(form)
    return lambda session: act.do(session, key, data, actor=actor, now=now)


def _compose(act: Act, key: Any, form: Any, now: datetime) -> DomainError | None:
    """Do an act that calls outside, if it would still do what was shown."""
    assert act.foresees is not None
    try:
        effects = act.foresees(reading(), key, _data(form), now=now)
        if effects.fingerprint != request.form["fingerprint"]:
            raise EffectsChanged
        data, actor = _data(form), acting()
        stop_reading()
        act.do(key, data, charge=effects.charge, actor=actor, now=now)
    except DomainError as refusal:
        return refusal
    return None


def _data(form: Any) -> dict[str, Any]:
    return {name: value for name, value in form.data.items() if name != "csrf_token"}


DONE = N_("Done.")
