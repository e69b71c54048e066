"""Sending a mail again by hand, from the console or for a person who asks."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.errors import N_, DomainError
from models.oversight.actor import Actor
from models.oversight.emit import emit
from models.oversight.forget_mails import NOWHERE
from models.oversight.mail import MailStatus, OutgoingMail
from models.oversight.queue_mail import SEND, queue_mail
from models.session import defer

USELESS_WITHOUT_SECRETS = frozenset({"email_change", "magic_link"})


class SecretForgotten(DomainError):
    code = "secret_forgotten"
    message = N_("This mail held a link that is not kept: the person can ask for a new one.")


class AddressForgotten(DomainError):
    code = "address_forgotten"
    message = N_("The account of this mail was deleted: there is no address to send it to.")


def resend_mail(session: Session, mail_id: UUID, *, actor: Actor, now: datetime) -> OutgoingMail:
    """Send a mail once more; answers the mail that will go out.

    One that was given up goes back to its queue; one that was sent gets a copy, so that
    both stay on record. While it or a copy waits, a second call changes nothing. Raises
    Missing, SecretForgotten for a mail whose link lives 15 minutes, and AddressForgotten once
    its account is deleted.
    """
    mail = OutgoingMail.for_update(session, mail_id)
    if mail.status is MailStatus.QUEUED:
        return mail
    if mail.to_email.endswith(NOWHERE):
        raise AddressForgotten
    if mail.kind in USELESS_WITHOUT_SECRETS:
        raise SecretForgotten
    if mail.status is MailStatus.FAILED:
        mail.status, mail.attempts, mail.next_try_at = MailStatus.QUEUED, 0, now
        defer(session, SEND)
        emit(session, "oversight.mail_resent", mail, actor=actor)
        return mail
    return _copy(session, mail, actor)


def _copy(session: Session, mail: OutgoingMail, actor: Actor) -> OutgoingMail:
    prefix = f"{mail.idempotency_key}:again:"
    again = OutgoingMail.idempotency_key.startswith(prefix, autoescape=True)
    waiting = session.scalar(
        select(OutgoingMail).where(again, OutgoingMail.status == MailStatus.QUEUED)
    )
    if waiting is not None:
        return waiting
    earlier = session.scalar(select(func.count()).select_from(OutgoingMail).where(again)) or 0
    copy = queue_mail(
        session,
        mail.kind,
        platform=mail.platform,
        to_email=mail.to_email,
        locale=mail.locale,
        key=f"{prefix}{earlier + 1}",
        user_id=mail.user_id,
        context=mail.context,
    )
    emit(session, "oversight.mail_resent", mail, actor=actor, data={"copy": copy.id})
    return copy
