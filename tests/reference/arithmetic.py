"""Cents, calendar and clock as the rules count them."""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")
DAY = timedelta(days=1)


def half_up(exact):
    """Whole cents; a half goes away from zero."""
    if exact < 0:
        return -half_up(-exact)
    return (2 * Fraction(exact) + 1) // 2


def excluding(price, rate):
    return half_up(Fraction(price) / (1 + Fraction(rate)))


def local_day(instant) -> date:
    return instant.astimezone(PARIS).date()


def from_wall(wall):
    return wall.replace(tzinfo=PARIS).astimezone(UTC)


def months_later(instant, months):
    """The same wall time so many months on, or the month's last day where it has no such day."""
    wall = instant.astimezone(PARIS).replace(tzinfo=None, fold=0)
    year, month = divmod(wall.year * 12 + wall.month - 1 + months, 12)
    day = min(wall.day, monthrange(year, month + 1)[1])
    return from_wall(wall.replace(year=year, month=month + 1, day=day))


def days_later(instant, days):
    """The same wall time so many dates on."""
    wall = instant.astimezone(PARIS).replace(tzinfo=None, fold=0)
    return from_wall(wall + timedelta(days=days))


def hours_between(after, until):
    """Every full hour of the clock after one instant and up to another."""
    at = after.astimezone(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    while at <= until:
        yield at
        at += timedelta(hours=1)


def next_five_minutes(after):
    """The next instant of the clock whose minutes are a multiple of five."""
    whole = after.replace(second=0, microsecond=0)
    return whole + timedelta(minutes=5 - whole.minute % 5)


def text(instant: datetime | None) -> str | None:
    return instant and instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rate_text(rate) -> str:
    """A decimal fraction without trailing zeros."""
    whole, rest = divmod(Fraction(rate) * 10**6, 10**6)
    digits = f"{int(rest):06}".rstrip("0")
    return f"{int(whole)}.{digits}" if digits else str(int(whole))
