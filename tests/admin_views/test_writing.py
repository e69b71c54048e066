"""Refusals and names as a console tells them: amounts as the reader writes them, names as given."""

import pytest

from admin_views.structures import read_amounts
from admin_views.writing import in_words
from models.billing.approve_refund import MoreThanLeft
from models.catalog.change import InUse, NameTaken


@pytest.fixture
def in_french(app):
    with app.test_request_context(headers={"Accept-Language": "fr"}):
        yield


@pytest.mark.usefixtures("in_french")
class TestInWords:
    def test_an_amount_is_written_as_the_reader_writes_it(self):
        assert in_words(MoreThanLeft(left="1225.50")).startswith("Au plus 1225,50\u00a0€ de")

    def test_a_name_stays_as_it_is(self):
        assert "Formation 2.10" in in_words(InUse(name="Formation 2.10"))
        assert "«\u00a0v1.20\u00a0»" in in_words(NameTaken(field="name", value="v1.20"))

    @pytest.mark.parametrize(
        ("name", "told"),
        [
            ("Formation 2.10", "Formation 2.10"),
            ("Formation 2.10 · 49.00 €", "Formation 2.10 · 49,00 €"),
            ("49.00\u00a0€", "49,00\u00a0€"),
            ("1.49.00 €", "1.49.00 €"),
        ],
    )
    def test_only_what_stands_before_its_currency_is_an_amount(self, name, told):
        assert read_amounts(name) == told
