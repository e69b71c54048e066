"""Sending queued mails: taking one up, and what became of it.

The intent is committed before the mailer is called: a mail taken up by a worker that died
is taken up again when its lease ends, under the same key, which the mailer sends once.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.oversight.actor import Actor
from models.oversight.emit import emit
from models.oversight.mail import MailStatus, OutgoingMail

LEASE = timedelta(minutes=2)
WAITS = tuple(
    timedelta(seconds=seconds) for seconds in (10, 30, 120, 600, 1800, 3600, 10800, 21600, 43200)
)
"""Before each further try; after the last, a mail is given up."""

URGENT = ("magic_link", "email_change")

USELESS_AFTER = {
    "magic_link": timedelta(minutes=15),
    "email_change": timedelta(minutes=15),
}
"""Kinds that nobody can use any more after a while: not worth a late try."""


def take_due_mail(session: Session, *, now: datetime) -> OutgoingMail | None:
    """The mail that is most wanted, leased to the caller; None where none is due.

    Somebody waits in front of the screen for a sign-in mail; the others go in their turn.
    """
    mail = session.scalar(
        select(OutgoingMail)
        .where(OutgoingMail.status == MailStatus.QUEUED, OutgoingMail.next_try_at <= now)
        .order_by(OutgoingMail.kind.not_in(URGENT), OutgoingMail.next_try_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if mail is not None:
        mail.attempts += 1
        mail.next_try_at = now + LEASE
    return mail


def note_sent(
    session: Session, mail_id: UUID, *, provider_id: str | None, subject: str, now: datetime
) -> OutgoingMail:
    """The mailer has it: its secrets are forgotten. A second call changes nothing."""
    mail = OutgoingMail.for_update(session, mail_id)
    if mail.status is not MailStatus.SENT:
        mail.status, mail.sent_at, mail.provider_id = MailStatus.SENT, now, provider_id
        mail.subject, mail.secrets, mail.last_error = subject, None, None
    return mail


def note_not_sent(
    session: Session,
    mail_id: UUID,
    *,
    error: str,
    actor: Actor,
    now: datetime,
    for_good: bool = False,
    wait: timedelta | None = None,
) -> OutgoingMail:
    """The mailer did not take it: try later (after ``wait`` where it said so), or give it up.

    Given up ``for_good`` where it was refused, after the last try, or once it is useless.
    """
    mail = OutgoingMail.for_update(session, mail_id)
    if mail.status is not MailStatus.QUEUED:
        return mail
    mail.last_error = error[:2000]
    next_try_at = None if for_good else _next_try(mail, now, wait or timedelta())
    if next_try_at is None:
        mail.status = MailStatus.FAILED
        emit(session, "oversight.mail_failed", mail, actor=actor, data={"kind": mail.kind})
    else:
        mail.next_try_at = next_try_at
    return mail


def _next_try(mail: OutgoingMail, now: datetime, wait: timedelta) -> datetime | None:
    """When a further try makes sense; None where none does any more."""
    if mail.attempts > len(WAITS):
        return None
    at = now + max(WAITS[mail.attempts - 1], wait)
    useful = USELESS_AFTER.get(mail.kind)
    return None if useful is not None and at > mail.created_at + useful else at
