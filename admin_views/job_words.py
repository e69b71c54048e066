"""What the scheduled jobs and what they count are called."""

from datetime import timedelta
from typing import Any

from flask_babel import gettext

from admin_views.formats import is_french, whole
from admin_views.happenings import COUNTS, JOBS
from admin_views.structures import holds_cents, value_words


def job_words(name: str) -> str:
    """What a job does; one without words by its name."""
    known = JOBS.get(name)
    return gettext(known) if known else name


def seconds(span: timedelta) -> str:
    """How long something took, to the tenth of a second."""
    tenths = span // timedelta(milliseconds=100)
    text = f"{tenths // 10}.{tenths % 10}\u00a0s"
    return text.replace(".", ",") if is_french() else text


def count_words(counts: dict[str, Any]) -> list[tuple[str, str]]:
    """What a run counted, as (words, value); zeros are left out where anything was done."""
    done = {key: value for key, value in counts.items() if value} or counts
    return [
        (gettext(COUNTS[key]) if key in COUNTS else key.replace("_", " "), _count(key, value))
        for key, value in done.items()
    ]


def _count(key: str, value: Any) -> str:
    if isinstance(value, int) and not holds_cents(key):
        return whole(value)
    return value_words(key, value)
