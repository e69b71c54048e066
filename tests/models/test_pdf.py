"""The furniture of documents: the same bytes each time, whatever was typed, in two languages."""

import io
import logging
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from pypdf import PdfReader

from models import pdf
from models.pdf import Column, FontsMissing, Party, Sheet, wording

MADE = datetime(2026, 3, 10, 23, 30, tzinfo=UTC)

HOSTILE = {
    "emoji": "Zoë 😀🎉",
    "right-to-left": "\u202eعربى",
    "controls": "a\x00b\x1bc\x07",
    "one-long-word": "x" * 4000,
    "markup": "<b>&amp;</b> (%s) %(name)s {nb} **bold**",
    "lone-accent": "\u0301" * 50,
    "empty": "",
    "line-breaks": "one\ntwo\r\nthree",
}


def sheet_of(words="Premium", rows=3, locale="fr"):
    sheet = Sheet(locale=locale, title=f"Title {words}", issued_at=MADE, footing=words)
    sheet.facts([("Date", wording(locale).day(MADE)), ("Nothing", ""), ("Typed", words)])
    sheet.parties(Party("From", ["Seller", words]), Party("To", [words, "bob@example.org"]))
    columns = [Column("What", 6), Column("Price", 2, right=True)]
    sheet.table(columns, [[words, wording(locale).amount(122500)]] * rows)
    sheet.totals([("Excluding", "1"), ("Including", "2")])
    sheet.heading("More")
    sheet.text(words)
    sheet.note(words)
    return sheet.to_bytes()


def read(data):
    return PdfReader(io.BytesIO(data))


class TestSheet:
    def test_reads_back_what_it_was_given(self):
        [page] = read(sheet_of()).pages
        text = page.extract_text()
        for words in ("Title Premium", "11 mars 2026", "Seller", "bob@example.org", "Page 1/1"):
            assert words in text
        assert "Nothing" not in text

    def test_is_the_same_in_another_process(self):
        script = (
            "import hashlib;from tests.models.test_pdf import sheet_of;"
            "print(hashlib.sha256(sheet_of()).hexdigest())"
        )
        made = [
            subprocess.run(
                [sys.executable, "-c", script],
                cwd=pdf.ROOT,
                env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(pdf.ROOT)},
                capture_output=True,
                check=True,
                text=True,
            ).stdout
            for seed in ("1", "2")
        ]
        assert made[0] == made[1]

    def test_its_date_is_the_documents_own(self):
        assert read(sheet_of()).metadata.creation_date == MADE

    def test_repeats_the_head_of_its_table_on_every_page(self):
        pages = read(sheet_of(rows=120)).pages
        assert len(pages) > 2
        for page in pages[:3]:
            assert "Price" in page.extract_text()

    @pytest.mark.parametrize("name", sorted(HOSTILE))
    def test_takes_whatever_was_typed(self, name):
        assert len(read(sheet_of(HOSTILE[name])).pages) >= 1

    def test_without_its_fonts_it_says_how_to_get_them(self, monkeypatch, tmp_path, caplog):
        monkeypatch.setattr(pdf, "FONTS", tmp_path)
        with pytest.raises(FontsMissing, match="make install"):
            sheet_of()
        with caplog.at_level(logging.ERROR):
            pdf.say_where_fonts_are_missing()
        assert "make install" in caplog.text


class TestWording:
    @pytest.mark.parametrize(
        ("locale", "amount", "rate", "day"),
        [
            ("fr", "1\u202f225,00\xa0€", "5,5\xa0%", "11 mars 2026"),
            ("en", "€1,225.00", "5.5%", "11 March 2026"),
            ("xx", "1\u202f225,00\xa0€", "5,5\xa0%", "11 mars 2026"),
        ],
        ids=["fr", "en", "another"],
    )
    def test_writes_numbers_and_days(self, locale, amount, rate, day):
        words = wording(locale)
        assert words.amount(122500) == amount
        assert words.percent(Decimal("0.0550")) == rate
        assert words.day(MADE) == day
