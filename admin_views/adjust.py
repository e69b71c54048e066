"""Putting an affiliate's balance right: which way, how much, and why."""

from typing import Any
from uuid import UUID

from flask_babel import gettext
from sqlalchemy.orm import Session
from wtforms import SelectField, TextAreaField
from wtforms.validators import DataRequired, Length

from admin_views.acts import Act
from admin_views.forms import ConsoleForm, EurosField
from admin_views.standing import standing
from models.accounts.permissions import Permission as P
from models.affiliation.payouts.adjust_balance import adjust_balance
from models.errors import N_

CREDIT, DEBIT = "credit", "debit"


class AdjustForm(ConsoleForm):
    """The amount, its direction, and the reason that the affiliate reads."""

    direction = SelectField(
        N_("Which way"),
        [DataRequired()],
        choices=lambda: [
            (CREDIT, gettext("In the affiliate's favour")),
            (DEBIT, gettext("Against the affiliate")),
        ],
    )
    amount = EurosField(N_("Amount"), [DataRequired()])
    reason = TextAreaField(
        N_("Reason"),
        [DataRequired(N_("Say why: the affiliate reads it in their ledger.")), Length(max=500)],
    )


def adjust(session: Session, key: UUID, data: dict[str, Any], **who: Any) -> Any:
    """Call the rule with a signed amount."""
    amount = data["amount"] if data["direction"] == CREDIT else -data["amount"]
    return adjust_balance(session, key, amount, reason=data["reason"], **who)


ADJUST = Act(
    "adjust",
    N_("Adjust the balance"),
    P.LEDGER_ADJUST,
    adjust,
    N_("The balance is adjusted."),
    AdjustForm,
    N_("Adds to what the affiliate can withdraw, or takes from it; a debit may leave a debt."),
    notes=standing,
    previews=True,
    fresh=True,
)
