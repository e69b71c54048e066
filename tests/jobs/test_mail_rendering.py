"""Mails as people read them: every kind, in each language and brand, without a request."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from jobs.listeners import LISTENERS
from jobs.mail_rendering import LOCALES, render
from models import clock
from models.accounts import MagicLink, Platform, UserType
from models.billing import Customer, CustomerStatus, Invoice, InvoiceKind, InvoiceLine
from models.billing.invoice import InvoiceStatus
from models.oversight import (
    SYSTEM,
    JobRun,
    OutgoingMail,
    emit,
)
from models.oversight.dispatch import dispatch_events
from models.oversight.run_job import end_run
from tests.mail_samples import CONTEXTS, queue


class TestRender:
    @pytest.mark.parametrize("kind", CONTEXTS)
    @pytest.mark.parametrize("locale", LOCALES)
    @pytest.mark.parametrize("platform", list(Platform))
    def test_every_kind_in_each_language_and_brand(self, session, kind, locale, platform):
        rendered = render(queue(session, kind, locale=locale, platform=platform))

        assert rendered.subject
        assert "\n" not in rendered.subject
        assert rendered.html.lstrip().startswith("<!doctype html>")
        assert platform.value in rendered.html
        assert "<" not in rendered.text.replace("Premium <b>", "")

    def test_markup_in_names_is_text(self, session):
        assert "Premium &lt;b&gt;" in render(queue(session)).html

    def test_a_receipt_says_what_was_paid_and_what_follows(self, session):
        text = render(queue(session, locale="en")).text

        for words in ("WS-2026-000001", "€49.90", "€8.32", "20", "10 April 2026", "4242"):
            assert words in text

    def test_a_sign_in_mail_has_link_and_code_but_not_in_its_subject(self, session):
        rendered = render(queue(session, "magic_link"))

        for body in (rendered.text, rendered.html):
            assert "http://stam.localhost:8000/verify?token=the-token" in body
            assert "123456" in body
        assert "123456" not in rendered.subject

    def test_without_its_link_a_welcome_leads_to_the_sign_in(self, session):
        assert "/login" in render(queue(session, "welcome")).text
        with_link = queue(session, "welcome", key="2", secrets={"token": "t0"})
        assert "/verify?token=t0" in render(with_link).text


class TestListeners:
    def paid(self, make, **values):
        button = make.button()
        customer = make.add(
            Customer(
                user=make.user("ann@example.org"),
                product=button.product,
                current_plan=button.plan,
                status=CustomerStatus.ACTIVE,
                next_charge_at=datetime(2026, 4, 10, tzinfo=UTC),
            )
        )
        invoice = Invoice(
            number="WS-2026-000001",
            customer=customer,
            plan=button.plan,
            kind=InvoiceKind.FIRST,
            status=InvoiceStatus.PAID,
            period_start=clock.now(),
            amount_excluding_tax=4083,
            tax_amount=817,
            tax_rate="0.2",
            amount_including_tax=4900,
            due_at=clock.now(),
            paid_at=clock.now(),
            mentions={"product": "Premium", "plan": "Mensuel", "seller": {"name": "WEOKTO SAS"}},
            lines=[InvoiceLine(label="Premium", unit_amount=4900, total=4900)],
        )
        return make.add(invoice)

    def test_a_paid_invoice_and_a_purchase_are_mailed_once(self, session, make, now):
        invoice = self.paid(make)
        emit(session, "billing.invoice_paid", invoice, actor=SYSTEM, data={"locale": "en"})
        emit(session, "billing.purchase_made", invoice.customer, actor=SYSTEM)
        session.flush()
        session.expunge_all()
        for _ in range(2):
            dispatch_events(session, LISTENERS, now=now)

        mails = {mail.kind: mail for mail in session.scalars(select(OutgoingMail))}
        assert set(mails) == {"receipt", "welcome"}
        assert mails["receipt"].to_email == "ann@example.org"
        assert mails["receipt"].locale == "en"
        assert "€49.00" in render(mails["receipt"]).text
        assert "/verify?token=" in render(mails["welcome"]).text
        link = session.scalars(select(MagicLink)).one()
        assert (link.email, link.otp_hash) == ("ann@example.org", None)
        assert "code" not in json.loads(mails["welcome"].secrets)

    def test_job_errors_are_told_to_the_owner_once_a_day(self, session, make, now):
        owner = make.staff(UserType.OWNER, locale="en")
        for minute in range(3):
            run = make.add(JobRun(name="ledger-verify", due_at=now + timedelta(minutes=minute)))
            end_run(session, run.id, actor=SYSTEM, now=now, error="Traceback\nBoom: it broke")
        session.flush()
        dispatch_events(session, LISTENERS, now=now)

        (mail,) = session.scalars(select(OutgoingMail)).all()
        assert mail.to_email == owner.email
        assert "Boom: it broke" in render(mail).text
