"""How a scenario writes instants: ``+<days>d<hours>h<minutes>m`` from its start, or ISO 8601."""

import re
from datetime import UTC, datetime, timedelta

RELATIVE = re.compile(r"\+(?=\d)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?")

YEARS = range(1970, 3000)


class BadMoment(ValueError):
    """Not an instant that a scenario can name; the text says what would be."""


def read_moment(text: str, start: datetime) -> datetime:
    """The instant a text names; days are 24-hour days. Raises BadMoment."""
    if text.startswith("+"):
        found = RELATIVE.fullmatch(text)
        if found is None or not any(found.groups()):
            raise BadMoment(f"“{text}” is not like +1d2h30m")
        days, hours, minutes = (int(part or 0) for part in found.groups())
        try:
            return _within(start + timedelta(days=days, hours=hours, minutes=minutes), text)
        except OverflowError:
            raise BadMoment(f"“{text}” is too far away") from None
    return read_instant(text)


def read_instant(text: str) -> datetime:
    """An ISO instant with its offset. Raises BadMoment."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise BadMoment(
            f"“{text}” is not an ISO instant such as 2026-01-31T09:00:00+01:00"
        ) from None
    if instant.tzinfo is None:
        raise BadMoment(f"“{text}” has no offset from UTC")
    return _within(instant, text)


def _within(instant: datetime, text: str) -> datetime:
    """An instant that leaves room for a calendar on both sides: renewals look years ahead."""
    if instant.year not in YEARS:
        raise BadMoment(f"“{text}” is not within the years {YEARS.start} to {YEARS[-1]}")
    return instant


def write_instant(instant: datetime | None) -> str | None:
    """An instant in UTC to the second, as results show it."""
    if instant is None:
        return None
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
