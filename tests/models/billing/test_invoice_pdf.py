"""Invoices and credit notes as files: what they must say, in two languages, to whom."""

import io
from decimal import Decimal

import pytest
from pypdf import PdfReader
from sqlalchemy import select

from models import clock
from models.accounts import User
from models.billing import CreditNote, Invoice, InvoiceStatus
from models.billing.invoice_pdf import NotIssued, credit_note_pdf, invoice_pdf
from models.billing.provider import RefundRequest
from models.billing.send_refunds import send_refunds
from models.billing.settle_refund_by_hand import settle_refund_by_hand
from models.errors import Missing
from models.ids import new_id
from models.oversight import SYSTEM
from models.session import member_session, staff_reading, unit_of_work
from models.settings import current_settings, use_settings
from tests.refunds import give_back, invoice_of, sold

pytestmark = pytest.mark.usefixtures("committed", "now")

LOCALES = ("fr", "en")
AMOUNTS = {"fr": ("40,83 €", "8,17 €", "49,00 €"), "en": ("€40.83", "€8.17", "€49.00")}
PART = {"fr": ("8,33 €", "1,67 €", "10,00 €"), "en": ("€8.33", "€1.67", "€10.00")}


def read(data):
    text = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages)
    return text.replace("\xa0", " ").replace("\u202f", " ")


def without_vat():
    use_settings(current_settings().model_copy(update={"vat_rate": Decimal(0)}))


def given_back_by_hand(twin):
    """An invoice whose refund the provider refused, so that it was wired."""
    sale = sold(twin)
    twin.refund(RefundRequest("elsewhere", invoice_of(sale).psp_payment_id, 4900))
    refund = give_back(sale.invoice_id)
    send_refunds()
    with unit_of_work() as session:
        settle_refund_by_hand(session, refund.id, reference="VIR-7", actor=SYSTEM, now=clock.now())
    return sale


def note_of(invoice_id):
    with staff_reading() as session:
        return session.scalars(select(CreditNote).where(CreditNote.invoice_id == invoice_id)).one()


class TestInvoice:
    @pytest.mark.parametrize("locale", LOCALES)
    def test_says_who_what_when_and_how_much(self, twin, locale):
        sale = sold(twin)
        with staff_reading() as session:
            text = read(invoice_pdf(session, sale.invoice_id, locale))
        settings, invoice = current_settings(), invoice_of(sale)
        for words in (
            invoice.number,
            settings.company_name,
            settings.company_address,
            f"SIREN {settings.company_siren}",
            "bob@example.org",
            "Plan-Offer",
            "•••• 4242",
            *AMOUNTS[locale],
        ):
            assert words in text
        assert {"fr": "10 mars 2026", "en": "10 March 2026"}[locale] in text
        assert {"fr": "20 %", "en": "20%"}[locale] in text
        assert {"fr": "Hors taxes", "en": "Excluding tax"}[locale] in text

    @pytest.mark.parametrize("locale", LOCALES)
    def test_without_vat_it_says_the_laws_sentence_and_no_rate(self, twin, locale):
        without_vat()
        sale = sold(twin)
        with staff_reading() as session:
            text = read(invoice_pdf(session, sale.invoice_id, locale))
        assert "TVA non applicable, art. 293 B du CGI" in text
        assert "%" not in text
        assert AMOUNTS[locale][2] in text

    def test_is_the_same_file_each_time_and_after_a_refund(self, twin):
        sale = sold(twin)
        with staff_reading() as session:
            before = invoice_pdf(session, sale.invoice_id, "fr")
        give_back(sale.invoice_id)
        send_refunds()
        with staff_reading() as session:
            assert invoice_pdf(session, sale.invoice_id, "fr") == before

    def test_keeps_the_sellers_particulars_of_its_day(self, twin):
        sale = sold(twin)
        use_settings(current_settings().model_copy(update={"company_name": "Moved SARL"}))
        with staff_reading() as session:
            assert "Moved SARL" not in read(invoice_pdf(session, sale.invoice_id, "fr"))

    def test_an_unpaid_one_has_no_document(self, twin):
        sale = sold(twin)
        with unit_of_work() as session:
            paid = Invoice.get(session, sale.invoice_id)
            draft = Invoice(
                customer_id=paid.customer_id,
                plan_id=paid.plan_id,
                kind=paid.kind,
                status=InvoiceStatus.PENDING,
                period_start=paid.period_end,
                amount_excluding_tax=1,
                tax_amount=0,
                tax_rate=0,
                amount_including_tax=1,
                due_at=paid.due_at,
            )
            session.add(draft)
        with staff_reading() as session, pytest.raises(NotIssued):
            invoice_pdf(session, draft.id, "fr")
        with staff_reading() as session, pytest.raises(Missing):
            invoice_pdf(session, new_id(), "fr")

    def test_takes_whatever_name_a_buyer_gave_themselves(self, twin):
        hostile = "<script>x</script> 😀 \u202e " + "n" * 900
        sale = sold(twin)
        with unit_of_work() as session:
            User.get(session, sale.user_id).display_name = hostile
        again = sold(twin, key="other")
        with staff_reading() as session:
            assert "<script>" in read(invoice_pdf(session, again.invoice_id, "fr"))


class TestCreditNote:
    @pytest.mark.parametrize("locale", LOCALES)
    def test_names_the_invoice_it_corrects_and_its_part_of_the_tax(self, twin, locale):
        sale = sold(twin)
        give_back(sale.invoice_id, 1000)
        send_refunds()
        note = note_of(sale.invoice_id)
        with staff_reading() as session:
            text = read(credit_note_pdf(session, note.id, locale))
        for words in ("AV-2026-000001", invoice_of(sale).number, *PART[locale], "bob@example.org"):
            assert words in text

    @pytest.mark.parametrize("locale", LOCALES)
    def test_without_vat_it_says_the_laws_sentence_too(self, twin, locale):
        without_vat()
        sale = sold(twin)
        give_back(sale.invoice_id)
        send_refunds()
        with staff_reading() as session:
            text = read(credit_note_pdf(session, note_of(sale.invoice_id).id, locale))
        assert "art. 293 B" in text
        assert "%" not in text

    def test_wired_by_hand_it_names_the_reference_and_no_card(self, twin):
        sale = given_back_by_hand(twin)
        with staff_reading() as session:
            text = read(credit_note_pdf(session, note_of(sale.invoice_id).id, "en"))
        assert "VIR-7" in text
        assert "4242" not in text


class TestWhoMayRead:
    def test_the_client_their_own_and_nobody_else(self, twin):
        sale, other = sold(twin), sold(twin, "eve@example.org", key="other")
        give_back(sale.invoice_id)
        send_refunds()
        note = note_of(sale.invoice_id)
        with member_session(sale.user_id) as session:
            assert invoice_pdf(session, sale.invoice_id, "fr")
            assert credit_note_pdf(session, note.id, "fr")
        for nobody in (other.user_id, None):
            with member_session(nobody) as session, pytest.raises(Missing):
                invoice_pdf(session, sale.invoice_id, "fr")
            with member_session(nobody) as session, pytest.raises(Missing):
                credit_note_pdf(session, note.id, "fr")
