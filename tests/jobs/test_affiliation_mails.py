"""Mails that follow from clawbacks, releases and risk."""

from datetime import datetime, timedelta

import pytest

from jobs.affiliation_mails import alert_risk_decision, mail_clawed_back, mail_matured, next_digest
from jobs.mail_rendering import render
from models.oversight import SYSTEM, MailStatus, OutboxEvent, OutgoingMail, emit
from models.oversight.send_mail import take_due_mail
from tests.models.affiliation.sales import Sale, Shop

DAY = timedelta(days=1)


def told(session, kind):
    return session.query(OutboxEvent).filter_by(kind=kind).order_by(OutboxEvent.id).all()


def test_a_clawback_says_what_was_taken_and_from_where(session, make, now):
    affiliate = make.affiliate()
    address = affiliate.user.email
    sale = Sale(session, Shop(make, now), affiliate, now)
    sale.refund(2450)
    (event,) = told(session, "affiliation.commission_clawed_back")

    for _ in range(2):
        mail_clawed_back(session, event)

    mail = session.query(OutgoingMail).one()
    assert mail.to_email == address
    assert (mail.context["taken"], mail.context["from_locked"]) == (613, 613)
    assert (mail.context["from_available"], mail.context["debt"]) == (0, 0)
    mail.locale = "en"
    assert "€6.13" in render(mail).text


def release(session, affiliate, amount, parts=1):
    data = {"released_amount": amount, "parts": parts}
    emit(session, "affiliation.commissions_matured", affiliate, actor=SYSTEM, data=data)
    session.flush()
    mail_matured(session, told(session, "affiliation.commissions_matured")[-1])


def test_releases_of_a_week_are_one_mail(session, make, now):
    affiliate = make.affiliate()
    for amount, parts in ((980, 1), (245, 2)):
        release(session, affiliate, amount, parts)

    mail = session.query(OutgoingMail).one()
    assert (mail.context["released"], mail.context["count"]) == (1225, 3)
    assert mail.next_try_at == next_digest(now)

    mail.status = MailStatus.SENT
    session.flush()
    mail_matured(session, told(session, "affiliation.commissions_matured")[-1])
    assert session.query(OutgoingMail).count() == 2


def test_what_is_released_while_the_mail_is_being_sent_waits_for_the_next(session, make, now):
    affiliate = make.affiliate()
    release(session, affiliate, 980)
    sending = take_due_mail(session, now=next_digest(now))
    session.flush()

    release(session, affiliate, 245)

    assert sending.context["released"] == 980
    other = session.query(OutgoingMail).filter(OutgoingMail.id != sending.id).one()
    assert other.context["released"] == 245


@pytest.mark.parametrize(
    ("now", "at"),
    [
        ("2026-03-10T11:00+01:00", "2026-03-16T09:00+01:00"),
        ("2026-03-16T08:59+01:00", "2026-03-16T09:00+01:00"),
        ("2026-03-16T09:00+01:00", "2026-03-23T09:00+01:00"),
        ("2026-03-28T03:00+01:00", "2026-03-30T09:00+02:00"),  # summer time begins between
    ],
)
def test_a_digest_leaves_on_monday_morning(now, at):
    assert next_digest(datetime.fromisoformat(now)) == datetime.fromisoformat(at)


def test_the_owner_is_asked_to_decide(session, make, now):
    data = {"refunded_invoices": 4, "invoices": 10}
    alice = make.affiliate("alice")
    emit(session, "affiliation.risk_decision_asked", alice, actor=SYSTEM, data=data)
    session.flush()

    alert_risk_decision(session, told(session, "affiliation.risk_decision_asked")[0])

    mail = session.query(OutgoingMail).one()
    mail.locale = "en"
    assert "4 of the last 10 purchases that alice brought" in render(mail).text
