"""A payout's statement: what it says in both languages, and to whom."""

from io import BytesIO

import pytest
from pypdf import PdfReader

from models.affiliation import PayoutMethod
from models.affiliation.payouts.adjust_balance import adjust_balance
from models.affiliation.payouts.ask_withdrawal import ask_withdrawal
from models.affiliation.payouts.pay_withdrawal import pay_now
from models.affiliation.payouts.statement_pdf import NotPaid, payout_statement_pdf
from models.clock import now as clock_now
from models.errors import Missing
from models.ids import new_id
from models.oversight import SYSTEM
from models.session import member_session, unit_of_work
from tests.earnings import Earnings
from tests.factories import Make

WIRED = {"method": PayoutMethod.WIRE, "reference": "VIR-42"}


def words_of(pdf):
    text = " ".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages)
    return " ".join(text.replace("\u00a0", " ").replace("\u202f", " ").split())


class TestStatement:
    @pytest.fixture
    def paid(self, session, earnings, owner, now):
        affiliate = earnings.affiliate(60_000, 40_000)
        adjust_balance(session, affiliate.user_id, 12_345, reason="x", actor=owner, now=now)
        return pay_now(session, affiliate.user_id, **WIRED, actor=owner, now=now)

    @pytest.mark.parametrize(
        ("locale", "figures"),
        [
            ("fr", ["1 123,45 €", "-33,70 €", "1 089,75 €", "600,00 €", "400,00 €", "123,45 €"]),
            ("en", ["€1,123.45", "-€33.70", "€1,089.75", "€600.00", "€400.00", "€123.45"]),
        ],
    )
    def test_explains_the_payout_down_to_the_invoices(self, session, paid, locale, figures):
        pdf = payout_statement_pdf(session, paid.id, locale)

        said = words_of(pdf)
        for figure in (*figures, "VIR-42", "WS-2026-", "0189", "Zoé Ampère", "WEOKTO SAS"):
            assert figure in said
        assert "FR7630006" not in said
        assert payout_statement_pdf(session, paid.id, locale) == pdf

    def test_of_hundreds_of_commissions_runs_over_pages(self, session, earnings, owner, now):
        affiliate = earnings.affiliate(*([1_000] * 60))
        paid = pay_now(session, affiliate.user_id, **WIRED, actor=owner, now=now)

        pdf = payout_statement_pdf(session, paid.id, "fr")

        assert len(PdfReader(BytesIO(pdf)).pages) > 1
        assert words_of(pdf).count("WS-2026-") == 60

    def test_a_waived_fee_leaves_the_whole_sum(self, session, earnings, owner, now):
        affiliate = earnings.affiliate(10_000)
        paid = pay_now(session, affiliate.user_id, **WIRED, waive_fee=True, actor=owner, now=now)

        said = words_of(payout_statement_pdf(session, paid.id, "en"))
        assert said.count("€100.00") == 4
        assert "-€" not in said

    def test_only_of_what_was_paid(self, session, earnings, now):
        affiliate = earnings.affiliate(10_000)
        asked = ask_withdrawal(session, affiliate.user_id, 10_000, actor=SYSTEM, now=now)
        with pytest.raises(NotPaid):
            payout_statement_pdf(session, asked.id, "fr")
        with pytest.raises(Missing):
            payout_statement_pdf(session, new_id(), "fr")


class TestWhoReadsIt:
    def test_its_affiliate_and_no_other(self, committed, now):
        with unit_of_work() as session:
            earnings = Earnings(Make(session), clock_now())
            mine, other = earnings.affiliate(10_000), earnings.affiliate(10_000)
            paid = pay_now(session, mine.user_id, **WIRED, actor=SYSTEM, now=now)

        with member_session(mine.user_id) as session:
            assert "VIR-42" in words_of(payout_statement_pdf(session, paid.id, "fr"))
        with member_session(other.user_id) as session, pytest.raises(Missing):
            payout_statement_pdf(session, paid.id, "fr")
