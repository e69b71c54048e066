"""What the scheduled jobs and what they count are called."""

from datetime import timedelta
from typing import Any

from flask_babel import gettext
from markupsafe import Markup

from admin_views.formats import is_french, whole
from admin_views.job_names import COUNTS, JOBS
from admin_views.structures import Finder, holds_cents, nobody, structure, value_words


def job_words(name: str) -> str:
    """What a job does; one without words by its name."""
    known = JOBS.get(name)
    return gettext(known) if known else name


def seconds(span: timedelta) -> str:
    """How long something took, to the tenth of a second."""
    tenths = span // timedelta(milliseconds=100)
    text = f"{tenths // 10}.{tenths % 10}\u00a0s"
    return text.replace(".", ",") if is_french() else text


def without_amounts(value: Any) -> Any:
    """What a run counted, less every amount in it, however deep."""
    if isinstance(value, dict):
        kept = {key: each for key, each in value.items() if not holds_cents(key)}
        return {key: without_amounts(each) for key, each in kept.items()}
    return [without_amounts(each) for each in value] if isinstance(value, list) else value


def count_words(counts: dict[str, Any], find: Finder = nobody) -> list[tuple[str, Markup | str]]:
    """What a run counted, as (words, value); zeros are left out where anything was done."""
    done = {key: value for key, value in counts.items() if value} or counts
    return [
        (gettext(COUNTS[key]) if key in COUNTS else key.replace("_", " "), _count(key, value, find))
        for key, value in done.items()
    ]


def _count(key: str, value: Any, find: Finder) -> Markup | str:
    if isinstance(value, list) and value:
        return structure(value, find, key)
    if isinstance(value, int) and not holds_cents(key):
        return whole(value)
    return value_words(key, value)
