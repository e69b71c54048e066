"""How often one may ask for a mail: counted on rows, so that it holds where Redis is away."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

from models.errors import TooMany


def refuse_beyond(most: int, asked: Sequence[datetime], window: timedelta, now: datetime) -> None:
    """Refuse more than ``most`` asks within a window; oldest first. Raises TooMany."""
    if len(asked) >= most:
        wait = asked[-most] + window - now
        raise TooMany(minutes=max(1, math.ceil(wait.total_seconds() / 60)))
