"""Asking for a mail: its row is written with the fact it tells, a job sends it afterwards."""

import json
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.oversight.mail import OutgoingMail
from models.session import defer

SEND = "oversight-send-mails"


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
) -> OutgoingMail:
    """Queue one mail of a kind to one address; a second call with the same key changes nothing.

    ``context`` is what its template shows; ``secrets`` is what must not be read back later
    (encrypted, and emptied once the mail is sent).
    """
    statement = insert(OutgoingMail).values(
        idempotency_key=key,
        kind=kind,
        platform=platform,
        to_email=to_email,
        locale=locale,
        user_id=user_id,
        context=context or {},
        secrets=json.dumps(secrets) if secrets else None,
    )
    session.execute(statement.on_conflict_do_nothing(index_elements=["idempotency_key"]))
    defer(session, SEND)
    return session.scalars(select(OutgoingMail).where(OutgoingMail.idempotency_key == key)).one()
