"""What a customer's page shows of a subscription: its terms, and what was told ahead of dates."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext
from markupsafe import Markup
from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from admin_views.filters import ListFilter
from admin_views.formats import NOTHING, day, moment
from admin_views.listing import Row
from admin_views.records import Panel
from admin_views.structures import Data
from admin_views.words import status_words
from models import clock
from models.billing import Customer, NoticeKind, SubscriptionNotice
from models.billing.give_notices import annual_notice_missed
from models.errors import N_


class NoticeMissed(ListFilter):
    """Whose annual plan renews within a month without the notice that the law asks for."""

    kind = "choice"

    def __init__(self, key: str, name: str) -> None:
        super().__init__(key, name, lambda _value: _notice_missed())

    def choices(self) -> list[tuple[str, str]]:
        return [("missed", N_("Not sent in time"))]

    def clean(self, value: Any) -> Any:
        if value != "missed":
            raise ValueError(value)
        return value


def _notice_missed() -> ColumnElement[bool]:
    return and_(*annual_notice_missed(now=clock.now()))


def notices_of(session: Session, row: Row) -> Iterator[Panel]:
    """What a customer was told ahead of dates, and what they should have been told."""
    given = session.scalars(
        select(SubscriptionNotice)
        .where(SubscriptionNotice.customer_id == row["id"])
        .order_by(SubscriptionNotice.id.desc())
        .limit(20)
    ).all()
    missed = session.scalar(select(Customer.id).where(Customer.id == row["id"], _notice_missed()))
    lines: list[list[Markup | str]] = [
        [
            moment(each.given_at),
            status_words(NoticeKind, each.kind)[0],
            moment(each.about_at),
            day(each.last_day_on) if each.last_day_on else "–",
        ]
        for each in given
    ]
    if missed is not None:
        badge = Markup('<span class="badge bad">{}</span>').format(gettext("Not sent in time"))
        what = status_words(NoticeKind, NoticeKind.ANNUAL_TERM)[0]
        lines.insert(0, [badge, what, moment(row["subscription_ends_at"]), "–"])
    if lines:
        heads = [N_("Told"), N_("About"), N_("Date"), N_("Last day to cancel")]
        yield Panel(N_("Notices"), heads, lines)


SOLD = ("plan_name", "price", "interval", "max_billing_cycles")
"""What a customer's page says of their terms."""


@dataclass(frozen=True)
class Terms(Data):
    """What was sold, as it was sold: it holds the price."""

    is_amount = True

    def html(self, value: Any, row: Row) -> Markup | str:
        return super().html({name: value.get(name) for name in SOLD}, row) if value else NOTHING
