"""Days and moments in both languages."""

from datetime import date, datetime

import pytest

from models.clock import PARIS
from models.day_words import day_words, moment_words


@pytest.mark.parametrize(
    ("language", "pattern", "day", "words"),
    [
        ("fr", "d MMMM y", date(2026, 3, 1), "1er mars 2026"),
        ("fr", "EEEE d MMMM", date(2026, 12, 1), "mardi 1er décembre"),
        ("fr", "d MMMM y", date(2026, 3, 11), "11 mars 2026"),
        ("en", "d MMMM y", date(2026, 3, 1), "1 March 2026"),
    ],
)
def test_a_day_reads_as_it_is_written_there(language, pattern, day, words):
    assert day_words(day, language, pattern) == words


@pytest.mark.parametrize(
    ("language", "words"), [("fr", "10 mars 2026 à 09:05"), ("en", "10 March 2026 at 09:05")]
)
def test_a_moment_has_no_seconds(language, words):
    assert moment_words(datetime(2026, 3, 10, 9, 5, 59, tzinfo=PARIS), language) == words
