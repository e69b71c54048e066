"""How often members' pages ask the database: no oftener for many rows than for few."""

import pytest
from sqlalchemy import Engine, event

from tests.checkouts import buy
from tests.public.clients import buyer, put_product_on_sale
from tests.selling import an_affiliate, sell, signed_in, twin_at_work

pytestmark = pytest.mark.usefixtures("committed", "redis", "now")

AFFILIATES = ("/home", "/affiliate/dashboard", "/affiliate/commissions", "/affiliate/ledger")
CLIENTS = ("/dashboard", "/settings", "/settings/invoices", "/renoncer", "/api/customers")


@pytest.fixture
def twin():
    with twin_at_work() as twin:
        yield twin


@pytest.fixture
def sent():
    """The statements sent since the last ``clear()``."""
    sent = []

    def note(_connection, _cursor, statement, *_rest):
        sent.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    yield sent
    event.remove(Engine, "before_cursor_execute", note)


def asked(sent, visitor, paths):
    """How many statements each page takes, once everything kept in memory is there."""
    counts = {}
    for path in paths:
        visitor.get(path)
        sent.clear()
        assert visitor.get(path).status_code == 200
        counts[path] = len(sent)
    return counts


def test_an_affiliates_pages(app, twin, sent):
    affiliate = an_affiliate("ann")
    sell(twin, affiliate, ["carl@example.org"], name="Gold")
    ann = signed_in(app, "ann")
    few = asked(sent, ann, AFFILIATES)

    sell(twin, affiliate, [f"{n}@example.org" for n in range(4)], name="Silver")

    assert asked(sent, ann, AFFILIATES) == few


def test_a_clients_pages(app, twin, sent):
    ada = buyer(app, twin, put_product_on_sale("first", name="Basic"))
    few = asked(sent, ada.visitor, CLIENTS)

    for number in range(3):
        buy(twin, put_product_on_sale(f"more-{number}", name=f"More {number}"), ada.email)

    assert asked(sent, ada.visitor, CLIENTS) == few
