"""How often one may ask for a mail: counted on rows, so that it holds where Redis is away."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.errors import TooMany


def one_at_a_time(session: Session, name: str) -> None:
    """Two asks at once under one name wait for each other, or both would pass the count.

    Whoever takes several locks takes them in one order everywhere: the address's, then the
    ip's or the person's.
    """
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


def refuse_beyond(most: int, asked: Sequence[datetime], window: timedelta, now: datetime) -> None:
    """Refuse more than ``most`` asks within a window; oldest first. Raises TooMany."""
    if len(asked) >= most:
        wait = asked[-most] + window - now
        raise TooMany(minutes=max(1, math.ceil(wait.total_seconds() / 60)))
