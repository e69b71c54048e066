"""The one clock: what time it is, for every rule, job, page and simulation.

Instants are aware datetimes in UTC; business dates are reckoned in Europe/Paris.
Tests, the demo and simulations move this clock; nothing else reads the system's.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")

_moved_to: datetime | None = None


def now() -> datetime:
    """The current instant in UTC: the system's, or where the clock was moved to."""
    return _moved_to if _moved_to is not None else datetime.now(UTC)


def today() -> date:
    """The current business date in Paris."""
    return now().astimezone(PARIS).date()


def paris(instant: datetime) -> datetime:
    """The same instant on a Paris wall clock."""
    return instant.astimezone(PARIS)


def move_to(instant: datetime) -> None:
    """Stop the clock at an aware instant; every later ``now()`` answers it."""
    global _moved_to
    if instant.tzinfo is None:
        raise TypeError("the clock takes aware instants only")
    _moved_to = instant.astimezone(UTC)


def advance(by: timedelta) -> None:
    """Move a stopped clock on; a running one is stopped first."""
    move_to(now() + by)


def release() -> None:
    """Let the clock run with the system's again."""
    global _moved_to
    _moved_to = None


@contextmanager
def standing_at(instant: datetime) -> Iterator[None]:
    """Stop the clock at an instant for the length of a block, then put back what was."""
    global _moved_to
    before = _moved_to
    move_to(instant)
    try:
        yield
    finally:
        _moved_to = before
