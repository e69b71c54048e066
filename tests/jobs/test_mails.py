"""Mails: queued once for each fact, rendered without a request, sent once, tried again."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from jobs.listeners import LISTENERS
from jobs.mail_rendering import LOCALES, render
from jobs.mails import send_mails
from models import clock
from models.accounts import MagicLink, Platform, UserType
from models.billing import Customer, CustomerStatus, Invoice, InvoiceKind, InvoiceLine
from models.billing.invoice import InvoiceStatus
from models.oversight import (
    SYSTEM,
    JobRun,
    MailStatus,
    OutgoingMail,
    emit,
    queue_mail,
    resend_mail,
)
from models.oversight.choose_mailer import mailer_of, use_mailer
from models.oversight.dispatch import dispatch_events
from models.oversight.mailer import Answer, Message, SilentMailer
from models.oversight.resend_mail import SecretForgotten
from models.oversight.resend_mailer import ResendMailer
from models.oversight.run_job import end_run
from models.oversight.send_mail import LEASE, WAITS, take_due_mail
from models.oversight.smtp_mailer import SmtpMailer
from models.session import unit_of_work
from models.settings import use_settings
from public.sandbox import create_sandbox
from public.sandbox.state import EXTENSION
from tests.running_sandbox import serving

RECEIPT = {
    "number": "WS-2026-000001",
    "paid_at": "2026-03-10T11:00:00+00:00",
    "product": "Premium <b>",
    "plan": "Mensuel",
    "lines": [{"label": "Premium & Co", "total": 4990}],
    "excluding": 4158,
    "tax": 832,
    "including": 4990,
    "currency": "EUR",
    "vat_rate": "20",
    "vat_mention": "",
    "card_brand": "visa",
    "card_last4": "4242",
    "seller": "WEOKTO SAS, Paris",
    "trial_ends_at": None,
    "next_charge_at": "2026-04-10T11:00:00+00:00",
    "subscription_ends_at": "2026-04-10T11:00:00+00:00",
}
CONTEXTS = {
    "magic_link": {},
    "receipt": RECEIPT,
    "welcome": {
        "product": "Premium",
        "trial_ends_at": "2026-03-24T11:00:00+00:00",
        "next_charge_at": "2026-03-24T11:00:00+00:00",
        "subscription_ends_at": None,
    },
    "commission_earned": {
        "product": "Premium",
        "currency": "EUR",
        "total": 1225,
        "main": 1000,
        "extended": 225,
        "locked_until": "2026-05-10T11:00:00+00:00",
        "extended_locked_until": "2026-08-10T11:00:00+00:00",
    },
    "staff_alert": {
        "what": "job_failed",
        "about": "ledger-verify",
        "due_at": "2026-03-10T04:00:00+00:00",
        "errors": 1,
        "detail": "ZeroDivisionError",
    },
}


def queue(session, kind="receipt", key="fact:1", **values):
    values.setdefault("platform", Platform.STAM)
    values.setdefault("to_email", "bob@example.org")
    values.setdefault("locale", "fr")
    values.setdefault("context", CONTEXTS[kind])
    if kind == "magic_link":
        values.setdefault("secrets", {"token": "the-token", "code": "123456"})
    return queue_mail(session, kind, key=key, **values)


def kept():
    with unit_of_work() as session:
        return session.scalars(select(OutgoingMail).order_by(OutgoingMail.id)).all()


@pytest.fixture
def mailer():
    """A mailer that takes everything, and remembers it."""
    mailer = SilentMailer()
    use_mailer(mailer)
    yield mailer
    use_mailer(None)


class Answering:
    """A mailer that gives the answers it was told to, then takes everything."""

    def __init__(self, *answers):
        self.answers, self.keys = list(answers), []

    def send(self, message, *, key):
        self.keys.append(key)
        return self.answers.pop(0) if self.answers else Answer(sent=True)


@pytest.fixture
def answering():
    def use(*answers):
        mailer = Answering(*answers)
        use_mailer(mailer)
        return mailer

    yield use
    use_mailer(None)


class TestQueueMail:
    def test_twice_for_one_fact_is_one_mail(self, session):
        first = queue(session)

        assert queue(session).id == first.id

    def test_eight_at_once_are_one_mail(self, committed):
        def ask(_):
            with unit_of_work() as session:
                return queue(session).id

        with ThreadPoolExecutor(8) as pool:
            assert len(set(pool.map(ask, range(8)))) == 1

    def test_secrets_are_not_readable_in_the_table(self, session):
        mail = queue(session, "magic_link")
        column = session.connection().exec_driver_sql("select secrets from outgoing_mails").scalar()

        assert "the-token" not in column
        assert json.loads(mail.secrets)["token"] == "the-token"


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

        for words in ("WS-2026-000001", "€49.90", "€8.32", "20", "April 10, 2026", "4242"):
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


class TestSendMails:
    def test_sends_each_once_and_forgets_its_secrets(self, committed, mailer):
        with unit_of_work() as session:
            queue(session, "magic_link")
        for _ in range(2):
            send_mails()

        (mail,) = kept()
        assert mail.status is MailStatus.SENT
        assert mail.secrets is None
        assert mail.subject
        assert list(mailer.sent) == [str(mail.id)]

    def test_eight_senders_send_each_once(self, committed, mailer):
        with unit_of_work() as session:
            for number in range(20):
                queue(session, key=f"fact:{number}")
        with ThreadPoolExecutor(8) as pool:
            sent = [counts["sent"] for counts in pool.map(lambda _: send_mails(), range(8))]

        assert sum(sent) == 20

    def test_waits_longer_each_time_then_gives_up(self, committed, answering, now):
        answering(*[Answer(error="500")] * (len(WAITS) + 1))
        with unit_of_work() as session:
            queue(session)
        for wait in WAITS:
            assert send_mails()["later"] == 1
            assert send_mails()["later"] == 0
            clock.advance(wait)
        assert send_mails()["given_up"] == 1

        (mail,) = kept()
        assert (mail.status, mail.last_error) == (MailStatus.FAILED, "500")

    def test_a_refused_mail_is_given_up_at_once(self, committed, answering):
        answering(Answer(error="422", refused=True))
        with unit_of_work() as session:
            queue(session)

        assert send_mails()["given_up"] == 1

    def test_asked_to_wait_it_stops_and_waits_as_long(self, committed, answering, now):
        mailer = answering(Answer(error="429", wait=timedelta(minutes=7), everyone_waits=True))
        with unit_of_work() as session:
            queue(session, key="fact:1")
            queue(session, key="fact:2")
        send_mails()

        assert len(mailer.keys) == 1
        assert max(mail.next_try_at for mail in kept()) == now + timedelta(minutes=7)

    def test_a_sign_in_mail_is_not_sent_once_its_link_is_dead(self, committed, answering, now):
        answering(*[Answer(error="500")] * 9)
        with unit_of_work() as session:
            queue(session, "magic_link")
        for wait in WAITS[:4]:
            send_mails()
            clock.advance(wait)
        send_mails()

        (mail,) = kept()
        assert mail.status is MailStatus.FAILED

    def test_one_that_cannot_be_rendered_holds_up_no_other(self, committed, mailer):
        with unit_of_work() as session:
            queue(session, key="fact:1", context={})
            queue(session, key="fact:2")

        assert send_mails() == {"sent": 1, "later": 1, "given_up": 0}

    def test_taken_up_by_a_killed_worker_it_goes_out_after_the_lease(self, committed, now):
        with unit_of_work() as session:
            queue(session)
        with unit_of_work() as session:
            take_due_mail(session, now=now)
        mailer = SilentMailer()
        use_mailer(mailer)
        try:
            assert send_mails()["sent"] == 0
            clock.advance(LEASE)
            assert send_mails()["sent"] == 1
        finally:
            use_mailer(None)

    def test_where_nobody_delivers_mails_wait(self, committed):
        with unit_of_work() as session:
            queue(session)

        assert send_mails()["sent"] == 0
        assert kept()[0].attempts == 0


class TestResendMail:
    def test_a_sent_one_gets_one_copy(self, committed, mailer, now):
        with unit_of_work() as session:
            mail_id = queue(session).id
        send_mails()
        copies = set()
        for _ in range(2):
            with unit_of_work() as session:
                copies.add(resend_mail(session, mail_id, actor=SYSTEM, now=now).id)
        send_mails()

        assert len(copies) == 1
        assert [mail.status for mail in kept()] == [MailStatus.SENT] * 2

    def test_one_given_up_goes_back_to_its_queue(self, committed, answering, now):
        answering(Answer(error="422", refused=True))
        with unit_of_work() as session:
            mail_id = queue(session).id
        send_mails()
        with unit_of_work() as session:
            assert resend_mail(session, mail_id, actor=SYSTEM, now=now).id == mail_id

        assert send_mails()["sent"] == 1

    def test_a_sign_in_link_is_not_sent_again(self, committed, mailer, now):
        with unit_of_work() as session:
            mail_id = queue(session, "magic_link").id
        send_mails()

        with unit_of_work() as session, pytest.raises(SecretForgotten):
            resend_mail(session, mail_id, actor=SYSTEM, now=now)


class TestResendOverHttp:
    @pytest.fixture
    def sandbox(self, settings, tmp_path):
        app = create_sandbox(settings.model_copy(update={"data_dir": str(tmp_path)}))
        with serving(app) as url:
            use_settings(settings.model_copy(update={"resend_base_url": f"{url}/resend"}))
            yield app.extensions[EXTENSION]

    def test_arrives_once_under_its_key(self, committed, sandbox):
        with unit_of_work() as session:
            queue(session, to_email="once@example.org")
        assert send_mails()["sent"] == 1
        with unit_of_work() as session:
            mail = session.scalars(select(OutgoingMail)).one()
            mail.status = MailStatus.QUEUED
            mail.next_try_at = clock.now()
        assert send_mails()["sent"] == 1

        (arrived,) = sandbox.store.mails(to="once@example.org", limit=9, offset=0)
        assert arrived["subject"] == kept()[0].subject
        assert "WS-2026-000001" in arrived["html"]
        assert kept()[0].provider_id == arrived["id"]

    def test_other_words_under_a_key_already_used_count_as_sent(self, committed, sandbox, settings):
        with unit_of_work() as session:
            queue(session, to_email="other-words@example.org")
        send_mails()
        with unit_of_work() as session:
            mail = session.scalars(select(OutgoingMail)).one()
            mail.status, mail.next_try_at = MailStatus.QUEUED, clock.now()
            mail.context = {**mail.context, "plan": "Annuel"}

        assert send_mails()["sent"] == 1
        assert len(sandbox.store.mails(to="other-words@example.org", limit=9, offset=0)) == 1

    def test_nobody_there_is_tried_again(self, committed, settings):
        use_settings(settings.model_copy(update={"resend_base_url": "http://127.0.0.1:1"}))
        with unit_of_work() as session:
            queue(session)

        assert send_mails()["later"] == 1
        assert "ConnectionError" in kept()[0].last_error

    @pytest.mark.parametrize(
        ("status", "name", "expected"),
        [
            (422, "invalid_parameter", {"refused": True, "everyone_waits": False}),
            (429, "rate_limit_exceeded", {"wait": timedelta(seconds=3), "everyone_waits": True}),
            (429, "daily_quota_exceeded", {"wait": timedelta(hours=1), "everyone_waits": True}),
            (403, "invalid_api_key", {"refused": False, "everyone_waits": True}),
            (500, "application_error", {"refused": False, "sent": False}),
            (409, "concurrent_idempotent_requests", {"refused": False, "sent": False}),
        ],
    )
    def test_each_answer_in_our_words(self, session, status, name, expected):
        app = Flask("resend")

        @app.post("/emails")
        def emails():
            return {"statusCode": status, "name": name, "message": "no"}, status, {"Retry-After": 3}

        rendered = render(queue(session))
        message = Message("STAM <a@b.org>", "c@d.org", rendered.subject, rendered.text, "x")
        with serving(app) as url:
            answer = ResendMailer(url, "re_key").send(message, key="k")

        assert name in answer.error
        for field, value in expected.items():
            assert getattr(answer, field) == value


class TestWhoDelivers:
    def test_smtp_before_resend_before_nobody(self, settings):
        def under(**changes):
            return mailer_of(settings.model_copy(update=changes))

        assert under() is None
        assert isinstance(under(resend_api_key="re_1"), ResendMailer)
        assert isinstance(under(resend_base_url="http://127.0.0.1:9"), ResendMailer)
        assert isinstance(under(smtp_url="smtp://127.0.0.1:1?tls=none"), SmtpMailer)

    def test_an_smtp_server_that_is_away_is_tried_again(self, settings):
        answer = SmtpMailer("smtp://127.0.0.1:1?tls=none").send(
            Message("STAM <a@b.org>", "c@d.org", "s", "t", "<p>t</p>"), key="k"
        )

        assert (answer.sent, answer.refused) == (False, False)


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
        assert session.scalars(select(MagicLink)).one().email == "ann@example.org"

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
