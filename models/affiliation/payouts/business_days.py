"""The days on which banks move euros: those of TARGET, the Eurosystem's settlement."""

from datetime import date, timedelta

from dateutil.easter import easter

DAY = timedelta(days=1)
FIXED_HOLIDAYS = frozenset({(1, 1), (5, 1), (12, 25), (12, 26)})


def is_business_day(day: date) -> bool:
    """Whether TARGET is open: not on weekends, New Year, Good Friday, Easter Monday,
    1 May, 25 and 26 December."""
    sunday = easter(day.year)
    around_easter = {sunday - 2 * DAY, sunday + DAY}
    return (
        day.weekday() < 5
        and (day.month, day.day) not in FIXED_HOLIDAYS
        and day not in around_easter
    )


def next_business_day(after: date) -> date:
    """The first day on which TARGET is open after a day."""
    day = after + DAY
    while not is_business_day(day):
        day += DAY
    return day
