"""Days and moments as people read them, for every edge: British order in English, because
the business is European, and « 1er » in French."""

from datetime import date, datetime

from babel.dates import format_date

LONG = "d MMMM y"


def day_words(day: date, language: str, pattern: str = LONG) -> str:
    """A date in a language: ``1er mars 2026``, ``1 March 2026``."""
    if language == "fr" and day.day == 1 and "MMMM" in pattern:
        pattern = pattern.replace("d", "d'er'", 1)
    return str(format_date(day, pattern, locale=language))


def moment_words(wall: datetime, language: str) -> str:
    """A wall clock's day and time: ``10 mars 2026 à 12:05``, ``10 March 2026 at 12:05``."""
    joint = "à" if language == "fr" else "at"
    return f"{day_words(wall.date(), language)} {joint} {wall:%H:%M}"
