"""An affiliate's statement: the balances as they stood at the end of a day, and what led there."""

from datetime import date, timedelta
from typing import Any

from flask import flash, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import gettext

from admin_views.filters import start_of
from admin_views.formats import euros
from admin_views.reading import reading
from admin_views.words import status_words
from models import clock
from models.affiliation import AffiliateProfile
from models.errors import N_
from models.ledger import Account, Balances, TransferType, balances_of
from models.ledger.own_movements import MovementFilter, movements_page

FIGURES = (
    ("earned", N_("Earned")),
    ("clawed_back", N_("Taken back")),
    ("locked", N_("Locked")),
    ("available", N_("Available")),
    ("debt", N_("Debt")),
    ("reserved", N_("Reserved")),
    ("paid_out", N_("Paid out")),
    ("fees", N_("Fees")),
    ("adjusted", N_("Adjustments")),
)
AN_INSTANT = timedelta(microseconds=1)
MOST = 200


class StatementMixin:
    """The page ``/statement/`` of the affiliates' view."""

    @expose("/statement/")
    def statement_view(self: Any) -> ResponseReturnValue:
        """Balances at the end of a Paris day, with the movements before it, newest first."""
        key = self.key_of(request.args.get("id", ""))
        profile = AffiliateProfile.get(reading(), key)
        on = self._asked_day()
        end = start_of(on + timedelta(days=1))
        found = balances_of(reading(), key, at=end - AN_INSTANT)
        before = request.args.get("before", type=int)
        page = movements_page(reading(), key, MovementFilter(until=end), before=before, size=MOST)
        return str(
            self.render(
                "admin_views/statement.html",
                profile=profile,
                on=on,
                figures=figures(found),
                movements=page.rows,
                older=page.older,
                type_words=lambda type: status_words(TransferType, type)[0],
                account_words=lambda account: status_words(Account, account)[0],
            )
        )

    def _asked_day(self) -> date:
        asked = request.args.get("on", "")
        try:
            return min(date.fromisoformat(asked), clock.today()) if asked else clock.today()
        except ValueError:
            flash(gettext("“%(value)s” is not a value to filter by.", value=asked), "error")
            return clock.today()


def figures(found: Balances) -> list[tuple[str, str]]:
    """Balances as words and euros."""
    return [(gettext(words), euros(getattr(found, name))) for name, words in FIGURES]
