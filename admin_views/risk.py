"""Changing an affiliate's risk level: a note, and what it would mean, before it is done."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask_babel import gettext, ngettext
from sqlalchemy.orm import Session
from wtforms import BooleanField, SelectField, TextAreaField
from wtforms.validators import DataRequired

from admin_views.acts import Act
from admin_views.formats import day, euros
from admin_views.forms import ConsoleForm
from admin_views.words import choices_of, status_words
from models import clock
from models.accounts.permissions import Permission as P
from models.affiliation import AffiliateProfile, LockProfile, LockRule, RiskLevel
from models.affiliation.change_risk import change_risk, preview_risk
from models.affiliation.relock import Unlock
from models.errors import N_
from models.money import rate_text

DAYS_SHOWN = 8
KEEP, PIN, FREE = "keep", "pin", "free"


class RiskForm(ConsoleForm):
    """The level, whether the figures may move it again, and why."""

    to = SelectField(
        N_("Risk level"),
        [DataRequired()],
        choices=lambda: choices_of(RiskLevel),
        coerce=lambda value: RiskLevel(value),
        default=RiskLevel.NORMAL,
    )
    pin = SelectField(
        N_("What the figures may do"),
        choices=lambda: [
            (KEEP, gettext("As before")),
            (PIN, gettext("Nothing: this level is pinned")),
            (FREE, gettext("Move it again when the refund rate says so")),
        ],
    )
    relock = BooleanField(
        N_("Also for commissions still locked"),
        description=N_("Their dates may come later, never sooner; the split stays."),
    )
    note = TextAreaField(N_("Note"), [DataRequired(N_("Say why: it stays in the history."))])


def change(session: Session, key: UUID, data: dict[str, Any], **who: Any) -> Any:
    """Call the rule with what the form asked."""
    pin = {PIN: True, FREE: False}.get(data["pin"])
    return change_risk(
        session, key, data["to"], note=data["note"], pin=pin, relock=data["relock"], **who
    )


def what_each_level_means(session: Session, key: UUID) -> list[str]:
    """What would lock future commissions under each level, in words, and what is locked now."""
    now, told = clock.now(), []
    mine = AffiliateProfile.get(session, key).risk_level
    for level in RiskLevel:
        meant = preview_risk(session, key, level, now=now)
        name = status_words(RiskLevel, level)[0]
        here = " ←" if level is mine else ""
        told.append(gettext("%(name)s: %(words)s", name=name + here, words=lock_words(meant.after)))
        if meant.relocked != meant.upcoming:
            told.append(
                gettext(
                    "%(name)s, if ticked for what is locked: %(days)s",
                    name=name,
                    days=unlock_words(meant.relocked),
                )
            )
    told.append(
        ngettext(
            "%(num)s commission is still locked (%(amount)s).",
            "%(num)s commissions are still locked (%(amount)s).",
            meant.commissions_locked,
            amount=euros(meant.amount_locked),
        )
    )
    if meant.upcoming:
        told.append(gettext("Unlocks as things stand: %(days)s", days=unlock_words(meant.upcoming)))
    return told


def unlock_words(unlocks: Sequence[Unlock]) -> str:
    """The next unlock days with their amounts; of many, the first ones and what is left."""
    shown = [f"{day(each.on)} {euros(each.amount)}" for each in unlocks[:DAYS_SHOWN]]
    rest = sum(each.amount for each in unlocks[DAYS_SHOWN:])
    if rest:
        shown.append(
            gettext("until %(day)s %(amount)s", day=day(unlocks[-1].on), amount=euros(rest))
        )
    return ", ".join(shown)


def lock_words(rule: LockRule) -> str:
    """A row of the lock table as a sentence."""
    return gettext(
        "%(main)s %% after %(days)s days, %(rest)s %% after %(more)s days (%(profile)s)",
        main=rate_text(rule.main_percent),
        days=rule.main_days,
        rest=rate_text(rule.extended_percent),
        more=rule.extended_days,
        profile=status_words(LockProfile, rule.profile)[0],
    )


CHANGE_RISK = Act(
    "change-risk",
    N_("Change risk level"),
    P.RISK_CHANGE,
    change,
    N_("The risk level is changed."),
    RiskForm,
    N_("The level decides how future commissions are split and how long their parts wait."),
    notes=what_each_level_means,
    previews=True,
)
