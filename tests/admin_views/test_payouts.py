"""The owner pays: the queue, each act shown first and done as shown, files, balances, proofs."""

import re
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from models import clock
from models.accounts import UserType
from models.affiliation import (
    AffiliateProfile,
    BatchStatus,
    PayoutMethod,
    SepaBatch,
    Withdrawal,
    WithdrawalStatus,
)
from models.affiliation.payouts.ask_withdrawal import ask_withdrawal
from models.affiliation.payouts.decide_withdrawal import approve_withdrawal, cancel_withdrawal
from models.affiliation.payouts.edit_payout_details import edit_payout_details
from models.affiliation.prove_ledger import prove_ledger
from models.ids import new_id
from models.ledger import balances_of
from models.oversight import SYSTEM, JobRun, OutgoingMail
from models.session import unit_of_work
from tests.earnings import Earnings

FINGERPRINT = re.compile(r'name="fingerprint" value="([^"]+)"')
REQUEST_KEY = re.compile(r'name="request_key" type="hidden" value="([^"]+)"')
ROW = re.compile(r'name="rowid" value="([^"]+)"')
PAID = {"method": "wire", "reference": "VIR-1"}
S = WithdrawalStatus


@pytest.fixture
def earned(keep, now):
    """Make committed affiliates with money: ``earned(lambda earnings: …)``."""
    return lambda build: keep(lambda make: build(Earnings(make, clock.now())))


@pytest.fixture
def asked(earned, now):
    """A committed withdrawal of 100.00 € of an affiliate's 150.00 €."""

    def made(slug="alice", approved=False):
        def build(earnings):
            affiliate = earnings.affiliate(15_000, slug=slug)
            session, at = earnings.session, clock.now()
            row = ask_withdrawal(session, affiliate.user_id, 10_000, actor=SYSTEM, now=at)
            if approved:
                approve_withdrawal(session, row.id, actor=SYSTEM, now=at)
            return row

        return earned(build)

    return made


@pytest.fixture(autouse=True)
def _holds(committed, now):
    """The clock stands at noon; after each test the ledger is proved."""
    yield
    with unit_of_work() as session:
        report = prove_ledger(session)
    assert report.ok, report.difference


@pytest.fixture
def do(owner, console):
    """Do an act as a person does: look first, confirm what is shown."""

    def done(view, act, key, fields=None):
        address = f"{console}/{view}/act/{act}/?id={key}"
        shown = owner.post(address, fields) if fields else owner.get(address)
        mark = FINGERPRINT.search(shown.text)
        assert mark, shown.text
        answer = owner.post(address, {**(fields or {}), "fingerprint": mark.group(1)})
        assert answer.status_code == 302, answer.text
        return shown.text

    return done


@pytest.fixture
def status(read):
    return lambda row: read(lambda s: s.get(Withdrawal, row.id).status)


class TestQueue:
    def test_shows_the_affiliates_figures(self, owner, console, asked):
        asked()
        page = owner.get(f"{console}/withdrawals/?flt_status=PENDING_REVIEW").text
        for figure in ("alice", "100,00", "3,00", "97,00", "50,00"):
            assert figure in page

    def test_finds_by_slug_email_and_reference(self, owner, console, asked, do):
        do("withdrawals", "pay", asked(approved=True).id, PAID)
        for words in ("alice", "VIR-1"):
            assert "alice" in owner.get(f"{console}/withdrawals/?search={words}").text
        nothing = owner.get(f"{console}/withdrawals/?search=nobody-like-this").text
        assert "97,00" not in nothing

    @pytest.mark.parametrize("key", [UUID(int=7), UUID(int=2**128 - 1)])
    def test_finds_by_the_day_it_was_asked_whatever_key_was_sent(self, owner, console, earned, key):
        def build(earnings):
            affiliate, at = earnings.affiliate(15_000, slug="alice"), clock.now()
            return ask_withdrawal(
                earnings.session, affiliate.user_id, 10_000, actor=SYSTEM, now=at, key=key
            )

        earned(build)
        day = clock.today()
        days = f"flt_asked_from={day}&flt_asked_to={day}"
        assert "97,00" in owner.get(f"{console}/withdrawals/?{days}").text

    def test_a_record_explains_itself_down_to_the_invoices(self, owner, console, asked, do):
        row = asked(approved=True)
        do("withdrawals", "pay", row.id, PAID)
        page = owner.get(f"{console}/withdrawals/details/?id={row.id}").text
        assert "FR76 3000 6000 0112 3456 7890 189" in page
        assert "commissions/details/" in page
        assert "invoices/details/" in page
        assert "WS-2026-" in page

    def test_exports_hide_the_account(self, owner, console, asked):
        asked()
        text = owner.get(f"{console}/withdrawals/export/csv/").text
        assert "alice" in text
        assert "FR7630006" not in text


class TestDecide:
    def test_approve(self, asked, do, status):
        row = asked()
        do("withdrawals", "approve", row.id)
        assert status(row) is S.APPROVED

    def test_reject_needs_a_reason(self, owner, console, asked, do, status, read):
        row = asked()
        address = f"{console}/withdrawals/act/reject/?id={row.id}"
        assert owner.post(address, {"reason": ""}).status_code == 422
        shown = do("withdrawals", "reject", row.id, {"reason": "Wrong account."})
        assert "150,00" in shown
        assert status(row) is S.REJECTED
        assert read(lambda s: balances_of(s, row.affiliate_id)).available == 15_000

    def test_pay_shows_the_balances_and_pays(self, asked, do, status, read):
        row = asked(approved=True)
        shown = do("withdrawals", "pay", row.id, {**PAID, "proof": "https://bank/1", "notes": "x"})
        for figure in ("97,00", "3,00", "100,00"):
            assert figure in shown
        assert status(row) is S.PAID
        assert read(lambda s: balances_of(s, row.affiliate_id)).paid_out == 9_700

    def test_a_waived_fee(self, asked, do, read):
        row = asked(approved=True)
        do("withdrawals", "pay", row.id, {**PAID, "waive_fee": "y"})
        assert read(lambda s: s.get(Withdrawal, row.id).net_amount) == 10_000

    @pytest.mark.parametrize(
        "fields",
        [
            {"method": "wire", "reference": ""},
            {"method": "cowries", "reference": "x"},
            {"method": "wire", "reference": "x" * 141},
        ],
    )
    def test_pay_refuses_what_is_no_payment(self, owner, console, asked, status, fields):
        row = asked(approved=True)
        address = f"{console}/withdrawals/act/pay/?id={row.id}"
        assert owner.post(address, fields).status_code == 422
        assert owner.post(address, {**fields, "fingerprint": "x"}).status_code == 422
        assert status(row) is S.APPROVED

    def test_a_hostile_proof_is_refused_in_words(self, owner, console, asked, status):
        row = asked(approved=True)
        address = f"{console}/withdrawals/act/pay/?id={row.id}"
        page = owner.post(address, {**PAID, "proof": "javascript:alert(1)"})
        assert 'role="alert"' in page.text
        assert not FINGERPRINT.search(page.text)

    def test_is_shown_again_when_the_world_moved(self, owner, console, asked, status):
        row = asked()
        address = f"{console}/withdrawals/act/approve/?id={row.id}"
        mark = FINGERPRINT.search(owner.get(address).text).group(1)
        with unit_of_work() as session:
            cancel_withdrawal(session, row.id, actor=SYSTEM, now=clock.now())
        answer = owner.post(address, {"fingerprint": mark})
        assert answer.status_code in (302, 409)
        assert status(row) is S.CANCELLED

    def test_needs_a_fresh_second_factor(self, owner, console, asked, status):
        row = asked()
        address = f"{console}/withdrawals/act/approve/?id={row.id}"
        mark = FINGERPRINT.search(owner.get(address).text).group(1)
        clock.move_to(clock.now() + timedelta(minutes=11))
        answer = owner.post(address, {"fingerprint": mark})
        assert answer.location.startswith("/second-factor?next=")
        assert str(row.id) in answer.location
        bulk = owner.post(f"{console}/withdrawals/action/", {"action": "approve", "rowid": row.id})
        assert bulk.location.startswith("/second-factor?next=")
        assert status(row) is S.PENDING_REVIEW

    @pytest.mark.parametrize("role", [UserType.ADMIN, UserType.PRODUCT_MANAGER, None])
    def test_is_the_owners_alone(self, staff, console, asked, status, role):
        row = asked()
        other = staff(role)
        for path in (console, "/admin", "/product-manager"):
            for act in ("approve", "reject", "pay"):
                answer = other.post(
                    f"{path}/withdrawals/act/{act}/?id={row.id}",
                    {**PAID, "reason": "x", "fingerprint": "x"},
                )
                assert answer.status_code in (302, 400, 403, 404)
        assert status(row) is S.PENDING_REVIEW


class TestInBulk:
    def bulk(self, owner, console, view, act, keys, fields=None):
        address = f"{console}/{view}/action/"
        asked = {"action": act, "confirmed": "1", **(fields or {})}
        shown = owner.post(address, {**asked, "rowid": [str(key) for key in keys]}).text
        back = {"rowid": ROW.findall(shown), "fingerprint": FINGERPRINT.findall(shown)}
        return shown, owner.post(address, {**asked, **back})

    def test_approve_many_and_say_which_cannot(self, owner, console, asked, status):
        rows = [asked("ann"), asked("bea"), asked("cat")]
        with unit_of_work() as session:
            cancel_withdrawal(session, rows[1].id, actor=SYSTEM, now=clock.now())
        shown, answer = self.bulk(
            owner, console, "withdrawals", "approve", [row.id for row in rows]
        )
        assert len(ROW.findall(shown)) == 2
        assert shown.count('role="alert"') == 1
        assert answer.status_code == 302
        assert [status(row) for row in rows] == [S.APPROVED, S.CANCELLED, S.APPROVED]

    def test_two_of_one_affiliate_are_reckoned_one_after_the_other(
        self, owner, console, earned, status
    ):
        def build(earnings):
            affiliate, at = earnings.affiliate(10_000), clock.now()
            rows = [
                ask_withdrawal(earnings.session, affiliate.user_id, 5_000, actor=SYSTEM, now=at)
                for _ in range(2)
            ]
            for row in rows:
                approve_withdrawal(earnings.session, row.id, actor=SYSTEM, now=at)
            return rows

        rows = earned(build)
        _, answer = self.bulk(owner, console, "withdrawals", "pay", [row.id for row in rows], PAID)
        assert answer.status_code == 302
        assert {status(row) for row in rows} == {S.PAID}

    def test_make_a_file_download_and_settle_it(self, owner, console, asked, status, read, do):
        rows = [asked("ann", approved=True), asked("bea", approved=True)]
        day = {"execution_date": "2026-03-11"}
        shown, answer = self.bulk(
            owner, console, "withdrawals", "make-file", [row.id for row in rows], day
        )
        assert answer.status_code == 302
        for words in ("194,00", "ann", "bea", "0189"):
            assert words in shown
        batch = read(lambda s: s.scalars(select(SepaBatch)).one())
        assert answer.location.endswith(f"/sepa-batches/details/?id={batch.id}")
        page = owner.get(f"{console}/sepa-batches/details/?id={batch.id}").text
        assert "194,00" in page
        assert "ann" in page
        file = owner.get(f"{console}/sepa-batches/file/?id={batch.id}")
        assert file.content_type.startswith("application/xml")
        assert batch.message_id in file.text
        assert "no-store" in file.headers["Cache-Control"]

        bounced = f"bounced_{rows[1].id.hex}"
        form = owner.get(f"{console}/sepa-batches/act/settle/?id={batch.id}").text
        assert bounced in form
        do(
            "sepa-batches",
            "settle",
            batch.id,
            {"reference": "RELEVE-3", bounced: "AC01 wrong account"},
        )
        assert [status(row) for row in rows] == [S.PAID, S.REJECTED]
        assert read(lambda s: s.get(SepaBatch, batch.id).status) is BatchStatus.SETTLED

    def test_a_day_off_makes_no_file(self, owner, console, asked, read):
        row = asked(approved=True)
        shown, _ = self.bulk(
            owner, console, "withdrawals", "make-file", [row.id], {"execution_date": "2026-03-14"}
        )
        assert not FINGERPRINT.findall(shown)
        assert read(lambda s: s.scalars(select(SepaBatch)).all()) == []
        assert ROW.findall(shown) == [str(row.id)], "another day can be typed at once"
        _, answer = self.bulk(
            owner,
            console,
            "withdrawals",
            "make-file",
            ROW.findall(shown),
            {"execution_date": "2026-03-16"},
        )
        assert answer.status_code == 302
        assert len(read(lambda s: s.scalars(select(SepaBatch)).all())) == 1

    def test_a_file_given_up_frees_its_lines(self, owner, console, asked, do, read):
        row = asked(approved=True)
        self.bulk(
            owner, console, "withdrawals", "make-file", [row.id], {"execution_date": "2026-03-11"}
        )
        batch = read(lambda s: s.scalars(select(SepaBatch.id)).one())
        do("sepa-batches", "give-up", batch, {"reason": "Never sent."})
        assert read(lambda s: s.get(Withdrawal, row.id).batch_id) is None

    def test_a_file_is_not_shown_to_a_stale_session(self, owner, console, asked, read):
        row = asked(approved=True)
        self.bulk(
            owner, console, "withdrawals", "make-file", [row.id], {"execution_date": "2026-03-11"}
        )
        batch = read(lambda s: s.scalars(select(SepaBatch.id)).one())
        clock.move_to(clock.now() + timedelta(minutes=11))
        answer = owner.get(f"{console}/sepa-batches/file/?id={batch}")
        assert answer.location.startswith("/second-factor?next=")


class TestPayouts:
    def test_lists_those_who_can_be_paid(self, owner, console, earned):
        earned(lambda earnings: earnings.affiliate(15_000, slug="rich"))
        earned(lambda earnings: earnings.affiliate(slug="poor"))
        page = owner.get(f"{console}/payouts/").text
        assert "rich" in page
        assert "poor" not in page
        assert "150,00" in page

    @pytest.mark.parametrize(("amount", "paid"), [("", 15_000), ("40,50", 4_050)])
    def test_pay_now(self, earned, do, read, amount, paid):
        affiliate = earned(lambda earnings: earnings.affiliate(15_000))
        do("payouts", "pay-now", affiliate.user_id, {**PAID, "amount": amount})
        row = read(lambda s: s.scalars(select(Withdrawal)).one())
        assert (row.status, row.requested_amount, row.payment_method) == (
            S.PAID,
            paid,
            PayoutMethod.WIRE,
        )

    def test_a_refusal_stands_beside_its_field_in_the_readers_own_figures(
        self, owner, console, earned
    ):
        affiliate = earned(lambda earnings: earnings.affiliate(15_000))
        address = f"{console}/payouts/act/pay-now/?id={affiliate.user_id}"
        page = owner.post(address, {**PAID, "amount": "999"}).text
        assert "150,00\u00a0€ pour" in page
        assert "150.00" not in page
        page = owner.post(address, {**PAID, "proof": "javascript:alert(1)"}).text
        assert re.search(r'<input [^>]*aria-invalid="true"[^>]* name="proof"', page)

    def test_the_same_confirmation_twice_pays_once(self, owner, console, earned, read):
        affiliate = earned(lambda earnings: earnings.affiliate(15_000))
        address = f"{console}/payouts/act/pay-now/?id={affiliate.user_id}"
        fields = {**PAID, "amount": "40"}
        mark = FINGERPRINT.search(owner.post(address, fields).text).group(1)
        assert owner.post(address, {**fields, "fingerprint": mark}).status_code == 302
        assert owner.post(address, {**fields, "fingerprint": mark}).status_code == 409
        assert len(read(lambda s: s.scalars(select(Withdrawal)).all())) == 1

    @pytest.mark.parametrize("amount", ["", "40"])
    def test_paying_leads_to_the_withdrawal_however_often_it_is_sent(
        self, owner, console, earned, read, amount
    ):
        affiliate = earned(lambda earnings: earnings.affiliate(15_000))
        address = f"{console}/payouts/act/pay-now/?id={affiliate.user_id}"
        key = REQUEST_KEY.search(owner.get(address).text).group(1)
        fields = {**PAID, "amount": amount, "request_key": key}
        mark = FINGERPRINT.search(owner.post(address, fields).text).group(1)

        answers = [owner.post(address, {**fields, "fingerprint": mark}) for _ in range(2)]

        (row,) = read(lambda s: s.scalars(select(Withdrawal)).all())
        for answer in answers:
            assert answer.status_code == 302
            assert answer.location == f"{console}/withdrawals/details/?id={row.id}"
        assert "L’affilié est payé." in owner.get(answers[0].location).text

    def test_one_who_is_paid_meanwhile_is_still_there_to_be_told_of(self, owner, console, earned):
        affiliate = earned(lambda earnings: earnings.affiliate(15_000))
        address = f"{console}/payouts/act/pay-now/?id={affiliate.user_id}"
        mark = FINGERPRINT.search(owner.post(address, PAID).text).group(1)
        owner.post(address, {**PAID, "fingerprint": mark})

        again = owner.post(address, {**PAID, "fingerprint": mark})

        assert again.status_code == 422
        assert owner.get(f"{console}/payouts/details/?id={affiliate.user_id}").status_code == 200
        assert affiliate.affiliate_slug not in owner.get(f"{console}/payouts/").text

    def test_marking_paid_proposes_the_way_that_was_asked_for(self, owner, console, earned):
        def build(earnings):
            affiliate, at = earnings.affiliate(15_000), clock.now()
            edit_payout_details(
                earnings.session,
                affiliate.user_id,
                method=PayoutMethod.PAYPAL,
                paypal="alice@example.org",
                actor=SYSTEM,
            )
            row = ask_withdrawal(earnings.session, affiliate.user_id, 10_000, actor=SYSTEM, now=at)
            return approve_withdrawal(earnings.session, row.id, actor=SYSTEM, now=at)

        page = owner.get(f"{console}/withdrawals/act/pay/?id={earned(build).id}").text
        assert re.findall(r'<option selected value="(\w+)"', page) == ["paypal"]

    def test_one_form_pays_each_ticked_row_once(self, owner, console, earned, read):
        affiliates = [
            earned(lambda earnings, slug=slug: earnings.affiliate(15_000, slug=slug))
            for slug in ("alice", "bob")
        ]
        ticked = {
            "action": "pay-now",
            "rowid": [str(affiliate.user_id) for affiliate in affiliates],
            "confirmed": "1",
            "request_key": str(new_id()),
            **PAID,
            "amount": "40",
        }
        shown = owner.post(f"{console}/payouts/action/", ticked).text
        confirmed = {
            **ticked,
            "rowid": ROW.findall(shown),
            "fingerprint": FINGERPRINT.findall(shown),
        }

        for _ in range(2):
            assert owner.post(f"{console}/payouts/action/", confirmed).status_code == 302

        paid = read(lambda s: s.scalars(select(Withdrawal.affiliate_id)).all())
        assert set(paid) == {affiliate.user_id for affiliate in affiliates}
        assert len(paid) == 2


class TestAdjust:
    @pytest.mark.parametrize(("way", "left"), [("credit", 15_250), ("debit", 14_750)])
    def test_either_way(self, earned, do, read, way, left):
        affiliate = earned(lambda earnings: earnings.affiliate(15_000))
        shown = do(
            "affiliates",
            "adjust",
            affiliate.user_id,
            {"direction": way, "amount": "2,50", "reason": "Put right."},
        )
        assert "150,00" in shown
        assert read(lambda s: balances_of(s, affiliate.user_id)).available == left

    def test_not_without_a_reason_or_an_amount(self, owner, console, earned):
        affiliate = earned(lambda earnings: earnings.affiliate(15_000))
        address = f"{console}/affiliates/act/adjust/?id={affiliate.user_id}"
        for wrong in ({"reason": ""}, {"amount": ""}, {"amount": "-5"}, {"direction": "up"}):
            fields = {"direction": "credit", "amount": "2", "reason": "x", **wrong}
            assert owner.post(address, fields).status_code == 422

    def test_what_is_no_amount_is_told_as_such(self, owner, console, earned):
        affiliate = earned(lambda earnings: earnings.affiliate(15_000))
        address = f"{console}/affiliates/act/adjust/?id={affiliate.user_id}"
        fields = {"direction": "credit", "amount": "douze", "reason": "x"}
        page = owner.post(address, fields).text
        assert "49,90" in page
        assert 'value="douze"' in page


class TestStatement:
    def test_shows_the_balances_at_the_end_of_a_day(self, owner, console, asked):
        row = asked()
        address = f"{console}/affiliates/statement/?id={row.affiliate_id}"
        today = owner.get(address).text
        assert "50,00" in today
        assert "100,00" in today
        before = owner.get(f"{address}&on=2026-03-09").text
        assert "100,00" not in before
        assert owner.get(f"{address}&on=nonsense").status_code == 200

    def test_is_not_an_admins(self, staff, asked):
        row = asked()
        admin = staff(UserType.ADMIN)
        answer = admin.get(f"/admin/affiliates/statement/?id={row.affiliate_id}")
        assert answer.status_code in (403, 404)


class TestVerification:
    def test_shows_what_each_proof_counted(self, owner, console, keep):
        keep(
            lambda make: make.add(
                JobRun(
                    name="ledger-verify",
                    due_at=clock.now(),
                    counts={"transfers": 12, "entries": 24, "head": "ab" * 32, "differences": 0},
                )
            )
        )
        keep(lambda make: make.add(JobRun(name="oversight-sweep", due_at=clock.now())))
        page = owner.get(f"{console}/verification/").text
        assert "abababababababab" in page
        assert "oversight-sweep" not in page

    def test_asks_for_a_proof(self, owner, console, read):
        assert owner.get(f"{console}/verification/now/").status_code == 200
        assert owner.post(f"{console}/verification/now/").status_code == 302
        run = read(lambda s: s.scalars(select(JobRun)).one())
        assert (run.name, run.trigger) == ("ledger-verify", "manual")


def test_nothing_is_mailed_by_looking(owner, console, asked, read):
    row = asked()
    owner.get(f"{console}/withdrawals/act/approve/?id={row.id}")
    assert read(lambda s: s.scalars(select(OutgoingMail)).all()) == []
    assert read(lambda s: s.scalars(select(AffiliateProfile)).all())
