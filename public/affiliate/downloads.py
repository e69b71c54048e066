"""Downloads of the affiliate's pages: CSV written while its rows are read, and documents."""

from collections.abc import Iterable
from datetime import datetime

from flask import Response, stream_with_context

from models import clock
from models.csv_lines import csv_lines
from public.amounts import exact_amount


def as_csv(name: str, titles: list[str], rows: Iterable[list[str]]) -> Response:
    """A file that no spreadsheet runs, streamed; its name carries the day."""
    file = f"{name}-{clock.today().isoformat()}.csv"
    return Response(
        stream_with_context(csv_lines(titles, rows)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{file}"'},
    )


def as_pdf(name: str, body: bytes) -> Response:
    """A document to keep."""
    return Response(
        body,
        mimetype="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="{name}.pdf"'},
    )


def money_cell(cents: int) -> str:
    """Cents as a spreadsheet reads a number."""
    return exact_amount(cents)


def day_cell(instant: datetime) -> str:
    """The Paris day of an instant."""
    return clock.paris(instant).date().isoformat()
