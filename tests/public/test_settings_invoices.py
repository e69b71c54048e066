"""One's own invoices: shown, downloaded, asked back within the days; nobody else's."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from models import clock
from models.accounts import Platform
from models.billing import InvoiceStatus
from models.billing.approve_refund import approve_refund
from models.billing.choose_provider import use_provider
from models.billing.credit_note import CreditNote
from models.billing.in_process import InProcessProvider
from models.billing.provider import RefundRequest
from models.billing.refund import Refund, RefundStatus
from models.billing.reject_refund import reject_refund
from models.billing.send_refunds import send_refunds
from models.billing.settle_refund_by_hand import settle_refund_by_hand
from models.oversight import SYSTEM
from models.session import staff_reading, unit_of_work
from tests.public.clients import EVE, buyer, client_of, put_product_on_sale
from tests.visitors import Visitor

pytestmark = pytest.mark.usefixtures("committed", "redis", "now")


@pytest.fixture
def twin():
    twin = InProcessProvider()
    use_provider(twin)
    yield twin
    use_provider(None)


@pytest.fixture
def ada(app, twin):
    return buyer(app, twin, put_product_on_sale("monthly", name="Basic"))


def pdf(client, invoice_id):
    return f"/settings/invoices/{invoice_id}/pdf"


def refund(client):
    return f"/settings/invoices/{client.invoices[-1].id}/refund"


def asked():
    with staff_reading() as session:
        return session.scalars(select(Refund).order_by(Refund.id)).all()


class TestTheList:
    def test_shows_number_amount_and_pdf(self, ada):
        [invoice] = ada.invoices
        page = ada.page().text

        assert invoice.number in page
        assert "€49" in page
        assert pdf(ada, invoice.id) in page

    def test_has_a_page_of_its_own_that_goes_on(self, ada):
        [invoice] = ada.invoices

        assert invoice.number in ada.page("/settings/invoices").text
        older = ada.page(f"/settings/invoices?before={invoice.id}").text
        assert invoice.number not in older
        assert invoice.number in ada.page("/settings/invoices?before=rubbish").text

    def test_is_for_those_signed_in(self, app):
        answer = Visitor(app, Platform.STAM).get("/settings/invoices")

        assert answer.location == "/login?next=/settings/invoices"


class TestPdf:
    def test_is_downloaded(self, ada):
        [invoice] = ada.invoices

        answer = ada.page(pdf(ada, invoice.id))

        assert answer.mimetype == "application/pdf"
        assert answer.data.startswith(b"%PDF-")
        assert f'filename="{invoice.number}.pdf"' in answer.headers["Content-Disposition"]
        assert answer.headers["Cache-Control"] == "no-store"

    def test_of_somebody_else_is_nothing(self, app, ada):
        eve = client_of(app, EVE)
        for invoice_id in (ada.invoices[0].id, uuid4()):
            assert eve.page(pdf(eve, invoice_id)).status_code == 404
            assert eve.page(f"/settings/credit-notes/{invoice_id}/pdf").status_code == 404
            assert eve.page(f"/settings/invoices/{invoice_id}/refund").status_code == 404
            pressed = eve.press(f"/settings/invoices/{invoice_id}/refund", reason="x")
            assert pressed.status_code == 404
        assert asked() == []


class TestAskingBack:
    def test_says_until_when_and_files_the_request(self, ada):
        assert "until 24 March" in ada.page().text
        assert "You ask back €49" in ada.page(refund(ada)).text

        answer = ada.press(refund(ada), reason="  Not what I expected  ")

        assert answer.location == "/settings"
        [request] = asked()
        assert (request.amount, request.status) == (4900, RefundStatus.PENDING)
        assert request.reason == "Not what I expected"
        assert request.requested_by == ada.customer.user_id
        page = ada.page().text
        assert "Refund of €49 asked on 10 March: we are looking at it." in page
        assert refund(ada) not in page

    def test_a_second_press_files_nothing_more(self, ada):
        for _ in range(2):
            assert ada.press(refund(ada), reason="Twice").status_code == 303

        assert len(asked()) == 1

    @pytest.mark.parametrize("reason", ["", "   ", "x" * 1001])
    def test_what_is_wrong_is_said_beside_the_field(self, ada, reason):
        answer = ada.press(refund(ada), reason=reason)

        assert answer.status_code == 422
        assert 'id="refund-problem"' in answer.text
        assert asked() == []

    def test_a_card_number_is_kept_nowhere(self, ada):
        answer = ada.press(refund(ada), reason="Back to 4242 4242 4242 4242 please")

        assert answer.status_code == 422
        assert asked() == []

    def test_markup_is_shown_as_text(self, ada, now):
        ada.press(refund(ada), reason="<script>alert(1)</script>")
        with unit_of_work() as session:
            reject_refund(
                session, asked()[0].id, reason="<img src=x onerror=alert(2)>", actor=SYSTEM, now=now
            )

        page = ada.page().text

        assert "&lt;img src=x" in page
        assert "<img src=x" not in page

    def test_is_possible_to_the_end_of_the_last_local_day(self, ada, now):
        midnight = now.replace(day=24, hour=23, minute=0)
        clock.move_to(midnight - timedelta(seconds=1))
        assert refund(ada) in ada.page().text

        clock.move_to(midnight)
        assert refund(ada) not in ada.page().text
        assert "the days for it are over" in ada.page(refund(ada)).text
        assert ada.press(refund(ada), reason="Late").status_code == 409
        assert asked() == []

    def test_a_refusal_is_told_with_its_reason_and_may_be_asked_again(self, ada, now):
        ada.press(refund(ada), reason="Please")
        with unit_of_work() as session:
            reject_refund(
                session, asked()[0].id, reason="All lessons were taken", actor=SYSTEM, now=now
            )

        page = ada.page().text

        assert "Refund of €49 refused: All lessons were taken" in page
        assert refund(ada) in page

    def test_money_wired_by_hand_does_not_go_to_a_card(self, ada, twin):
        twin.refund(RefundRequest("elsewhere", ada.invoices[0].psp_payment_id, 4900))
        ada.press(refund(ada), reason="Please")
        with unit_of_work() as session:
            approve_refund(session, asked()[0].id, actor=SYSTEM, now=clock.now())
        send_refunds()
        with unit_of_work() as session:
            settle_refund_by_hand(
                session, asked()[0].id, reference="VIR-7", actor=SYSTEM, now=clock.now()
            )

        page = ada.page().text

        assert "€49 paid back on 10 March, under the reference VIR-7." in page
        assert "to your card" not in page

    def test_money_given_back_is_told_with_its_credit_note(self, app, ada, now):
        ada.press(refund(ada), reason="Please")
        with unit_of_work() as session:
            approve_refund(session, asked()[0].id, actor=SYSTEM, now=now)
        assert "accepted: it is on its way to your card." in ada.page().text
        send_refunds()

        page = ada.page().text

        assert "€49 paid back to your card on 10 March." in page
        assert ada.invoices[0].status is InvoiceStatus.REFUNDED
        with staff_reading() as session:
            note = session.scalars(select(CreditNote)).one()
        path = f"/settings/credit-notes/{note.id}/pdf"
        assert path in page
        assert ada.page(path).data.startswith(b"%PDF-")
        assert client_of(app, EVE).page(path).status_code == 404

    def test_of_what_was_never_paid_is_refused(self, app, twin):
        client = buyer(app, twin, put_product_on_sale("trial", trial_days=30), EVE)

        assert "No invoice yet" in client.page().text
        with staff_reading() as session:
            assert session.scalar(select(func.count()).select_from(Refund)) == 0
