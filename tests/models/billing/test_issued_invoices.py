"""An issued invoice stays as it is, whoever tries: the database sees to it."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from models.session import unit_of_work
from tests.checkouts import buy, put_on_sale

pytestmark = pytest.mark.usefixtures("committed", "now")


def change(statement):
    with unit_of_work() as session:
        return session.execute(text(statement)).rowcount


@pytest.fixture
def _sold(twin):
    buy(twin, put_on_sale(setup_fee=1900))


@pytest.mark.usefixtures("_sold")
class TestIssuedInvoice:
    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE invoices SET number = 'WS-2026-000009'",
            "UPDATE invoices SET tax_amount = tax_amount - 1,"
            " amount_including_tax = amount_including_tax - 1",
            "UPDATE invoices SET paid_at = paid_at + interval '1 second'",
            "UPDATE invoices SET period_end = NULL",
            "UPDATE invoices SET mentions = '{}'",
            "UPDATE invoices SET number = NULL, status = 'VOID'",
            "DELETE FROM invoices",
            "UPDATE invoice_lines SET label = 'Something else'",
            "DELETE FROM invoice_lines",
        ],
    )
    def test_is_neither_changed_nor_deleted(self, statement):
        with pytest.raises(DBAPIError, match="is issued"):
            change(statement)

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE invoices SET status = 'REFUNDED'",
            "UPDATE invoices SET no_commission_reason = 'self_referral'",
            "UPDATE invoices SET psp_status = 'succeeded', tax_amount = tax_amount",
        ],
    )
    def test_may_still_move_on(self, statement):
        assert change(statement) == 1
