"""Withdrawals as the affiliate asks for them: seen before confirmed, once, and only their own."""

import re
import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from models import clock
from models.accounts import Platform
from models.affiliation.commission import Commission
from models.affiliation.mature import mature_due
from models.affiliation.payout_method import PayoutMethod
from models.affiliation.payouts import Withdrawal, WithdrawalStatus
from models.affiliation.payouts.decide_withdrawal import approve_withdrawal, reject_withdrawal
from models.affiliation.payouts.pay_withdrawal import pay_withdrawal
from models.billing.refund_invoice import refund_invoice
from models.oversight.actor import SYSTEM
from models.session import staff_reading, unit_of_work
from tests.selling import an_affiliate, sell, signed_in, twin_at_work
from tests.visitors import Visitor, committed_user

pytestmark = pytest.mark.usefixtures("committed", "redis")

IBAN = "FR76 3000 6000 0112 3456 7890 189"
PAGES = ("/affiliate/payouts", "/affiliate/payouts/details", "/affiliate/payouts/ask?amount=50")
KEY = "0192f0c4-7c3e-7000-8000-000000000001"


@pytest.fixture
def twin():
    with twin_at_work() as twin:
        yield twin


@pytest.fixture
def ann(app, now, twin):
    """An affiliate with 122.50 € released, who has said where her money goes."""
    for name in ("ann", "bea"):
        sell(twin, an_affiliate(name), [f"buyer-of-{name}@example.org"], price=49000)
    clock.move_to(now + timedelta(days=91))
    mature_due()
    ann = signed_in(app, "ann")
    say_where(ann)
    return ann


def say_where(visitor, **typed):
    given = {"method": "wire", "holder": "Ann Lee", "iban": IBAN, "paypal": "", **typed}
    return visitor.post("/affiliate/payouts/details", given, form="/affiliate/payouts/details")


def previewed(visitor, amount="100"):
    """The amount and key of a preview's form."""
    page = visitor.get(f"/affiliate/payouts/ask?amount={amount}").text
    return dict(re.findall(r'name="(amount|key)" value="([^"]+)"', page))


def confirm(visitor, form):
    return visitor.post("/affiliate/payouts/ask", form, form="/affiliate/payouts")


def requests():
    with staff_reading() as session:
        return session.scalars(select(Withdrawal).order_by(Withdrawal.id)).all()


def act(rule, withdrawal, **said):
    with unit_of_work() as session:
        rule(session, withdrawal.id, actor=SYSTEM, now=clock.now(), **said)


class TestDoors:
    @pytest.mark.parametrize("path", PAGES)
    def test_whoever_is_not_signed_in_is_sent_to_sign_in(self, app, path):
        answer = Visitor(app).get(path)

        assert answer.status_code == 303
        assert answer.location.startswith("/login?next=/affiliate/payouts")

    @pytest.mark.parametrize("path", PAGES)
    def test_clients_have_nothing_here(self, app, path):
        for platform, status in ((Platform.WEOKTO, 403), (Platform.STAM, 404)):
            committed_user("carl@example.org", platform)
            visitor = Visitor(app, platform)
            visitor.sign_in("carl@example.org")
            assert visitor.get(path).status_code == status


class TestAsking:
    def test_shows_fee_and_net_before_anything_is_asked(self, ann):
        page = ann.get("/affiliate/payouts/ask?amount=100").text

        for amount in ("€100.00", "€3.00", "€97.00", "€22.50"):
            assert amount in page
        assert "0189" in page
        assert "FR76" not in page
        assert requests() == []

    @pytest.mark.parametrize(
        ("typed", "cents"),
        [("100", 10000), ("50.00", 5000), ("122,5", 12250), (" 1 00,10 € ", 10010)],
    )
    def test_takes_amounts_as_people_type_them(self, ann, typed, cents):
        answer = confirm(ann, previewed(ann, typed))

        assert answer.location == "/affiliate/payouts"
        assert [each.requested_amount for each in requests()] == [cents]

    @pytest.mark.parametrize(
        "typed",
        ["", "abc", "49.99", "0", "-50", "1e3", "50.001", "122.51", "99999999999", "٥٠", "5_0",
         "NaN", "50;50", "x" * 900],
    )  # fmt: skip
    def test_says_what_is_wrong_with_an_amount(self, ann, typed):
        seen = ann.get("/affiliate/payouts/ask", query_string={"amount": typed})
        sent = confirm(ann, {"amount": typed, "key": KEY})

        for answer in (seen, sent):
            assert answer.status_code == 422
            assert 'id="amount-problem"' in answer.text
        assert requests() == []

    def test_sets_the_money_aside_and_lists_the_request(self, ann):
        confirm(ann, previewed(ann))
        page = ann.get("/affiliate/payouts").text

        assert "€22.50" in page
        assert "€97.00" in page
        assert "Under review" in page

    def test_a_second_press_asks_once(self, ann):
        form = previewed(ann, "50")

        first, second = confirm(ann, form), confirm(ann, form)

        assert first.location == second.location == "/affiliate/payouts"
        assert len(requests()) == 1

    def test_pressed_twice_at_once_asks_once(self, app, ann):
        form = previewed(ann, "50")
        page = ann.get("/affiliate/payouts").text
        form["csrf_token"] = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]
        cookies = "; ".join(f"{each.key}={each.value}" for each in ann.browser._cookies.values())
        together, answers = threading.Barrier(4), []

        def press():
            browser = app.test_client(use_cookies=False)
            together.wait(10)
            answers.append(
                browser.post(
                    "/affiliate/payouts/ask",
                    data=form,
                    base_url=ann.base,
                    headers={"Cookie": cookies},
                ).status_code
            )

        presses = [threading.Thread(target=press) for _ in range(4)]
        for each in presses:
            each.start()
        for each in presses:
            each.join(30)

        assert answers == [303] * 4
        assert len(requests()) == 1

    def test_wants_to_know_where_first(self, app, ann):
        bea = signed_in(app, "bea")
        page = bea.get("/affiliate/payouts").text

        assert 'name="amount"' not in page
        assert "/affiliate/payouts/details" in page
        assert bea.get("/affiliate/payouts/ask?amount=50").status_code == 409

    def test_has_words_for_who_has_too_little(self, app, now):
        an_affiliate("ann")
        page = signed_in(app, "ann").get("/affiliate/payouts").text

        assert "€50.00" in page
        assert 'class="none"' in page
        assert 'name="amount"' not in page


class TestRequests:
    @pytest.fixture
    def asked(self, ann):
        confirm(ann, previewed(ann))
        return requests()[0]

    def test_can_be_cancelled_while_under_review(self, ann, asked):
        path = f"/affiliate/payouts/{asked.id}"
        for _ in range(2):
            answer = ann.post(f"{path}/cancel", form="/affiliate/payouts")
            assert answer.location == "/affiliate/payouts"

        assert requests()[0].status is WithdrawalStatus.CANCELLED
        assert "€122.50" in ann.get("/affiliate/payouts").text

    def test_cannot_once_decided_on_and_say_so(self, ann, asked):
        act(approve_withdrawal, asked)
        path = f"/affiliate/payouts/{asked.id}"

        answer = ann.post(f"{path}/cancel", form="/affiliate/payouts", follow_redirects=True)

        assert "decided on meanwhile" in answer.text
        assert f"{path}/cancel" not in ann.get(path).text
        assert requests()[0].status is WithdrawalStatus.APPROVED

    def test_of_somebody_else_are_nothing(self, app, ann, asked):
        bea = signed_in(app, "bea")
        path = f"/affiliate/payouts/{asked.id}"

        assert bea.get(path).status_code == 404
        assert bea.get(f"{path}/statement.pdf").status_code == 404
        assert bea.post(f"{path}/cancel", form="/affiliate/payouts").status_code == 404
        assert "€97.00" not in bea.get("/affiliate/payouts").text
        assert requests()[0].status is WithdrawalStatus.PENDING_REVIEW

    def test_once_paid_explain_themselves_down_to_the_invoice(self, ann, asked):
        act(approve_withdrawal, asked)
        act(pay_withdrawal, asked, method=PayoutMethod.WIRE, reference="VIR-2026-77")

        page = ann.get(f"/affiliate/payouts/{asked.id}").text

        pdf = ann.get(f"/affiliate/payouts/{asked.id}/statement.pdf")
        assert f"/affiliate/payouts/{asked.id}/statement.pdf" in page
        assert pdf.mimetype == "application/pdf"
        assert pdf.data.startswith(b"%PDF")
        assert "weokto-ann-2026-06-09.pdf" in pdf.headers["Content-Disposition"]
        assert "VIR-2026-77" in page
        assert "b•••@e•••.org" in page
        assert "€100.00" in page
        assert re.search(r"/affiliate/commissions/[0-9a-f-]{36}", page)

    def test_say_the_same_to_programs(self, ann, asked):
        path = f"/api/affiliate/payouts/{asked.id}"
        before = ann.get(path).json
        act(approve_withdrawal, asked)
        act(pay_withdrawal, asked, method=PayoutMethod.WIRE, reference="VIR-2026-77")

        told = ann.get(path).json

        (paid,) = told["commissions"]
        assert (before["status"], before["commissions"], before["elsewhere"]) == (
            "PENDING_REVIEW",
            [],
            0,
        )
        assert (told["status"], told["payout_reference"]) == ("PAID", "VIR-2026-77")
        assert (paid["amount"], told["elsewhere"]) == (told["requested_amount"], 0)
        assert paid["client"] == "b•••@e•••.org"
        assert (
            ann.get(f"/api/affiliate/commissions/{paid['commission_id']}").json["invoice"]
            == (paid["invoice"])
        )

    def test_paid_though_its_commission_was_taken_back_say_so(self, ann, asked):
        act(approve_withdrawal, asked)
        with unit_of_work() as session:
            of_ann = Commission.affiliate_id == asked.affiliate_id
            invoice_id = session.scalars(select(Commission.invoice_id).where(of_ann)).one()
            refund_invoice(session, invoice_id, reason="no", actor=SYSTEM, now=clock.now())
        act(pay_withdrawal, asked, method=PayoutMethod.WIRE, reference="VIR-2026-77")

        page = ann.get(f"/affiliate/payouts/{asked.id}").text

        assert "What it paid" in page
        assert "commissions taken back meanwhile" in page
        assert "€100.00" in page.split("commissions taken back meanwhile")[1]
        told = ann.get(f"/api/affiliate/payouts/{asked.id}").json
        assert (told["commissions"], told["elsewhere"]) == ([], 10000)

    def test_have_no_statement_before_they_are_paid(self, ann, asked):
        answer = ann.get(f"/affiliate/payouts/{asked.id}/statement.pdf")

        assert answer.status_code == 409
        assert "statement.pdf" not in ann.get(f"/affiliate/payouts/{asked.id}").text

    def test_once_rejected_say_why(self, ann, asked):
        act(reject_withdrawal, asked, reason="The IBAN bounced.")

        assert "The IBAN bounced." in ann.get("/affiliate/payouts").text
        assert "The IBAN bounced." in ann.get("/affiliate/ledger").text

    @pytest.mark.parametrize(
        ("query", "shown"),
        [
            ("status=PENDING_REVIEW", True),
            ("status=PAID", False),
            ("from=2026-06-09&to=2026-06-09", True),
            ("to=2026-06-08", False),
        ],
    )
    def test_are_filtered_by_the_address(self, ann, asked, query, shown):
        page = ann.get(f"/affiliate/payouts?{query}").text

        assert ("€97.00" in page) is shown

    @pytest.mark.parametrize("query", ["status=RICH", "from=x", "before=x", "after=1"])
    def test_say_what_is_wrong_with_a_filter(self, ann, asked, query):
        answer = ann.get(f"/affiliate/payouts?{query}")

        assert answer.status_code == 422
        assert 'role="alert"' in answer.text


class TestDetails:
    def test_show_the_last_four_only(self, ann):
        page = ann.get("/affiliate/payouts/details").text

        assert "0189" in page
        assert "3000" not in page
        assert 'value="Ann Lee"' in page

    def test_keep_the_iban_when_left_empty(self, ann):
        say_where(ann, holder="Ann Lee-Roy", iban="")

        assert "0189" in ann.get("/affiliate/payouts").text

    def test_can_be_a_paypal_address(self, ann):
        say_where(ann, method="paypal", paypal="ann@pay.example", iban="")

        assert "ann@pay.example" in ann.get("/affiliate/payouts").text

    @pytest.mark.parametrize(
        ("typed", "field"),
        [
            ({"iban": "FR76 3000 6000 0112 3456 7890 188"}, "iban"),
            ({"iban": "FR76 4242 4242 4242 4242 4242 425"}, "iban"),
            ({"iban": "x" * 100}, "iban"),
            ({"holder": ""}, "holder"),
            ({"holder": "=1+1"}, "holder"),
            ({"method": "paypal", "paypal": "nobody"}, "paypal"),
        ],
    )
    def test_say_what_is_wrong_beside_its_field(self, ann, typed, field):
        answer = say_where(ann, **typed)

        assert answer.status_code == 422
        assert f'id="{field}-problem"' in answer.text

    @pytest.mark.parametrize("method", ["", "cash", "stripe", "manual"])
    def test_know_two_ways_only(self, ann, method):
        assert say_where(ann, method=method).status_code == 422

    def test_refuse_a_card_number(self, ann):
        assert say_where(ann, iban="4242 4242 4242 4242").status_code == 422
        assert "0189" in ann.get("/affiliate/payouts").text
