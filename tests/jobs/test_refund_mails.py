"""Mails about refunds, and the documents that mails bring along."""

import io
import json
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from pypdf import PdfReader
from sqlalchemy import select

from jobs.mail_attachments import attachments_of
from jobs.mail_rendering import render
from jobs.mails import send_mails
from jobs.oversight import dispatch
from models import clock, pdf
from models.billing import EventOutcome
from models.billing.hear_psp import hear_psp
from models.billing.in_process import Fault
from models.billing.provider import RefundRequest
from models.billing.reject_refund import reject_refund
from models.billing.send_refunds import send_refunds
from models.billing.settle_refund_by_hand import settle_refund_by_hand
from models.oversight import SYSTEM, OutgoingMail
from models.oversight.choose_mailer import use_mailer
from models.oversight.mailer import Message, SilentMailer
from models.oversight.smtp_mailer import _mime
from models.session import staff_reading, unit_of_work
from tests.refunds import approve, ask, give_back, invoice_of, sold

pytestmark = pytest.mark.usefixtures("committed", "now")


def mails(kind=None):
    dispatch()
    with staff_reading() as session:
        found = session.scalars(select(OutgoingMail).order_by(OutgoingMail.id)).all()
    return [mail for mail in found if kind in (None, mail.kind)]


def alerts(what):
    return [mail for mail in mails("staff_alert") if mail.context["what"] == what]


def hear(kind, number=1, **about):
    told = {"id": f"evt_{number}", "type": kind, **about}
    return hear_psp(json.dumps(told).encode(), "twin")


class TestWhatOnlyAPersonCanExplain:
    def test_a_dispute_waits_and_is_told_once(self, twin):
        sold(twin)
        for _ in range(2):
            assert hear("charge.dispute.created") is EventOutcome.OPEN

        [alert] = alerts("left_open")
        assert "charge.dispute.created" in text_of(alert)
        assert "disputed" in text_of(alert)

    def test_a_refund_made_elsewhere_is_told(self, twin):
        payment_id = invoice_of(sold(twin)).psp_payment_id
        made = twin.refund(RefundRequest("by-hand", payment_id, 100))
        hear("refund.created", refund=made.refund_id)

        [alert] = alerts("left_open")
        assert "refund_not_ours" in text_of(alert)

    def test_what_moves_no_money_is_not(self, twin):
        assert hear("customer.updated") is EventOutcome.IGNORED
        assert alerts("left_open") == []


def posted():
    """The kinds of mails about the answer that leave now."""
    dispatch()
    before = {mail.id for mail in mails() if mail.sent_at}
    send_mails()
    answers = ("refund_approved", "refund_processed")
    return [
        mail.kind
        for mail in mails()
        if mail.sent_at and mail.id not in before and mail.kind in answers
    ]


def text_of(mail):
    return render(mail).text


class TestAsking:
    def test_gives_the_client_a_dated_receipt_and_tells_the_owner(self, twin):
        sale = sold(twin)
        ask(sale.invoice_id, "Not <b>for</b> me")
        dispatch()
        [mail], [alert] = mails("refund_asked"), alerts("refund_asked")
        assert mail.to_email == "bob@example.org"
        said = text_of(mail)
        assert invoice_of(sale).number in said
        assert "10 mars 2026" in said
        assert "12:00" in said
        assert "&lt;b&gt;" in render(mail).html
        assert "bob@example.org" in text_of(alert)

    def test_rejecting_says_why(self, twin):
        refund = ask(sold(twin).invoice_id)
        with unit_of_work() as session:
            reject_refund(session, refund.id, reason="All watched", actor=SYSTEM, now=clock.now())
        [mail] = mails("refund_rejected")
        assert "All watched" in text_of(mail)


class TestApproving:
    @pytest.fixture(autouse=True)
    def mailer(self):
        use_mailer(SilentMailer())
        yield
        use_mailer(None)

    def test_tells_the_client_whose_refund_the_provider_keeps_waiting(self, twin):
        sale = sold(twin)
        approve(ask(sale.invoice_id).id)
        [mail] = mails("refund_approved")
        twin.fail_next("refund", Fault.NOT_SENT)
        send_refunds()
        assert posted() == []

        clock.advance(timedelta(minutes=10))
        assert posted() == ["refund_approved"]
        assert invoice_of(sale).number in text_of(mail)
        assert "49,00" in text_of(mail)

        send_refunds()
        assert posted() == ["refund_processed"]

    def test_is_told_with_the_money_where_the_provider_pays_at_once(self, twin):
        approve(ask(sold(twin).invoice_id).id)
        dispatch()
        send_refunds()
        assert posted() == ["refund_processed"]

        clock.advance(timedelta(minutes=10))
        assert posted() == []
        assert mails("refund_approved") == []

    def test_is_not_told_where_it_was_given_back_before_anybody_wrote(self, twin):
        approve(ask(sold(twin).invoice_id).id)
        send_refunds()
        assert mails("refund_approved") == []

    def test_one_that_was_sent_stays_on_record(self, twin):
        approve(ask(sold(twin).invoice_id).id)
        dispatch()
        clock.advance(timedelta(minutes=10))
        posted()
        send_refunds()
        assert [mail.status for mail in mails("refund_approved")] == ["SENT"]


class TestGivingBack:
    def test_mails_the_credit_note_once(self, twin):
        sale = sold(twin)
        give_back(sale.invoice_id, 1000)
        assert mails("refund_processed") == []
        send_refunds()
        send_refunds()
        [mail] = mails("refund_processed")
        assert "AV-2026-000001" in text_of(mail)
        [file] = attachments_of(mail)
        assert file.filename == "AV-2026-000001.pdf"
        text = PdfReader(io.BytesIO(file.content)).pages[0].extract_text()
        assert invoice_of(sale).number in text

    def test_a_refusal_by_the_provider_alerts_the_owner_once(self, twin):
        give_back(sold(twin).invoice_id)
        twin.fail_next("refund", Fault.NOT_SENT, times=2)
        send_refunds()
        clock.move_to(clock.now().replace(hour=23))
        send_refunds()
        [alert] = alerts("refund_failed")
        assert "not_sent" in text_of(alert)

    def test_what_was_settled_by_hand_names_its_reference(self, twin):
        sale = sold(twin)
        payment_id = invoice_of(sale).psp_payment_id
        twin.refund(RefundRequest("elsewhere", payment_id, 4900))
        refund = give_back(sale.invoice_id)
        send_refunds()
        with unit_of_work() as session:
            settle_refund_by_hand(
                session, refund.id, reference="VIR-2026-7", actor=SYSTEM, now=clock.now()
            )
        [mail] = mails("refund_processed")
        assert "VIR-2026-7" in text_of(mail)
        assert "4242" not in text_of(mail)


class TestDocuments:
    def receipt(self, twin):
        sale = sold(twin)
        [mail] = mails("receipt")
        return sale, mail

    def test_a_receipt_brings_its_invoice(self, twin):
        sale, mail = self.receipt(twin)
        [file] = attachments_of(mail)
        assert file.filename == f"{invoice_of(sale).number}.pdf"
        assert attachments_of(mail) == attachments_of(mail), "the same file each time"

    def test_nothing_of_it_is_kept_with_the_mail(self, twin):
        _, mail = self.receipt(twin)
        assert "PDF" not in str(mail.context)

    def test_it_is_made_as_the_mail_goes_out(self, twin):
        mailer = SilentMailer()
        use_mailer(mailer)
        try:
            self.receipt(twin)
            send_mails()
        finally:
            use_mailer(None)
        attached = [m.attachments for m in mailer.sent.values() if m.attachments]
        assert len(attached) == 1
        assert attached[0][0].content.startswith(b"%PDF")

    def test_without_fonts_the_mail_goes_out_alone(self, twin, monkeypatch, tmp_path, caplog):
        _, mail = self.receipt(twin)
        monkeypatch.setattr(pdf, "FONTS", tmp_path)
        assert attachments_of(mail) == ()
        assert "make install" in caplog.text

    def test_smtp_carries_it_beside_text_and_html(self, twin):
        _, mail = self.receipt(twin)
        files = attachments_of(mail)
        mime = _mime(Message("STAM <a@b.org>", "c@d.org", "s", "t", "<p>t</p>", files), "k")
        read = message_from_bytes(mime.as_bytes(), policy=policy.default)
        [part] = read.iter_attachments()
        assert part.get_content_type() == "application/pdf"
        assert part.get_filename() == files[0].filename
        assert part.get_content() == files[0].content
        assert read.get_body(("html",)).get_content().strip() == "<p>t</p>"
