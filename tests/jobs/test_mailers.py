"""Those who deliver mails: Resend over HTTP, SMTP, or nobody."""

import base64
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from jobs.mail_rendering import render
from jobs.mails import send_mails
from models import clock
from models.oversight import (
    MailStatus,
    OutgoingMail,
)
from models.oversight.choose_mailer import mailer_of
from models.oversight.mailer import Attachment, Message
from models.oversight.resend_mailer import ResendMailer
from models.oversight.smtp_mailer import SmtpMailer
from models.session import unit_of_work
from models.settings import current_settings, use_settings
from public.sandbox import create_sandbox
from public.sandbox.state import EXTENSION
from tests.mail_samples import queue
from tests.running_sandbox import serving


def kept():
    with unit_of_work() as session:
        return session.scalars(select(OutgoingMail).order_by(OutgoingMail.id)).all()


class TestResendOverHttp:
    @pytest.fixture
    def sandbox(self, settings, tmp_path):
        app = create_sandbox(settings.model_copy(update={"data_dir": str(tmp_path)}))
        with serving(app) as url:
            use_settings(
                settings.model_copy(
                    update={"resend_base_url": f"{url}/resend", "resend_api_key": "re_test"}
                )
            )
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

    def test_brings_its_documents_along(self, committed, sandbox, settings):
        file = Attachment("WS-2026-000001.pdf", b"%PDF-1.4 a file")
        message = Message("STAM <a@b.org>", "with@example.org", "s", "t", "<p>t</p>", (file,))
        assert mailer_of(current_settings()).send(message, key="with-a-file").sent
        (arrived,) = sandbox.store.mails(to="with@example.org", limit=9, offset=0)
        (kept_file,) = arrived["attachments"]
        assert kept_file["filename"] == file.filename
        assert base64.b64decode(kept_file["content"]) == file.content

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
    def test_smtp_before_resend_before_the_sandbox(self, settings):
        def under(**changes):
            return mailer_of(settings.model_copy(update=changes))

        assert under()._url == f"http://127.0.0.1:{settings.sandbox_port}/resend/emails"
        assert under(resend_api_key="re_1")._url == "https://api.resend.com/emails"
        assert isinstance(under(smtp_url="smtp://127.0.0.1:1?tls=none"), SmtpMailer)

    def test_an_smtp_server_that_is_away_is_tried_again(self, settings):
        answer = SmtpMailer("smtp://127.0.0.1:1?tls=none").send(
            Message("STAM <a@b.org>", "c@d.org", "s", "t", "<p>t</p>"), key="k"
        )

        assert (answer.sent, answer.refused) == (False, False)
