"""An affiliate's ledger as they read it: movements of their accounts, newest first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from models.ledger.transfer import OF_AFFILIATE, LedgerEntry, LedgerTransfer, TransferType
from models.session import member_session

A_PAGE = 25
A_CHUNK = 1000


@dataclass(frozen=True, slots=True)
class MovementFilter:
    """Which ones; ``until`` is left out."""

    type: TransferType | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Movement:
    """One transfer with what it did to the affiliate's own accounts; the house's are left out."""

    transfer: LedgerTransfer
    entries: Sequence[LedgerEntry]


@dataclass(frozen=True, slots=True)
class MovementPage:
    """One page; ``newer`` and ``older`` are the numbers to ask the neighbouring pages by."""

    rows: Sequence[Movement]
    newer: int | None
    older: int | None


def movements_page(
    session: Session,
    affiliate_id: UUID,
    asked: MovementFilter,
    *,
    before: int | None = None,
    after: int | None = None,
    size: int = A_PAGE,
) -> MovementPage:
    """The newest of an affiliate's movements, those before a number, or those just after one."""
    conditions: list[Any] = [LedgerTransfer.affiliate_id == affiliate_id]
    if asked.type is not None:
        conditions.append(LedgerTransfer.type == asked.type)
    if asked.since is not None:
        conditions.append(LedgerTransfer.created_at >= asked.since)
    if asked.until is not None:
        conditions.append(LedgerTransfer.created_at < asked.until)
    statement = (
        select(LedgerTransfer)
        .where(*conditions)
        .options(selectinload(LedgerTransfer.entries))
        .limit(size + 1)
    )
    if after is not None:
        found = session.scalars(
            statement.where(LedgerTransfer.seq > after).order_by(LedgerTransfer.seq)
        ).all()
        rows = list(reversed(found[:size]))
        return MovementPage(
            [_movement(row) for row in rows],
            newer=rows[0].seq if len(found) > size else None,
            older=rows[-1].seq if rows else None,
        )
    if before is not None:
        statement = statement.where(LedgerTransfer.seq < before)
    found = session.scalars(statement.order_by(LedgerTransfer.seq.desc())).all()
    rows = list(found[:size])
    return MovementPage(
        [_movement(row) for row in rows],
        newer=rows[0].seq if rows and before is not None else None,
        older=rows[-1].seq if len(found) > size else None,
    )


def every_movement(affiliate_id: UUID, asked: MovementFilter) -> Iterator[Movement]:
    """All that match, newest first, a chunk in each transaction: a download holds none open."""
    before: int | None = None
    while True:
        with member_session(affiliate_id) as session:
            page = movements_page(session, affiliate_id, asked, before=before, size=A_CHUNK)
        yield from page.rows
        if page.older is None:
            return
        before = page.older


def _movement(transfer: LedgerTransfer) -> Movement:
    own = [entry for entry in transfer.entries if entry.account in OF_AFFILIATE]
    order = {account: place for place, account in enumerate(OF_AFFILIATE)}
    return Movement(transfer, sorted(own, key=lambda entry: order[entry.account]))
