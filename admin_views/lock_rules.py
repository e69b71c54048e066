"""The lock table: its versions, and a new version typed into the grid of the one before."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import gettext
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Session

from admin_views.acting import acting
from admin_views.base import AdminView
from admin_views.formats import Count, euros, whole
from admin_views.forms import ConsoleForm, with_plain_breaks
from admin_views.listing import Row
from admin_views.reading import reading
from admin_views.records import Panel
from admin_views.words import status_words
from admin_views.writing import Outcome, in_words, transaction
from models import clock
from models.accounts.permissions import Permission as P
from models.affiliation import LockProfile, LockRule, LockRuleVersion, rules_in_force
from models.affiliation.edit_lock_rules import LockRow, LockRulesChanged, edit_lock_rules
from models.affiliation.imagine_rules import imagine_rules
from models.errors import N_, DomainError
from models.money import rate_text

FIELDS = ("main_percent", "main_days", "extended_percent", "extended_days")


class LockRulesView(AdminView):
    table, slug, title = LockRuleVersion, "lock-rules", N_("Lock rules")
    permissions = {"read": P.LOCK_RULES_READ, "rewrite": P.LOCK_RULES_EDIT}
    verbs = {**AdminView.verbs, "new_version": "rewrite"}
    intro = N_(
        "How a commission is split and how long its parts wait. Each edit is a new version; "
        "a commission keeps the version it was made with."
    )
    column_default_sort = ("version", True)
    column_list = ("version", "valid_from", "note")
    column_details_list = ("version", "valid_from", "note")
    formats = {"version": Count()}
    empty = N_("The first version comes with the database.")

    def heading(self, row: Row) -> str:
        return called(row["version"])

    def panels(self, session: Session, row: Row) -> list[Panel]:
        rules = session.scalars(
            select(LockRule).where(LockRule.version_id == row["id"]).order_by(LockRule.position)
        )
        return [rules_panel(list(rules))]

    @property
    def other_tools(self) -> Sequence[tuple[str, str]]:
        """The way to the grid, for those who may write a version."""
        if not self.allows("rewrite"):
            return []
        return [(N_("New version"), self.address_of("new_version"))]

    @expose("/new-version/", methods=("GET", "POST"))
    def new_version(self) -> ResponseReturnValue:
        """The grid of the rules in force, and putting a changed one in force."""
        rules = list(rules_in_force(reading(), clock.now()))
        typed = {f"{r.profile}-{f}": shown(getattr(r, f)) for r in rules for f in FIELDS}
        refusal, panel = "", None
        opened = version_of(rules)
        if request.method == "POST" and ConsoleForm(request.form).validate():
            typed |= {name: request.form.get(name, "") for name in typed}
            rows = rows_of([rule.profile for rule in rules], typed)
            is_draft = "imagine" in request.form
            opened = as_version(request.form.get("opened", ""))
            refusal = gettext("Percents and whole numbers of days, please.")
            if rows is not None and is_draft:
                refusal, panel = imagined_panel(rows)
            elif rows is not None:
                note = with_plain_breaks(request.form.get("note", ""))
                refused = self._put_in_force(rows, note, opened)
                refusal = in_words(refused) if refused else ""
                if isinstance(refused, LockRulesChanged):
                    rules = list(rules_in_force(reading(), clock.now()))
                    opened = version_of(rules)
                    panel = replace(rules_panel(rules), title=called(opened))
            if not refusal and not is_draft:
                flash(gettext("The rules are in force from now on."), "success")
                return redirect(self.address_of("index_view"))
        page = self.render(
            "admin_views/lock_rules.html",
            profiles=[(r.profile, status_words(LockProfile, r.profile)[0]) for r in rules],
            typed=typed,
            refusal=refusal,
            note=request.form.get("note", ""),
            opened=opened,
            panel=panel,
        )
        return page, 422 if refusal else 200

    def _put_in_force(self, rows: list[LockRow], note: str, opened: int) -> DomainError | None:
        outcome = Outcome()
        with transaction(outcome) as session:
            edit_lock_rules(
                session, rows, actor=acting(), now=clock.now(), note=note[:500], opened=opened
            )
        return outcome.refusal


def called(version: int) -> str:
    """What a version is called on top of its page."""
    return str(gettext("Lock rules, version %(number)s", number=version))


def version_of(rules: list[LockRule]) -> int:
    """The number of the version that rules are of."""
    return LockRuleVersion.get(reading(), rules[0].version_id).version


def as_version(text: str) -> int:
    """The version that a form was opened with; one that does not say had none, which is 0."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def imagined_panel(rows: list[LockRow]) -> tuple[str, Panel | None]:
    """The last 90 days under a draft as a table; or why it cannot be a draft, in words."""
    try:
        found = imagine_rules(reading(), rows, now=clock.now())
    except DomainError as refusal:
        return in_words(refusal), None
    lines: list[list[Markup | str]] = [
        [
            status_words(LockProfile, each.profile)[0],
            whole(each.commissions),
            euros(each.total),
            euros(each.main),
            euros(each.main_drafted),
            euros(each.unlocked),
            euros(each.unlocked_drafted),
        ]
        for each in found
    ]
    heads = [
        N_("Who"),
        N_("Commissions"),
        N_("In all"),
        N_("Main part"),
        N_("Main part, drafted"),
        N_("Unlocked by now"),
        N_("Unlocked by now, drafted"),
    ]
    nothing = N_("Nothing was earned in the last 90 days.")
    return "", Panel(N_("The last 90 days under this draft"), heads, lines, nothing)


def shown(value: Decimal | int) -> str:
    """A number as it stands in the grid."""
    return str(value) if isinstance(value, int) else rate_text(value)


def rows_of(profiles: list[LockProfile], typed: dict[str, str]) -> list[LockRow] | None:
    """The grid as rows; None where a cell is no number."""
    try:
        return [
            LockRow(
                profile,
                number(typed[f"{profile}-main_percent"]),
                int(typed[f"{profile}-main_days"]),
                number(typed[f"{profile}-extended_percent"]),
                int(typed[f"{profile}-extended_days"]),
            )
            for profile in profiles
        ]
    except (ValueError, InvalidOperation):
        return None


def number(text: str) -> Decimal:
    """A percentage as typed, with a comma or a point. Raises ValueError."""
    value = Decimal(text.replace(",", ".").strip())
    if not value.is_finite() or abs(value) > 1000:
        raise ValueError(text)
    return value


def rules_panel(rules: list[LockRule]) -> Panel:
    """A version as the table it is."""
    lines: list[list[Markup | str]] = [
        [
            status_words(LockProfile, each.profile)[0],
            gettext("from day %(age)s", age=each.min_age) if each.min_age is not None else "–",
            f"{rate_text(each.main_percent)} %",
            gettext("%(days)s days", days=each.main_days),
            f"{rate_text(each.extended_percent)} %",
            gettext("%(days)s days", days=each.extended_days),
        ]
        for each in rules
    ]
    heads = [
        N_("Who"),
        N_("Age"),
        N_("Main part"),
        N_("unlocks after"),
        N_("Extended part"),
        N_("unlocks after"),
    ]
    return Panel(N_("The table"), heads, lines)
