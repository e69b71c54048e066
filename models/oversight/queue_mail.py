"""Queueing a mail: its row, in the transaction of the fact it tells of; calling one off."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models import clock
from models.ids import new_id
from models.oversight.changes import plain
from models.oversight.forget_mails import NOWHERE
from models.oversight.mail import MailStatus, OutgoingMail
from models.session import defer

SEND = "oversight-send-mails"
ACCOUNT_DELETED = "the account is deleted"


def queue_mail(
    session: Session,
    kind: str,
    *,
    platform: str,
    to_email: str,
    locale: str,
    key: str,
    user_id: UUID | None = None,
    context: dict[str, Any] | None = None,
    secrets: dict[str, Any] | None = None,
    not_before: datetime | None = None,
) -> OutgoingMail:
    """Have a mail of this kind sent once the transaction has committed.

    ``key`` names the fact: a second call with it gives the first mail back and sends
    nothing more. ``context`` is what the template says and may be read in the console;
    ``secrets`` (a sign-in link, its code) is encrypted and forgotten once sent. With
    ``not_before`` it waits for that instant. To a deleted account nothing is sent: the mail
    stands on record as given up.
    """
    nowhere = to_email.endswith(NOWHERE)
    session.execute(
        insert(OutgoingMail)
        .values(
            id=new_id(),
            idempotency_key=key,
            kind=kind,
            platform=str(platform),
            to_email=to_email,
            locale=locale,
            user_id=user_id,
            status=MailStatus.FAILED if nowhere else MailStatus.QUEUED,
            last_error=ACCOUNT_DELETED if nowhere else None,
            context=plain(context or {}),
            secrets=json.dumps(plain(secrets)) if secrets else None,
            created_at=clock.now(),
            next_try_at=not_before or clock.now(),
        )
        .on_conflict_do_nothing(index_elements=["idempotency_key"])
    )
    defer(session, SEND)
    return session.scalars(select(OutgoingMail).where(OutgoingMail.idempotency_key == key)).one()


def call_off_mail(session: Session, key: str) -> None:
    """Drop a mail that still waits for its instant, because what it would say is said otherwise.

    One that a worker has taken up or sent stays as it is, and so does one that there is not.
    """
    session.execute(
        delete(OutgoingMail).where(
            OutgoingMail.idempotency_key == key,
            OutgoingMail.status == MailStatus.QUEUED,
            OutgoingMail.attempts == 0,
        )
    )
