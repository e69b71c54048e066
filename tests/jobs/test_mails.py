"""Mails: queued once for each fact, sent once, tried again."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from jobs.mails import send_mails
from models import clock
from models.oversight import (
    SYSTEM,
    MailStatus,
    OutgoingMail,
    resend_mail,
)
from models.oversight.choose_mailer import use_mailer
from models.oversight.mailer import Answer, SilentMailer
from models.oversight.resend_mail import SecretForgotten
from models.oversight.send_mail import LEASE, WAITS, take_due_mail
from models.session import unit_of_work
from tests.mail_samples import queue


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

    takes_attachments = True

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

    @pytest.mark.parametrize(
        ("answer", "outcome"),
        [(Answer(sent=True), "sent"), (Answer(error="500"), "given_up")],
    )
    def test_one_that_is_dropped_meanwhile_holds_up_no_other(self, committed, now, answer, outcome):
        class Dropping(Answering):
            def send(self, message, *, key):
                if not self.keys:
                    with unit_of_work() as session:
                        session.delete(session.get(OutgoingMail, UUID(key)))
                return super().send(message, key=key)

        use_mailer(Dropping(answer))
        with unit_of_work() as session:
            for number in range(2):
                queue(session, key=f"fact:{number}")

        counts = send_mails()

        use_mailer(None)
        assert counts[outcome] == (2 if answer.sent else 1)
        assert [mail.status for mail in kept()] == [MailStatus.SENT]

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

    def test_a_sign_in_mail_overtakes_what_waits(self, committed, mailer):
        with unit_of_work() as session:
            queue(session, key="fact:1")
            urgent = queue(session, "magic_link", key="fact:2").id
        send_mails()

        assert next(iter(mailer.sent)) == str(urgent)

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

    def test_where_the_mailer_is_away_mails_wait(self, committed):
        with unit_of_work() as session:
            queue(session)

        assert send_mails()["later"] == 1
        assert kept()[0].status is MailStatus.QUEUED


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
