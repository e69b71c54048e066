"""Keeping the clicks' table tidy: a partition for each coming month, addresses hashed in time."""

import hashlib
import hmac
from datetime import date, datetime, timedelta
from typing import Any, cast

from dateutil.relativedelta import relativedelta
from sqlalchemy import CursorResult, Select, func, select, text, update
from sqlalchemy.orm import Session

from models.affiliation.tracking_event import TrackingEvent
from models.settings import current_settings

MONTHS_AHEAD = 3
IP_KEPT = timedelta(days=30)
HASHED = "h:"
PLAIN = text("ip IS NOT NULL AND ip NOT LIKE 'h:%'")
"""In the words of the partial index that finds them."""


def make_click_months(session: Session, *, now: datetime) -> int:
    """Have a partition for this month and the next three, in UTC; answers how many were made.

    Clicks of such a month that had gone to the default partition move into their own.
    """
    first = date(now.year, now.month, 1)
    made = 0
    for ahead in range(MONTHS_AHEAD + 1):
        month = first + relativedelta(months=ahead)
        made += bool(session.scalar(select(func.affiliation_make_click_month(month))))
    return made


def hash_old_addresses(session: Session, *, now: datetime) -> int:
    """Replace addresses older than 30 days by a salted hash; answers how many."""
    salt = hmac.digest(current_settings().secret_key.encode(), b"click ip", hashlib.sha256).hex()
    salted = func.convert_to(salt + TrackingEvent.ip, "UTF8")
    statement = (
        update(TrackingEvent)
        .where(TrackingEvent.created_at < now - IP_KEPT, PLAIN)
        .values(ip=HASHED + func.encode(func.sha256(salted), "hex"))
        .execution_options(synchronize_session=False)
    )
    return cast(CursorResult[Any], session.execute(statement)).rowcount


def next_to_hash() -> Select[Any]:
    """Asks when the oldest plain address is past its time; NULL where there is none."""
    return select(func.min(TrackingEvent.created_at) + IP_KEPT).where(PLAIN)
