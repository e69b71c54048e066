"""Acts on ticked rows, or on every row of a filter: shown first where money moves, done row by row.

Each row is a transaction of its own, so that one refusal does not undo the others; an act
that makes one thing of all its rows (a payment file) is one transaction.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import abort, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from admin_views.acting import acting, is_fresh
from admin_views.preview import Effects, confirm, preview_each
from admin_views.reading import reading
from admin_views.writing import Outcome, in_words, transaction
from models import clock
from models.errors import DomainError

MOST_AT_ONCE = 500

Run = Callable[[Session], Any]


@dataclass
class Look:
    """What an act would do to one row, or to all together: its effects, or the refusal."""

    keys: list[Any]
    name: str
    effects: Effects | None = None
    refusal: str = ""


class BulkMixin:
    """The pages of a view's acts on many rows."""

    def bulk_acts(self: Any) -> list[Any]:
        """The acts that this reader may do to many rows at once."""
        return [act for act in self.acts if act.bulk and self.console.may(act.permission)]

    def is_action_allowed(self: Any, name: str) -> bool:
        """Flask-Admin's question: only a bulk act of this reader's, nothing by default."""
        return name in {act.name for act in self.bulk_acts()}

    def handle_action(self: Any, return_view: str | None = None) -> ResponseReturnValue:
        """Ask what the act needs to know, show what it would do, do it."""
        if not self.action_form().validate():
            abort(400)
        name = request.form.get("action", "")
        if not self.is_action_allowed(name):
            abort(403)
        act = self.act_named(name)
        if act.fresh and not is_fresh():
            flash(gettext("Confirm your second factor, then tick the rows again."), "error")
            return redirect(f"/second-factor?{urlencode({'next': self.url + '/'})}")
        ticked = self._ticked()
        keys = ticked[:MOST_AT_ONCE]
        if not keys:
            flash(gettext("Tick at least one row first."), "error")
            return redirect(self.address_of("index_view"))
        confirmed = "confirmed" in request.form
        form = act.form(request.form if confirmed else None)
        answered = form.validate() if confirmed else not asks(form)
        looks = None
        if act.previews and answered:
            marks = request.form.getlist("fingerprint")
            groups = [keys] if act.together else [[key] for key in keys]
            if len(marks) == len(groups):
                return self._do_each(act, groups, form, marks)
            looks = self._look_at_each(act, groups, form)
        elif confirmed and answered:
            return self._do_each(act, [[key] for key in keys], form)
        page = self.render(
            "admin_views/bulk.html",
            act=act,
            keys=keys,
            form=form,
            looks=looks,
            again=_all_refused(looks) and asks(form),
            notes=act.notes(reading(), keys) if act.together else [],
            most=MOST_AT_ONCE if len(ticked) > MOST_AT_ONCE else None,
        )
        return page, 422 if confirmed and not answered else 200

    def _ticked(self: Any) -> list[Any]:
        if "all" in request.form:
            rows = self.every_row(self.asked(), most=MOST_AT_ONCE + 1)
            return [row[self.key_name] for row in rows]
        typed = [self.key_of(value, missing=None) for value in request.form.getlist("rowid")]
        return self._within_reach([key for key in typed if key is not None])

    def _within_reach(self: Any, keys: list[Any]) -> list[Any]:
        """Those of the keys whose rows the list shows to this reader: a form can be made up."""
        column = getattr(self.table, self.key_name)
        seen = set(reading().scalars(self.only(select(column)).where(column.in_(keys))))
        return [key for key in keys if key in seen]

    def _look_at_each(self: Any, act: Any, groups: list[list[Any]], form: Any) -> list[Look]:
        now = clock.now()
        looks = [
            Look(keys, gettext(act.label) if act.together else self.called(str(keys[0])))
            for keys in groups
        ]
        runs = [run_of(act, keys, form, now) for keys in groups]
        for look, found in zip(looks, preview_each(runs, now=now), strict=True):
            if isinstance(found, DomainError):
                look.refusal = in_words(found)
            else:
                look.effects = found
        return looks

    def _do_each(
        self: Any, act: Any, groups: list[list[Any]], form: Any, marks: Sequence[str] = ()
    ) -> ResponseReturnValue:
        refused: dict[str, int] = {}
        made: list[Any] = []
        for place, keys in enumerate(groups):
            now, outcome = clock.now(), Outcome()
            run = run_of(act, keys, form, now, made)
            with transaction(outcome) as session:
                if marks:
                    confirm(session, run, fingerprint=marks[place], now=now)
                else:
                    run(session)
            if outcome.refusal is not None:
                words = in_words(outcome.refusal)
                refused[words] = refused.get(words, 0) + 1
        done = len(groups) - sum(refused.values())
        if done and act.together:
            flash(gettext(act.done), "success")
            return redirect(f"{self.console.views[act.leads_to].url}/details/?id={made[-1].id}")
        if done:
            flash(ngettext("Done for %(num)s row.", "Done for %(num)s rows.", done), "success")
        for words, count in refused.items():
            flash(f"{count} × {words}", "error")
        return redirect(self.address_of("index_view"))


def _all_refused(looks: Sequence[Look] | None) -> bool:
    """Whether nothing could be done as asked, so that one asks otherwise."""
    return looks is not None and not any(look.effects for look in looks)


def run_of(act: Any, keys: list[Any], form: Any, now: Any, made: list[Any] | None = None) -> Run:
    """An act's rule on one row, or on all of them together; what it answers goes to ``made``."""
    data = {name: value for name, value in form.data.items() if name != "csrf_token"}
    on, actor = keys if act.together else keys[0], acting()

    def run(session: Session) -> None:
        answer = act.do(session, on, data, actor=actor, now=now)
        if made is not None:
            made.append(answer)

    return run


def asks(form: Any) -> bool:
    """Whether a form has questions of its own beside the token."""
    return any(field.name != "csrf_token" for field in form)
