"""CSV for people: line by line while rows are read, safe to open in a spreadsheet.

A cell that a spreadsheet would run as a formula (it begins with ``=``, ``+``, ``-``, ``@``,
a tab or a carriage return) is given an apostrophe first; a plain number is left as it is.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator

RISKY = ("=", "+", "-", "@", "\t", "\r")
NUMBER = re.compile(r"-?\d+(\.\d+)?")
BYTE_ORDER_MARK = "\ufeff"
"""Without it a spreadsheet takes accents for something else."""


def harmless(text: str) -> str:
    """A cell's text that no spreadsheet runs."""
    if text.startswith(RISKY) and not NUMBER.fullmatch(text):
        return "'" + text
    return text


def csv_lines(titles: list[str], rows: Iterable[list[str]]) -> Iterator[str]:
    """The file, line by line, while the rows are still being read."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write(BYTE_ORDER_MARK)
    writer.writerow([harmless(title) for title in titles])
    for place, row in enumerate(rows):
        writer.writerow([harmless(cell) for cell in row])
        if place % 200 == 199:
            yield _taken(buffer)
    yield _taken(buffer)


def _taken(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text
