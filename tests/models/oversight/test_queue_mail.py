"""Asking for a mail: one row per key, its secrets sealed."""

import json

from sqlalchemy import text

from models.oversight import MailStatus, queue_mail


def ask(session, key="receipt:1", **values):
    return queue_mail(
        session,
        "receipt",
        platform="STAM",
        to_email="ada@example.org",
        locale="fr",
        key=key,
        **values,
    )


class TestQueueMail:
    def test_leaves_a_row_for_the_job(self, session):
        mail = ask(session, context={"number": "F-1"})

        assert (mail.status, mail.kind, mail.context) == (
            MailStatus.QUEUED,
            "receipt",
            {"number": "F-1"},
        )
        assert ("oversight-send-mails", ()) in session.info["deferred"]

    def test_twice_with_one_key_is_one_mail(self, session):
        first = ask(session, context={"number": "F-1"})
        second = ask(session, context={"number": "F-2"})

        assert second.id == first.id
        assert second.context == {"number": "F-1"}

    def test_seals_what_must_not_be_read_back(self, session):
        mail = ask(session, secrets={"code": "123456"})

        stored = session.scalar(text("select secrets from outgoing_mails"))
        assert "123456" not in stored
        assert json.loads(mail.secrets) == {"code": "123456"}
