"""An affiliate's commissions as they read them: newest first, a page at a time, or all in turn."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from models.affiliation.commission import Commission, CommissionStatus
from models.affiliation.own_sales import Sale, sales_behind
from models.billing import InvoiceKind
from models.errors import Missing
from models.session import member_session

A_PAGE = 25
A_CHUNK = 1000
UNKNOWN = Sale(client="", product="", plan="", invoice="", kind=InvoiceKind.FIRST)


@dataclass(frozen=True, slots=True)
class CommissionFilter:
    """Which ones; ``until`` is left out. A ``program_id`` stands for its product."""

    status: CommissionStatus | None = None
    since: datetime | None = None
    until: datetime | None = None
    program_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class OwnCommission:
    """A commission and the sale it was earned on."""

    commission: Commission
    sale: Sale


@dataclass(frozen=True, slots=True)
class CommissionPage:
    """One page; ``newer`` and ``older`` are the keys to ask the neighbouring pages by."""

    rows: Sequence[OwnCommission]
    newer: UUID | None
    older: UUID | None


def commissions_page(
    session: Session,
    affiliate_id: UUID,
    asked: CommissionFilter,
    *,
    before: UUID | None = None,
    after: UUID | None = None,
    size: int = A_PAGE,
) -> CommissionPage:
    """The newest of an affiliate's commissions, those before a key, or those just after one."""
    statement = _matching(affiliate_id, asked)
    if after is not None:
        found = session.scalars(
            statement.where(Commission.id > after).order_by(Commission.id).limit(size + 1)
        ).all()
        has_newer, rows = len(found) > size, list(reversed(found[:size]))
        return CommissionPage(
            _with_sales(session, rows),
            newer=rows[0].id if has_newer else None,
            older=rows[-1].id if rows else None,
        )
    if before is not None:
        statement = statement.where(Commission.id < before)
    found = session.scalars(statement.order_by(Commission.id.desc()).limit(size + 1)).all()
    rows = list(found[:size])
    return CommissionPage(
        _with_sales(session, rows),
        newer=rows[0].id if rows and before is not None else None,
        older=rows[-1].id if len(found) > size else None,
    )


def own_commission(session: Session, affiliate_id: UUID, commission_id: UUID) -> OwnCommission:
    """One of an affiliate's commissions. Raises Missing, for anybody else's too."""
    commission = session.scalar(
        select(Commission).where(
            Commission.id == commission_id, Commission.affiliate_id == affiliate_id
        )
    )
    if commission is None:
        raise Missing
    return _with_sales(session, [commission])[0]


def every_commission(affiliate_id: UUID, asked: CommissionFilter) -> Iterator[OwnCommission]:
    """All that match, newest first, a chunk in each transaction: a download holds none open."""
    before: UUID | None = None
    while True:
        with member_session(affiliate_id) as session:
            page = commissions_page(session, affiliate_id, asked, before=before, size=A_CHUNK)
        yield from page.rows
        if page.older is None:
            return
        before = page.older


def _matching(affiliate_id: UUID, asked: CommissionFilter) -> Select[Commission]:
    conditions: list[Any] = [Commission.affiliate_id == affiliate_id]
    if asked.status is not None:
        conditions.append(Commission.status == asked.status)
    if asked.since is not None:
        conditions.append(Commission.earned_at >= asked.since)
    if asked.until is not None:
        conditions.append(Commission.earned_at < asked.until)
    if asked.program_id is not None:
        conditions.append(Commission.program_id == asked.program_id)
    return select(Commission).where(*conditions)


def _with_sales(session: Session, rows: Sequence[Commission]) -> list[OwnCommission]:
    sales = sales_behind(session, [row.id for row in rows]) if rows else {}
    return [OwnCommission(row, sales.get(row.id, UNKNOWN)) for row in rows]
