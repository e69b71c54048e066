"""Reading balances: what an affiliate earned, waits for, can withdraw and was paid."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.ledger.transfer import Account, LedgerEntry, LedgerTransfer, TransferType


@dataclass(frozen=True, slots=True)
class Balances:
    """An affiliate's figures in cents. ``available`` below zero is debt."""

    locked: int = 0
    available: int = 0
    reserved: int = 0
    paid_out: int = 0
    fees: int = 0
    earned: int = 0
    clawed_back: int = 0
    adjusted: int = 0

    @property
    def debt(self) -> int:
        """What later maturations pay down before anything can be withdrawn."""
        return max(0, -self.available)


def balances_of(session: Session, affiliate_id: UUID, *, at: datetime | None = None) -> Balances:
    """The balances of one affiliate now, or as they stood at an instant (included)."""
    return _balances(session.execute(_sums(at, LedgerEntry.affiliate_id == affiliate_id)))


def balances_of_all(session: Session, *, at: datetime | None = None) -> dict[UUID, Balances]:
    """The balances of every affiliate with entries, now or at an instant."""
    rows: dict[UUID, list[Any]] = {}
    for row in session.execute(_sums(at)):
        rows.setdefault(row.affiliate_id, []).append(row)
    return {affiliate_id: _balances(found) for affiliate_id, found in rows.items()}


def _sums(at: datetime | None, *conditions: Any) -> Any:
    statement = (
        select(
            LedgerEntry.affiliate_id,
            LedgerEntry.account,
            LedgerTransfer.type,
            func.sum(LedgerEntry.amount).label("amount"),
        )
        .join(LedgerTransfer, LedgerTransfer.id == LedgerEntry.transfer_id)
        .where(*conditions)
        .group_by(LedgerEntry.affiliate_id, LedgerEntry.account, LedgerTransfer.type)
    )
    return statement if at is None else statement.where(LedgerTransfer.created_at <= at)


def _balances(rows: Iterable[Any]) -> Balances:
    by_account = dict.fromkeys(Account, 0)
    earned = clawed_back = 0
    for row in rows:
        by_account[row.account] += int(row.amount)
        if row.account is Account.COMMISSIONS:
            earned -= int(row.amount) if row.type is TransferType.COMMISSION_EARNED else 0
            clawed_back += int(row.amount) if row.type is TransferType.COMMISSION_CLAWED_BACK else 0
    return Balances(
        locked=by_account[Account.LOCKED],
        available=by_account[Account.AVAILABLE],
        reserved=by_account[Account.RESERVED],
        paid_out=by_account[Account.PAID_OUT],
        fees=by_account[Account.FEES],
        earned=earned,
        clawed_back=clawed_back,
        adjusted=-by_account[Account.ADJUSTMENTS],
    )
