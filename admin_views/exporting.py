"""Exports as a workbook: the filtered rows, safe to open in a spreadsheet."""

import tempfile
from collections.abc import Iterable, Iterator
from typing import IO, Any

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from models.csv_lines import harmless


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
