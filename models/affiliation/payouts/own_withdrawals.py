"""An affiliate's withdrawals as they read them: newest first, each down to what it paid."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.affiliation.own_sales import Sale, sales_behind
from models.affiliation.payouts.allocation import WithdrawalAllocation
from models.affiliation.payouts.withdrawal import Withdrawal, WithdrawalStatus
from models.errors import Missing

A_PAGE = 25


@dataclass(frozen=True, slots=True)
class WithdrawalFilter:
    """Which ones; ``until`` is left out."""

    status: WithdrawalStatus | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class WithdrawalPage:
    """One page; ``newer`` and ``older`` are the keys to ask the neighbouring pages by."""

    rows: Sequence[Withdrawal]
    newer: UUID | None
    older: UUID | None


@dataclass(frozen=True, slots=True)
class Paid:
    """What a withdrawal paid of one commission, in cents, and the sale that earned it."""

    commission_id: UUID
    amount: int
    sale: Sale


def withdrawals_page(
    session: Session,
    affiliate_id: UUID,
    asked: WithdrawalFilter,
    *,
    before: UUID | None = None,
    after: UUID | None = None,
    size: int = A_PAGE,
) -> WithdrawalPage:
    """The newest of an affiliate's withdrawals, those before a key, or those just after one."""
    conditions: list[Any] = [Withdrawal.affiliate_id == affiliate_id]
    if asked.status is not None:
        conditions.append(Withdrawal.status == asked.status)
    if asked.since is not None:
        conditions.append(Withdrawal.requested_at >= asked.since)
    if asked.until is not None:
        conditions.append(Withdrawal.requested_at < asked.until)
    statement = select(Withdrawal).where(*conditions).limit(size + 1)
    if after is not None:
        found = session.scalars(
            statement.where(Withdrawal.id > after).order_by(Withdrawal.id)
        ).all()
        rows = list(reversed(found[:size]))
        newer = rows[0].id if len(found) > size else None
        return WithdrawalPage(rows, newer=newer, older=rows[-1].id if rows else None)
    if before is not None:
        statement = statement.where(Withdrawal.id < before)
    found = session.scalars(statement.order_by(Withdrawal.id.desc())).all()
    rows = list(found[:size])
    newer = rows[0].id if rows and before is not None else None
    return WithdrawalPage(rows, newer=newer, older=rows[-1].id if len(found) > size else None)


def own_withdrawal(session: Session, affiliate_id: UUID, withdrawal_id: UUID) -> Withdrawal:
    """One of an affiliate's withdrawals. Raises Missing, for anybody else's too."""
    withdrawal = session.scalar(
        select(Withdrawal).where(
            Withdrawal.id == withdrawal_id, Withdrawal.affiliate_id == affiliate_id
        )
    )
    if withdrawal is None:
        raise Missing
    return withdrawal


def what_it_paid(session: Session, withdrawal_id: UUID) -> list[Paid]:
    """The commissions that one of the reader's withdrawals paid, in the order of their keys."""
    rows = session.scalars(
        select(WithdrawalAllocation)
        .where(WithdrawalAllocation.withdrawal_id == withdrawal_id)
        .order_by(WithdrawalAllocation.commission_id)
    ).all()
    sales = sales_behind(session, [row.commission_id for row in rows]) if rows else {}
    return [
        Paid(row.commission_id, row.amount, sales[row.commission_id])
        for row in rows
        if row.commission_id in sales
    ]
