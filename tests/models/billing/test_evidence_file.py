"""The evidence of an order: everything that was shown, agreed to, paid, sent and opened."""

import hashlib
import io
import json
import zipfile
from datetime import timedelta

import pytest
from pypdf import PdfReader
from sqlalchemy import select, update

from models import clock
from models.billing import AccessGrant, CaptureEndpoint, Customer, CustomerStatus, Invoice
from models.billing.evidence_file import evidence_file
from models.billing.send_refunds import send_refunds
from models.card_numbers import is_card_number
from models.errors import Missing
from models.ids import new_id
from models.oversight import queue_mail
from models.session import staff_reading, unit_of_work
from tests.checkouts import CONSENT, DECLINED, begin, buy, pay, put_on_sale
from tests.refunds import give_back, next_invoice, sale_of, sold

pytestmark = pytest.mark.usefixtures("committed", "now")


def files_of(capture_id):
    with staff_reading() as session:
        archive = zipfile.ZipFile(io.BytesIO(evidence_file(session, capture_id)))
    return {name: archive.read(name) for name in archive.namelist()}


def capture_of(sale, *others):
    with staff_reading() as session:
        return session.scalars(
            select(CaptureEndpoint).where(
                CaptureEndpoint.customer_id == sale.customer_id, CaptureEndpoint.id.not_in(others)
            )
        ).one()


@pytest.fixture
def order(twin):
    """A purchase with a renewal, a partial refund, a mail and a used access."""
    sale = sold(twin)
    renewal = next_invoice(twin, sale)
    give_back(renewal, 1000)
    send_refunds()
    with unit_of_work() as session:
        queue_mail(
            session,
            "receipt",
            platform="STAM",
            to_email="bob@example.org",
            locale="fr",
            key="receipt:1",
            user_id=sale.user_id,
            context={"number": "WS"},
            secrets={"token": "never-to-be-read"},
        )
        session.execute(update(AccessGrant).values(first_used_at=clock.now()))
    return capture_of(sale)


class TestEvidence:
    def test_holds_what_the_order_was_and_became(self, order):
        files = files_of(order.id)
        shown = json.loads(files["order.json"])
        assert shown["offer_shown"]["price"] == 4900
        assert shown["buyer"]["email"] == "bob@example.org"
        assert shown["card"]["last4"] == "4242"
        consent = files["consent.txt"].decode()
        assert CONSENT in consent
        assert "203.0.113.7" in consent
        assert order.consented_at.isoformat() in consent
        assert [each["kind"] for each in json.loads(files["invoices.json"])] == ["FIRST", "RENEWAL"]
        [attempt] = json.loads(files["attempts.json"])
        assert attempt["outcome"] == "SUCCEEDED"
        [refund] = json.loads(files["refunds.json"])
        assert (refund["amount"], refund["status"]) == (1000, "PROCESSED")
        [access] = json.loads(files["accesses.json"])
        assert access["first_used_at"]
        assert "receipt" in [each["kind"] for each in json.loads(files["mails.json"])]

    def test_holds_the_documents(self, order):
        files = files_of(order.id)
        documents = sorted(name for name in files if name.endswith(".pdf"))
        assert documents == [
            "documents/AV-2026-000001.pdf",
            "documents/WS-2026-000001.pdf",
            "documents/WS-2026-000002.pdf",
        ]
        for name in documents:
            number = name.removeprefix("documents/").removesuffix(".pdf")
            assert number in PdfReader(io.BytesIO(files[name])).pages[0].extract_text()

    def test_lists_each_file_with_its_fingerprint(self, order):
        files = files_of(order.id)
        listed = dict(
            reversed(line.split("  ", 1)) for line in files["SHA256SUMS"].decode().splitlines()
        )
        assert set(listed) == set(files) - {"SHA256SUMS"}
        for name, digest in listed.items():
            assert hashlib.sha256(files[name]).hexdigest() == digest

    def test_holds_no_secret_and_no_card(self, order):
        files = files_of(order.id)
        text = " ".join(
            content.decode() for name, content in files.items() if not name.endswith(".pdf")
        )
        for secret in ("never-to-be-read", "tok_twin", "secret-of", "vault.invalid"):
            assert secret not in text
        words = text.replace('"', " ").replace(",", " ").split()
        assert not [word for word in words if word.isdigit() and is_card_number(word)]

    def test_a_checkout_that_led_to_nothing_has_one_too(self, twin):
        begun = begin(put_on_sale())
        pay(twin, begun, DECLINED)
        files = files_of(begun.capture.id)
        assert json.loads(files["invoices.json"]) == []
        [attempt] = json.loads(files["attempts.json"])
        assert attempt["outcome"] == "DECLINED"
        assert not [name for name in files if name.endswith(".pdf")]

    def test_a_later_purchase_of_the_same_product_is_an_order_of_its_own(self, twin):
        sale = sold(twin)
        first = capture_of(sale)
        clock.advance(timedelta(days=30))
        renewal = next_invoice(twin, sale)
        with unit_of_work() as session:
            customer = Customer.for_update(session, first.customer_id)
            customer.become(CustomerStatus.CANCELLED)
            customer.next_charge_at = None
        clock.advance(timedelta(hours=12))
        second = capture_of(sale_of(buy(twin, "offer")), first.id)
        with staff_reading() as session:
            bought, renewed, anew = session.scalars(select(Invoice).order_by(Invoice.number))
        assert renewed.id == renewal
        assert renewed.period_start > anew.period_start
        assert self.numbers(first) == [bought.number, renewed.number]
        assert self.numbers(second) == [anew.number]

    def numbers(self, capture):
        return [each["number"] for each in json.loads(files_of(capture.id)["invoices.json"])]

    def test_what_is_not_there_is_missing(self):
        with staff_reading() as session, pytest.raises(Missing):
            evidence_file(session, new_id())
