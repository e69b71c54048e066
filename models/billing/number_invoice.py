"""Numbering: one series and year at a time, without gaps."""

from datetime import datetime

from sqlalchemy import bindparam
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.billing.invoice import InvoiceCounter
from models.clock import paris

INVOICES = "WS"
CREDIT_NOTES = "AV"


def next_number(session: Session, series: str, *, at: datetime) -> str:
    """The next number of a series in the Paris year of ``at``, like ``WS-2026-000123``.

    The counter's row stays locked until the transaction ends, and a rollback gives the
    number back: numbers are given in order and none is lost.
    """
    return next_numbers(session, series, 1, at=at)[0]


def next_numbers(session: Session, series: str, count: int, *, at: datetime) -> list[str]:
    """So many next numbers of a series, in order, for one step of its counter."""
    if not count:
        return []
    year = paris(at).year
    asked = {"of_series": series, "of_year": year, "count": count}
    last: int = session.execute(_COUNT_ON, asked).scalar_one()
    return [f"{series}-{year}-{number:06d}" for number in range(last - count + 1, last + 1)]


_COUNT_ON = (
    insert(InvoiceCounter)
    .values(
        series=bindparam("of_series"), year=bindparam("of_year"), last_number=bindparam("count")
    )
    .on_conflict_do_update(
        index_elements=["series", "year"],
        set_={"last_number": InvoiceCounter.last_number + bindparam("count")},
    )
    .returning(InvoiceCounter.last_number)
)
