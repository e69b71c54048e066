"""Dates of a subscription: where its periods end, reckoned from one anchor on a Paris wall clock.

Each end is reckoned from the anchor and never from the end before it, so that a short
month shortens one period and not all that follow, and a change to or from summer time
moves nothing on the wall clock.
"""

from datetime import UTC, datetime

from dateutil.relativedelta import relativedelta

from models.catalog import BillingInterval
from models.clock import paris


def period_end(anchor: datetime, number: int, interval: BillingInterval) -> datetime | None:
    """When paid period ``number`` (the first is 1) ends; None for what never renews.

    31 January gives 28 February, then 31 March. A wall time that the night of the change
    to summer time leaves out falls an hour later; one that comes twice is the first.
    """
    if interval.months is None:
        return None
    return _on_the_wall(anchor, relativedelta(months=interval.months * number))


def trial_end(start: datetime, days: int) -> datetime:
    """When a trial of whole days ends: the same wall time in Paris, that many dates later.

    Trial days are dates that a person counts on a calendar, as a renewal day is; only the
    delays that the rules call 24-hour days are counted in hours.
    """
    return _on_the_wall(start, relativedelta(days=days))


def _on_the_wall(instant: datetime, later: relativedelta) -> datetime:
    local = paris(instant).replace(fold=0) + later
    return local.astimezone(UTC)
