"""Exports: the filtered rows, whole, and nothing in them that a spreadsheet would run."""

import csv
import io

import pytest
from openpyxl import load_workbook

from models.csv_lines import harmless
from tests.admin_views.conftest import purchase

NASTY = '=HYPERLINK("https://evil.example","x")'


@pytest.mark.parametrize("text", ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\tx", "\rx"])
def test_a_formula_is_disarmed(text):
    assert harmless(text) == "'" + text


@pytest.mark.parametrize("text", ["", "a=1", "12", "-12.50", "alice@example.org", "–"])
def test_a_plain_text_or_number_stays(text):
    assert harmless(text) == text


class TestFiles:
    def test_csv_holds_the_filtered_rows_disarmed(self, owner, console, keep):
        keep(lambda make: (make.user(display_name=NASTY, is_suspended=True), make.user()))
        answer = owner.get(f"{console}/users/export/csv/?flt_suspended=yes")
        lines = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
        assert answer.content_type.startswith("text/csv")
        assert "attachment" in answer.headers["Content-Disposition"]
        assert len(lines) == 2
        assert "'" + NASTY in lines[1]

    def test_xlsx_holds_the_same_as_text(self, owner, console, keep):
        keep(lambda make: make.user(display_name=NASTY))
        answer = owner.get(f"{console}/users/export/xlsx/?search=HYPERLINK")
        rows = list(load_workbook(io.BytesIO(answer.data)).active.iter_rows(values_only=True))
        assert len(rows) == 2
        assert "'" + NASTY in rows[1]

    def test_amounts_are_plain_decimals(self, owner, console, keep):
        keep(purchase)
        assert "49.00" in owner.get(f"{console}/invoices/export/csv/").text

    def test_many_rows_come_through(self, owner, console, keep):
        keep(lambda make: [make.user() for _ in range(1203)])
        lines = owner.get(f"{console}/users/export/csv/").text.strip().splitlines()
        assert len(lines) == 1 + 1203 + 1

    def test_another_kind_of_file_is_404(self, owner, console):
        assert owner.get(f"{console}/users/export/exe/").status_code == 404
