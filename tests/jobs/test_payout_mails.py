"""Mails of payouts: each fact told once, to whom it concerns."""

from uuid import UUID

import pytest
from sqlalchemy import select

from jobs.listeners import LISTENERS
from jobs.mail_attachments import DOCUMENTS
from jobs.mail_rendering import render
from models.accounts import User, UserType
from models.affiliation import PayoutMethod
from models.affiliation.payouts.ask_withdrawal import ask_withdrawal
from models.affiliation.payouts.decide_withdrawal import approve_withdrawal, reject_withdrawal
from models.affiliation.payouts.edit_payout_details import edit_payout_details
from models.affiliation.payouts.pay_withdrawal import pay_now, pay_withdrawal
from models.oversight import SYSTEM, OutgoingMail
from models.oversight.dispatch import dispatch_events
from tests.earnings import Earnings

WIRED = {"method": PayoutMethod.WIRE, "reference": "VIR-1"}


@pytest.fixture
def affiliate(session, make, now):
    make.staff(UserType.OWNER, locale="en")
    earned = Earnings(make, now).affiliate(15_000, slug="alice")
    User.get(session, earned.user_id).locale = "en"
    told(session, now)
    return earned


def told(session, now):
    """Let everything that happened be told, twice; the mails since, by kind."""
    seen = set(session.scalars(select(OutgoingMail.id)))
    session.flush()
    for _ in range(2):
        dispatch_events(session, LISTENERS, now=now)
    fresh = [mail for mail in session.scalars(select(OutgoingMail)) if mail.id not in seen]
    return {mail.kind: mail for mail in fresh}


class TestPayoutMails:
    def test_a_request_is_told_to_the_owner_and_confirmed_to_the_affiliate(
        self, session, affiliate, now
    ):
        ask_withdrawal(session, affiliate.user_id, 10_000, actor=SYSTEM, now=now)

        mails = told(session, now)

        assert set(mails) == {"staff_alert", "withdrawal_asked"}
        said = render(mails["staff_alert"]).text
        assert "alice" in said
        assert "€100.00" in said
        receipt = render(mails["withdrawal_asked"]).text
        for words in ("€100.00", "€3.00", "€97.00"):
            assert words in receipt

    def test_each_step_is_told_to_the_affiliate(self, session, affiliate, now):
        asked = ask_withdrawal(session, affiliate.user_id, 10_000, actor=SYSTEM, now=now)
        told(session, now)

        approve_withdrawal(session, asked.id, actor=SYSTEM, now=now)
        (approved,) = told(session, now).values()
        pay_withdrawal(session, asked.id, **WIRED, actor=SYSTEM, now=now)
        (paid,) = told(session, now).values()

        assert (approved.kind, paid.kind) == ("withdrawal_approved", "withdrawal_paid")
        said = render(paid).text
        for words in ("€97.00", "€3.00", "VIR-1", "0189"):
            assert words in said
        (statement,) = paid.context["attached"]
        assert statement["name"] == "payout-2026-03-10"
        made = DOCUMENTS[statement["document"]](session, UUID(statement["id"]), "en")
        assert made.startswith(b"%PDF-")

    def test_a_rejection_says_why(self, session, affiliate, now):
        asked = ask_withdrawal(session, affiliate.user_id, 10_000, actor=SYSTEM, now=now)
        told(session, now)

        reject_withdrawal(session, asked.id, reason="AC01 <closed>", actor=SYSTEM, now=now)

        (mail,) = told(session, now).values()
        assert mail.kind == "withdrawal_rejected"
        assert "AC01 &lt;closed&gt;" in render(mail).html

    def test_paid_now_is_one_mail(self, session, affiliate, now):
        pay_now(session, affiliate.user_id, **WIRED, actor=SYSTEM, now=now)

        assert set(told(session, now)) == {"withdrawal_paid"}

    def test_other_details_are_told_to_their_owner(self, session, affiliate, now):
        edit_payout_details(
            session,
            affiliate.user_id,
            method=PayoutMethod.WIRE,
            holder="Zoé Ampère",
            iban="DE89370400440532013000",
            actor=SYSTEM,
        )

        (mail,) = told(session, now).values()
        said = render(mail).text
        assert "3000" in said
        assert "DE89" not in said
