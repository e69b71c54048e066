"""Documents as PDF: one page's furniture for invoices, credit notes and payout statements.

A document is its title, facts, parties, a table, totals and a footer, in French or English.
The same content gives the same bytes on every machine: the date of making is the
document's own, and nothing in the file is random.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from gettext import NullTranslations
from pathlib import Path
from typing import Any

from babel.numbers import format_currency, format_decimal
from babel.support import Translations
from fpdf import FPDF, XPos, YPos
from fpdf.enums import TableBordersLayout
from fpdf.fonts import FontFace

from models import clock
from models.day_words import day_words, moment_words
from models.errors import N_, DomainError

log = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[1]
FONTS = ROOT / "node_modules" / "dejavu-fonts-ttf" / "ttf"
FACES = {"": "DejaVuSans.ttf", "B": "DejaVuSans-Bold.ttf"}

MARGIN = 18
INK, MUTED, LINE, SHADE = (28, 26, 36), (100, 98, 110), (208, 206, 214), (244, 243, 247)
LINE_HEIGHT = 5
LONGEST = 500
"""Characters of one cell, line or footing; a cell has to fit on a page."""
PAGES = "{##}"


class FontsMissing(DomainError):
    """The fonts that documents are set in are not where npm installs them."""

    status = 503
    code = "fonts_missing"
    message = N_("Documents cannot be made: their fonts are not installed. Run “make install”.")


def fonts_missing() -> bool:
    """Whether documents cannot be made for want of fonts."""
    return not all((FONTS / name).is_file() for name in FACES.values())


def say_where_fonts_are_missing() -> None:
    """A line in the log of a process that starts and will have documents to make."""
    if fonts_missing():
        log.error("documents.fonts_missing: %s Looked in %s.", FontsMissing().text(), FONTS)


@dataclass(frozen=True)
class Wording:
    """How one language says words, amounts, days and rates."""

    locale: str

    def say(self, text: str, **params: object) -> str:
        """A marked text in this language."""
        said = _translations(self.locale).gettext(text) if text else ""
        return said % params if params else said

    def amount(self, cents: int, currency: str = "EUR") -> str:
        """Cents as people read them: ``1 225,00 €``, ``€1,225.00``."""
        return str(format_currency(Decimal(cents).scaleb(-2), currency, locale=self.locale))

    def day(self, instant: datetime) -> str:
        """An instant as a day in Paris: ``3 mars 2026``."""
        return day_words(clock.paris(instant).date(), self.locale)

    def moment(self, instant: datetime) -> str:
        """An instant as a day and a time in Paris."""
        return moment_words(clock.paris(instant), self.locale)

    def percent(self, fraction: Decimal) -> str:
        """A rate given as a fraction: ``5,5 %`` in French, ``5.5%`` in English."""
        space = "\N{NO-BREAK SPACE}" if self.locale == "fr" else ""
        return f"{format_decimal(fraction * 100, locale=self.locale)}{space}%"


def wording(locale: str) -> Wording:
    """The wording of a language; anything but English is French, the house's own."""
    return Wording("en" if locale == "en" else "fr")


@lru_cache(maxsize=2)
def _translations(locale: str) -> NullTranslations:
    return Translations.load(ROOT / "content" / "translations", [locale])


@dataclass(frozen=True)
class Party:
    """Who a document is from or for: a heading and lines, empty ones left out."""

    heading: str
    lines: Sequence[str]


@dataclass(frozen=True)
class Column:
    """A column of a table: its title, its share of the width, and which side it keeps to."""

    title: str
    share: int
    right: bool = False


class _Page(FPDF):
    """The paper: the same footer and page number on every page."""

    footing = ""
    page_words = ""

    def footer(self) -> None:
        self.set_y(-16)
        self.set_font("body", size=7)
        self.set_text_color(*MUTED)
        self.multi_cell(0, 3.4, self.footing, align="C", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.cell(0, 3.4, f"{self.page_words} {self.page_no()}/{PAGES}", align="C")


class Sheet:
    """One document, filled from top to bottom. Raises FontsMissing.

    ``issued_at`` is the document's own date. Texts come in the document's language; what
    somebody typed may hold any character: those that the font lacks show as a box.
    """

    def __init__(self, *, locale: str, title: str, issued_at: datetime, footing: str = "") -> None:
        if fonts_missing():
            raise FontsMissing
        page = self._page = _Page(format="A4")
        page.footing = _short(footing)
        page.page_words = wording(locale).say(N_("Page"))
        for style, name in FACES.items():
            page.add_font("body", style, FONTS / name)
        page.set_creation_date(issued_at)
        page.set_lang(wording(locale).locale)
        page.set_title(title)
        page.set_margin(MARGIN)
        page.alias_nb_pages(PAGES)
        page.set_auto_page_break(True, margin=24)
        page.add_page()
        self._write(_short(title), size=19, bold=True, height=9)
        page.ln(2)

    def facts(self, rows: Sequence[tuple[str, str]]) -> None:
        """Short facts under the title: a name and a value each; empty values are left out."""
        for name, value in rows:
            if value:
                self._font(9, muted=True)
                self._page.cell(48, LINE_HEIGHT, _printable(name))
                self._font(9)
                self._rest(value)
        self._page.ln(5)

    def parties(self, left: Party, right: Party) -> None:
        """Two parties side by side."""
        page, top, width = self._page, self._page.y, (self._page.epw - 8) / 2
        bottom = top
        for place, party in ((MARGIN, left), (MARGIN + width + 8, right)):
            page.set_xy(place, top)
            self._font(8, muted=True)
            page.multi_cell(width, LINE_HEIGHT, _printable(party.heading), align="L", **_BELOW)
            for number, line in enumerate(filter(None, party.lines)):
                page.set_x(place)
                self._font(10 if number == 0 else 9, bold=number == 0)
                page.multi_cell(width, LINE_HEIGHT, _short(line), align="L", **_BELOW)
            bottom = max(bottom, page.y)
        page.set_xy(MARGIN, bottom)
        page.ln(7)

    def table(self, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
        """A table whose head is repeated on every page."""
        self._font(9)
        self._page.set_draw_color(*LINE)
        with self._page.table(
            col_widths=tuple(column.share for column in columns),
            text_align=tuple("RIGHT" if column.right else "LEFT" for column in columns),
            borders_layout=TableBordersLayout.HORIZONTAL_LINES,
            headings_style=FontFace(emphasis="BOLD", color=INK, fill_color=SHADE),
            line_height=LINE_HEIGHT,
            padding=1.2,
        ) as table:
            table.row([_printable(column.title) for column in columns])
            for row in rows:
                table.row([_short(cell) for cell in row])
        self._page.ln(3)

    def totals(self, rows: Sequence[tuple[str, str]]) -> None:
        """Sums at the right edge; the last one stands out."""
        page = self._page
        if page.will_page_break(LINE_HEIGHT * len(rows) + 6):
            page.add_page()
        for number, (name, value) in enumerate(rows):
            last = number == len(rows) - 1
            self._font(11 if last else 9, bold=last)
            page.set_x(MARGIN + page.epw / 2)
            page.cell(page.epw / 4, 7 if last else LINE_HEIGHT, _printable(name))
            page.cell(page.epw / 4, 7 if last else LINE_HEIGHT, value, align="R", **_NEXT)
        page.ln(4)

    def heading(self, words: str) -> None:
        """A heading between parts."""
        self._write(words, size=11, bold=True, height=7)

    def text(self, words: str) -> None:
        """A paragraph."""
        self._write(words, size=9)
        self._page.ln(1)

    def note(self, words: str) -> None:
        """A paragraph in small print."""
        self._write(words, size=8, muted=True, height=4.2)
        self._page.ln(1)

    def to_bytes(self) -> bytes:
        """The file. Nothing may be added afterwards."""
        return bytes(self._page.output())

    def _font(self, size: int, *, bold: bool = False, muted: bool = False) -> None:
        self._page.set_font("body", "B" if bold else "", size)
        self._page.set_text_color(*(MUTED if muted else INK))

    def _rest(self, words: str) -> None:
        self._page.multi_cell(0, LINE_HEIGHT, _printable(words), align="L", **_NEXT)

    def _write(
        self,
        words: str,
        *,
        size: int,
        bold: bool = False,
        muted: bool = False,
        height: float = LINE_HEIGHT,
    ) -> None:
        self._font(size, bold=bold, muted=muted)
        self._page.multi_cell(0, height, _printable(words), align="L", **_NEXT)


_NEXT: dict[str, Any] = {"new_x": XPos.LMARGIN, "new_y": YPos.NEXT}
_BELOW: dict[str, Any] = {"new_x": XPos.LEFT, "new_y": YPos.NEXT}


def _printable(words: str) -> str:
    """A text without control characters, its line breaks kept."""
    return "".join(c for c in words if c == "\n" or c.isprintable() or c in "\u00a0\u202f")


def _short(words: str) -> str:
    return _printable(words if len(words) <= LONGEST else words[: LONGEST - 1] + "…")
