"""An affiliate's figures: what they earned, what unlocks when, whom they brought, month by month.

Read in the affiliate's own member session, so that row security itself says whose they are.
Amounts are cents; months and days are Paris'.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from dateutil.relativedelta import relativedelta
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Date, cast, func, select
from sqlalchemy.orm import Session

from models import clock
from models.affiliation.commission import Commission
from models.affiliation.own_sales import checkouts_since, clients_brought, own_purchases
from models.affiliation.tracking_event import TrackingEvent
from models.kept import forget, kept
from models.ledger import Account, LedgerEntry, LedgerTransfer, TransferType, balances_of
from models.settings import current_settings

KIND = "affiliate-figures-1"
SECONDS_KEPT = 5 * 60
MONTHS = 12
FUNNEL_DAYS = 30
PARIS = "Europe/Paris"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Month(_Frozen):
    """One Paris month: how many commissions were earned and for how much, what was taken back,
    and what was paid out (the fee included)."""

    first_day: date
    commissions: int = 0
    earned: int = 0
    clawed_back: int = 0
    paid_out: int = 0


class Unlock(_Frozen):
    """What unlocks on one day: parts of commissions that still wait, less what was clawed back."""

    on: date
    main: int
    extended: int

    @property
    def amount(self) -> int:
        return self.main + self.extended


class Figures(_Frozen):
    """All of it. ``withdrawn`` is what left the balance: paid out and fees together; ``debt``
    is what AVAILABLE lacks to zero. Of the last 30 days' ``clicks``, ``checkouts`` were begun
    and ``sales`` made."""

    earned: int
    clawed_back: int
    locked: int
    available: int
    reserved: int
    withdrawn: int
    fees: int
    debt: int
    clients: int
    monthly: int
    own_purchases: int
    clicks: int
    checkouts: int
    sales: int
    months: tuple[Month, ...]
    unlocks: tuple[Unlock, ...]
    as_of: datetime


def read_figures(session: Session, affiliate_id: UUID, *, now: datetime) -> Figures:
    """The figures as they stand now."""
    balances = balances_of(session, affiliate_id)
    clients = clients_brought(session, vat_rate=current_settings().vat_rate, now=now)
    since = now - timedelta(days=FUNNEL_DAYS)
    checkouts = checkouts_since(session, since)
    return Figures(
        earned=balances.earned,
        clawed_back=balances.clawed_back,
        locked=balances.locked,
        available=max(0, balances.available),
        reserved=balances.reserved,
        withdrawn=balances.paid_out + balances.fees,
        fees=balances.fees,
        debt=balances.debt,
        clients=clients.running,
        monthly=clients.monthly,
        own_purchases=own_purchases(session),
        clicks=_clicks(session, affiliate_id, since),
        checkouts=checkouts.begun,
        sales=checkouts.bought,
        months=tuple(_months(session, affiliate_id, now)),
        unlocks=tuple(_unlocks(session, affiliate_id)),
        as_of=now,
    )


def kept_figures(affiliate_id: UUID, read: Callable[[], Figures]) -> Figures:
    """The figures kept for an affiliate, at most five minutes old, else read now."""
    text = kept(
        KIND, str(affiliate_id), seconds=SECONDS_KEPT, make=lambda: read().model_dump_json()
    )
    return Figures.model_validate_json(text)


def forget_figures(affiliate_id: UUID | str) -> None:
    """Read an affiliate's figures anew the next time: a fact touched them."""
    forget(KIND, str(affiliate_id))


def _clicks(session: Session, affiliate_id: UUID, since: datetime) -> int:
    counted = select(func.count()).where(
        TrackingEvent.affiliate_id == affiliate_id, TrackingEvent.created_at >= since
    )
    return session.scalar(counted) or 0


def _months(session: Session, affiliate_id: UUID, now: datetime) -> list[Month]:
    """The last twelve Paris months, this one included, those without any movement too."""
    this = clock.paris(now).date().replace(day=1)
    firsts = [this - relativedelta(months=back) for back in reversed(range(MONTHS))]
    month = cast(func.date_trunc("month", func.timezone(PARIS, LedgerTransfer.created_at)), Date)
    start = datetime(firsts[0].year, firsts[0].month, 1, tzinfo=clock.PARIS)
    found = session.execute(
        select(
            month.label("first_day"),
            func.count().filter(_earned()).label("commissions"),
            _sum(-LedgerEntry.amount, _earned()).label("earned"),
            _sum(
                LedgerEntry.amount, LedgerTransfer.type == TransferType.COMMISSION_CLAWED_BACK
            ).label("clawed_back"),
            _sum(
                LedgerEntry.amount, LedgerEntry.account.in_((Account.PAID_OUT, Account.FEES))
            ).label("paid_out"),
        )
        .join(LedgerEntry, LedgerEntry.transfer_id == LedgerTransfer.id)
        .where(
            LedgerTransfer.affiliate_id == affiliate_id,
            LedgerTransfer.created_at >= start,
            LedgerEntry.account.in_((Account.COMMISSIONS, Account.PAID_OUT, Account.FEES)),
        )
        .group_by(month)
    )
    known = {row.first_day: Month.model_validate(dict(row._mapping)) for row in found}
    return [known.get(first) or Month(first_day=first) for first in firsts]


def _earned() -> Any:
    return LedgerTransfer.type == TransferType.COMMISSION_EARNED


def _sum(amount: Any, condition: Any) -> Any:
    return func.coalesce(func.sum(amount).filter(condition), 0)


def _unlocks(session: Session, affiliate_id: UUID) -> list[Unlock]:
    """What unlocks on which Paris day, parts that were clawed back left out."""
    days: dict[date, list[int]] = {}
    for place, (left, until, released) in enumerate(
        (
            (
                Commission.main_amount - Commission.clawed_from_main,
                Commission.locked_until,
                Commission.main_matured_at,
            ),
            (
                Commission.extended_amount - Commission.clawed_from_extended,
                Commission.extended_locked_until,
                Commission.extended_matured_at,
            ),
        )
    ):
        on = cast(func.timezone(PARIS, until), Date)
        rows = session.execute(
            select(on, func.sum(left))
            .where(Commission.affiliate_id == affiliate_id, released.is_(None))
            .group_by(on)
            .having(func.sum(left) > 0)
        )
        for day, amount in rows:
            days.setdefault(day, [0, 0])[place] = int(amount)
    return [Unlock(on=day, main=main, extended=rest) for day, (main, rest) in sorted(days.items())]
