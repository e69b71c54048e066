"""Jobs of mails: sending what waits."""

import logging
import time
from datetime import timedelta

from jobs.mail_attachments import attachments_of
from jobs.mail_rendering import render
from jobs.queue import job
from models import clock
from models.accounts import Platform
from models.errors import Missing
from models.oversight import SYSTEM, OutgoingMail
from models.oversight.choose_mailer import mailer_of
from models.oversight.mailer import Answer, Mailer, Message
from models.oversight.send_mail import note_not_sent, note_sent, take_due_mail
from models.session import unit_of_work
from models.settings import current_settings

log = logging.getLogger(__name__)

SECONDS_AT_MOST = 90


@job(
    "oversight-send-mails",
    queue="mail",
    timeout=SECONDS_AT_MOST + 60,
    retry=(),
    without_queue=True,
)
def send_mails() -> dict[str, int]:
    """Send every mail that is due, one after the other; what cannot go out waits its turn.

    Any number may run at once. It stops where the mailer asks everyone to wait, and after
    a while, so that other jobs of its worker have their turn: the next sweep goes on.
    """
    counts = {"sent": 0, "later": 0, "given_up": 0}
    mailer, give_up_at = mailer_of(current_settings()), time.monotonic() + SECONDS_AT_MOST
    while time.monotonic() < give_up_at:
        with unit_of_work() as session:
            mail = take_due_mail(session, now=clock.now())
        if mail is None:
            break
        answer, outcome = _send(mailer, mail)
        counts[outcome] += 1
        if answer.everyone_waits:
            log.warning("mail.mailer_says_wait", extra={"error": answer.error})
            break
    return counts


def _send(mailer: Mailer, mail: OutgoingMail) -> tuple[Answer, str]:
    """Send one mail and write down what became of it, in a transaction of its own."""
    settings = current_settings()
    sender = {
        Platform.WEOKTO: settings.mail_from_weokto,
        Platform.STAM: settings.mail_from_stam,
    }[Platform(mail.platform)]
    subject = ""
    try:
        rendered = render(mail)
        subject = rendered.subject
        message = Message(
            sender,
            mail.to_email,
            subject,
            rendered.text,
            rendered.html,
            attachments_of(mail) if mailer.takes_attachments else (),
        )
        answer = mailer.send(message, key=str(mail.id))
    except Exception as crash:  # one mail that cannot be rendered holds up no other
        log.exception("mail.crashed", extra={"kind": mail.kind, "mail_id": str(mail.id)})
        answer = Answer(error=f"{type(crash).__name__}: {crash}")
    try:
        return answer, _note(mail, answer, subject)
    except Missing:  # it was dropped while it was being sent
        return answer, "sent" if answer.sent else "given_up"


def _note(mail: OutgoingMail, answer: Answer, subject: str) -> str:
    """Write down a mailer's answer; what became of the mail."""
    with unit_of_work() as session:
        if answer.sent:
            note_sent(
                session,
                mail.id,
                provider_id=answer.provider_id,
                subject=subject,
                now=clock.now(),
            )
            return "sent"
        noted = note_not_sent(
            session,
            mail.id,
            error=answer.error,
            actor=SYSTEM,
            now=clock.now(),
            for_good=answer.refused,
            wait=answer.wait or timedelta(),
        )
    return "later" if noted.status == "QUEUED" else "given_up"
