"""The refunds' console: the queue, what an approval would do, doing it, and the documents."""

import io
import re
import zipfile
from datetime import timedelta

import pytest
from pypdf import PdfReader
from sqlalchemy import select, update

from models import clock
from models import session as boundary
from models.accounts import UserSession, UserType
from models.billing import (
    CaptureEndpoint,
    CreditNote,
    Customer,
    CustomerStatus,
    Refund,
    RefundStatus,
)
from models.billing.in_process import Fault
from models.billing.provider import RefundRequest
from models.billing.refund import next_refund_due
from models.billing.send_refunds import send_refunds
from models.session import unit_of_work
from tests.refunds import ask, balances, give_back, invoice_of, refunds, row, sold

FINGERPRINT = re.compile(r'name="fingerprint" value="([^"]+)"')
LINE = re.compile(r"<tr><td>(.*?)</td><td>(.*?)</td><td>(.*?)</td></tr>")
STATUS = re.compile(r'class="badge (\w+)"')


@pytest.fixture
def twin(committed, twin):
    return twin


@pytest.fixture
def act(owner, console):
    """Look at an act's effects, then confirm it: ``act("refunds", "approve", key)``."""

    def run(view, name, key, **fields):
        address = f"{console}/{view}/act/{name}/?id={key}"
        page = owner.post(address, fields) if fields else owner.get(address)
        found = FINGERPRINT.search(page.text)
        assert found, page.text
        answer = owner.post(address, {**fields, "fingerprint": found.group(1)})
        return {what: (before, after) for what, before, after in LINE.findall(page.text)}, answer

    return run


def only(status):
    [refund] = [each for each in refunds() if each.status is status]
    return refund


class TestQueue:
    def test_what_waits_comes_first(self, twin, owner, console):
        for number in range(3):
            sale = sold(twin, f"p{number}@example.org", key=f"offer-{number}")
            (ask if number == 0 else give_back)(sale.invoice_id)
        twin.fail_next("refund", Fault.NOT_SENT)
        send_refunds()
        page = owner.get(f"{console}/refunds/").text
        statuses = [each.status for each in sorted(refunds(), key=lambda r: r.id)]
        assert sorted(statuses) == ["APPROVED", "PENDING", "PROCESSED"]
        body = page.split("<tbody>")[1]
        places = [body.index(f"p{number}<wbr>@") for number in range(3)]
        assert places[0] < min(places[1:])
        assert '<span class="badge bad">not_sent</span>' in body

    def test_filters_find_them(self, twin, owner, console, read):
        sale = sold(twin, by_affiliate=True)
        refund = ask(sale.invoice_id)
        product = read(lambda s: s.get(Customer, sale.customer_id).product_id)
        filters = {
            "status": "PENDING",
            "product": product,
            "customer": sale.customer_id,
            "invoice": sale.invoice_id,
            "affiliate": sale.affiliate_id,
            "requested_from": clock.today().isoformat(),
        }
        for name, value in filters.items():
            page = owner.get(f"{console}/refunds/?flt_{name}={value}").text
            assert str(refund.id) in page, name
        for empty in ("flt_failing=yes", "flt_status=REJECTED", f"flt_affiliate={product}"):
            assert str(refund.id) not in owner.get(f"{console}/refunds/?{empty}").text

    def test_the_dashboard_counts_what_waits(self, twin, owner, staff, console):
        ask(sold(twin).invoice_id)
        for browser, address in ((owner, console), (staff(UserType.ADMIN), "/admin")):
            assert browser.get(f"{address}/").status_code == 200


class TestApproving:
    def test_shows_what_the_client_gets_and_what_is_left(self, twin, act):
        sale = sold(twin)
        give_back(sale.invoice_id, 900)
        refund = ask(sale.invoice_id)
        effects, answer = act("refunds", "approve", refund.id)
        told = list(effects.values())
        assert any("40,00" in after for _, after in told), effects
        assert answer.status_code == 302
        assert row(Refund, refund.id).status is RefundStatus.APPROVED
        assert row(Customer, sale.customer_id).status is CustomerStatus.CANCELLED

    def test_shows_how_the_affiliates_balances_end(self, twin, owner, console, act):
        sale = sold(twin, by_affiliate=True)
        refund = ask(sale.invoice_id)
        page = owner.get(f"{console}/refunds/act/approve/?id={refund.id}").text
        assert "12,25" in page, "whose commission it is, and how much"
        effects, answer = act("refunds", "approve", refund.id)
        [(before, after)] = [
            told for what, told in effects.items() if "·" in what and "affiliate-" in what
        ]
        assert ("12,25" in before, "0,00" in after) == (True, True)
        assert answer.status_code == 302
        assert balances(sale.affiliate_id).locked == 0

    def test_tells_every_cent_in_euros_rates_in_percent_and_the_mails(self, twin, act):
        refund = ask(sold(twin, by_affiliate=True).invoice_id)
        effects, _ = act("refunds", "approve", refund.id)
        told = {what.rpartition("\u00a0: ")[2]: words for what, words in effects.items()}
        assert told["Repris sur la part principale"] == ("0,00\u00a0€", "9,80\u00a0€")
        assert told["Repris sur la part étendue"] == ("0,00\u00a0€", "2,45\u00a0€")
        assert told["Taux de remboursement"] == ("0\u00a0%", "100\u00a0%")
        assert told["E-mail «\u00a0Commission reprise\u00a0»"] == ("", "1 en partance")
        assert told["E-mail «\u00a0Abonnement terminé\u00a0»"] == ("", "1 en partance")

    def test_changes_nothing_before_it_is_confirmed(self, twin, owner, console):
        refund = ask(sold(twin).invoice_id)
        page = owner.get(f"{console}/refunds/act/approve/?id={refund.id}")
        assert FINGERPRINT.search(page.text)
        assert row(Refund, refund.id).status is RefundStatus.PENDING

    def test_asks_for_a_second_factor_of_the_last_minutes(self, twin, owner, console):
        sale = sold(twin)
        refund = ask(sale.invoice_id)
        with unit_of_work() as session:
            old = clock.now() - timedelta(minutes=11)
            session.execute(update(UserSession).values(second_factor_at=old))
        for address in (
            f"{console}/refunds/act/approve/?id={refund.id}",
            f"{console}/refunds/act/reject/?id={refund.id}",
            f"{console}/invoices/act/refund/?id={sale.invoice_id}",
        ):
            answer = owner.get(address)
            assert answer.status_code == 302
            assert answer.location.startswith("/second-factor")
        assert row(Refund, refund.id).status is RefundStatus.PENDING

    def test_what_moved_meanwhile_is_shown_again(self, twin, owner, console):
        sale = sold(twin)
        address = f"{console}/invoices/act/refund/?id={sale.invoice_id}"
        fields = {"amount": "10", "reason": "gesture"}
        mark = FINGERPRINT.search(owner.post(address, fields).text).group(1)
        first = owner.post(address, {**fields, "fingerprint": mark})
        assert first.status_code == 302
        again = owner.post(address, {**fields, "fingerprint": mark})
        assert again.status_code == 409, "a double click gives back once"
        assert [each.amount for each in refunds()] == [1000]

    def test_many_at_once_each_by_itself(self, twin, owner, console):
        keys = []
        for number in range(3):
            sale = sold(twin, f"p{number}@example.org", key=f"offer-{number}")
            keys.append(ask(sale.invoice_id).id)
        give = {"action": "approve", "rowid": [str(key) for key in keys]}
        page = owner.post(f"{console}/refunds/action/", give)
        assert page.status_code == 200
        marks = FINGERPRINT.findall(page.text)
        fields = {**give, "confirmed": "1"}
        if marks:
            fields["fingerprint"] = marks
        owner.post(f"{console}/refunds/action/", fields)
        assert {each.status for each in refunds()} == {RefundStatus.APPROVED}


class TestRejecting:
    def test_needs_a_reason_and_keeps_it(self, twin, owner, console, act):
        refund = ask(sold(twin).invoice_id)
        address = f"{console}/refunds/act/reject/?id={refund.id}"
        assert owner.post(address, {"reason": " "}).status_code == 422
        _, answer = act("refunds", "reject", refund.id, reason="All <b>watched</b>")
        assert answer.status_code == 302
        assert row(Refund, refund.id).rejection_reason == "All <b>watched</b>"
        page = owner.get(f"{console}/refunds/details/?id={refund.id}").text
        assert "All &lt;b&gt;watched" in page

    def test_a_decided_one_has_no_buttons_left(self, twin, owner, console):
        sale = sold(twin)
        give_back(sale.invoice_id)
        send_refunds()
        refund = only(RefundStatus.PROCESSED)
        page = owner.get(f"{console}/refunds/details/?id={refund.id}").text
        for name in ("approve", "reject", "retry"):
            assert f"/act/{name}/" not in page


class TestGivingBack:
    def test_part_of_an_invoice(self, twin, act):
        sale = sold(twin)
        _, answer = act("invoices", "refund", sale.invoice_id, amount="12,50", reason="gesture")
        assert answer.status_code == 302
        assert [each.amount for each in refunds()] == [1250]

    def test_all_of_it_where_no_amount_is_typed(self, twin, act):
        sale = sold(twin)
        act("invoices", "refund", sale.invoice_id, amount="", reason="gesture")
        assert [each.amount for each in refunds()] == [4900]

    @pytest.mark.parametrize(
        "amount",
        ["0", "49,01", "-5", "1e3", "abc", "9" * 40, "12.345", "<script>", "NaN"],
        ids=range(9),
    )
    def test_what_is_no_fit_amount_is_refused(self, twin, owner, console, amount):
        sale = sold(twin)
        address = f"{console}/invoices/act/refund/?id={sale.invoice_id}"
        answer = owner.post(address, {"amount": amount, "reason": "x"})
        assert answer.status_code in (200, 422)
        assert not FINGERPRINT.search(answer.text)
        answer = owner.post(address, {"amount": amount, "reason": "x", "fingerprint": "x"})
        assert answer.status_code in (409, 422)
        assert refunds() == []

    def test_a_reason_of_any_length_is_bounded(self, twin, owner, console):
        sale = sold(twin)
        address = f"{console}/invoices/act/refund/?id={sale.invoice_id}"
        answer = owner.post(address, {"amount": "1", "reason": "x" * 100_000})
        assert answer.status_code == 422


class TestProvider:
    def test_a_failure_is_red_and_may_be_tried_at_once(self, twin, owner, console):
        sale = sold(twin)
        refund = give_back(sale.invoice_id)
        twin.fail_next("refund", Fault.NOT_SENT)
        send_refunds()
        address = f"{console}/refunds/act/retry/?id={refund.id}"
        assert "/act/retry/" in owner.get(f"{console}/refunds/details/?id={refund.id}").text
        assert owner.post(address, {}).status_code == 302
        with boundary.staff_reading() as session:
            assert session.scalar(next_refund_due()) <= clock.now()
        assert send_refunds()["processed"] == 1

    def test_what_it_surely_refuses_is_settled_by_hand(self, twin, act):
        sale = sold(twin)
        payment_id = invoice_of(sale).psp_payment_id
        twin.refund(RefundRequest("elsewhere", payment_id, 4900))
        refund = give_back(sale.invoice_id)
        send_refunds()
        _, answer = act("refunds", "by-hand", refund.id, reference="VIR-7")
        assert answer.status_code == 302
        assert row(Refund, refund.id).status is RefundStatus.PROCESSED


class TestDocuments:
    def text_of(self, answer):
        assert answer.status_code == 200, answer.text
        assert answer.content_type == "application/pdf"
        return PdfReader(io.BytesIO(answer.data)).pages[0].extract_text()

    @pytest.mark.parametrize("locale", ["fr", "en"])
    def test_invoice_and_credit_note_are_saved_as_files(self, twin, owner, console, read, locale):
        sale = sold(twin)
        give_back(sale.invoice_id)
        send_refunds()
        note = read(lambda s: s.scalars(select(CreditNote)).one())
        invoice = invoice_of(sale)
        for view, key, number in (
            ("invoices", invoice.id, invoice.number),
            ("credit-notes", note.id, note.number),
        ):
            page = owner.get(f"{console}/{view}/details/?id={key}").text
            link = f"{console}/{view}/document/?id={key}&amp;lang={locale}"
            assert link in page
            answer = owner.get(link.replace("&amp;", "&"))
            assert number in self.text_of(answer)
            assert f"{number}.pdf" in answer.headers["Content-Disposition"]

    def test_an_orders_evidence_is_saved_from_its_page(self, twin, owner, console, staff, read):
        sale = sold(twin)
        capture = read(lambda s: s.scalars(select(CaptureEndpoint)).one())
        assert capture.invoice_id == sale.invoice_id
        link = f"{console}/checkouts/evidence/?id={capture.id}"
        assert link in owner.get(f"{console}/checkouts/details/?id={capture.id}").text
        answer = owner.get(link)
        assert answer.content_type == "application/zip"
        assert "order.json" in zipfile.ZipFile(io.BytesIO(answer.data)).namelist()
        assert staff(UserType.ADMIN).get(link).status_code == 404
        assert owner.get(link[:-5] + "aaaaa").status_code == 404

    def test_what_is_not_there_is_not_found(self, twin, owner, console, staff):
        sale = sold(twin)
        address = f"{console}/invoices/document/?id={sale.invoice_id}"
        assert owner.get(f"{address}&lang=xx").status_code == 404
        assert owner.get(f"{console}/invoices/document/?id=nonsense").status_code == 404
        assert staff(UserType.ADMIN).get(address).status_code == 404
        assert staff(None).get(address).status_code == 404
