"""Exports: the filtered rows as CSV or XLSX, a thousand at a time, safe to open in a spreadsheet.

A cell that a spreadsheet would run as a formula (it begins with ``=``, ``+``, ``-``, ``@``,
a tab or a carriage return) is given an apostrophe first; a plain number is left as it is.
"""

import csv
import io
import re
import tempfile
from collections.abc import Iterable, Iterator
from typing import IO, Any

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

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


def xlsx_file(titles: list[str], rows: Iterable[list[str]]) -> IO[bytes]:
    """The same as a workbook on disk, which keeps memory flat however many rows."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("export")
    sheet.append([_cell(title) for title in titles])
    for row in rows:
        sheet.append([_cell(text) for text in row])
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the response closes it once sent
    book.save(file)
    file.seek(0)
    return file


def _cell(text: str) -> Any:
    return harmless(ILLEGAL_CHARACTERS_RE.sub("", text))


def chunks(file: IO[bytes]) -> Iterator[bytes]:
    """A file's bytes, closed at the end."""
    with file:
        while block := file.read(64 * 1024):
            yield block
