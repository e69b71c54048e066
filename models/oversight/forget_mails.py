"""Mails of a deleted account: that something was sent stays on record, to whom and what goes."""

from typing import Any
from uuid import UUID

from sqlalchemy import and_, delete, or_, update
from sqlalchemy.orm import Session

from models.oversight.mail import MailStatus, OutgoingMail

NOWHERE = "@deleted.invalid"
"""How the addresses of deleted accounts end; nothing is ever sent there."""

FAREWELL = "account_deleted"


def forget_mails(
    session: Session, user_id: UUID, address: str, *, platform: str, nowhere: str
) -> None:
    """Drop what waits for a person, and empty what was sent: address, subject, what it said.

    Theirs by the address are only mails of no account: it may have been somebody else's before.
    """
    theirs = or_(
        OutgoingMail.user_id == user_id,
        and_(
            OutgoingMail.user_id.is_(None),
            OutgoingMail.to_email == address,
            OutgoingMail.platform == str(platform),
        ),
    )
    _do(session, delete(OutgoingMail).where(theirs, OutgoingMail.status == MailStatus.QUEUED))
    _do(
        session,
        update(OutgoingMail)
        .where(theirs)
        .values(to_email=nowhere, subject="", context={}, secrets=None, last_error=None),
    )


def forget_farewells(session: Session) -> int:
    """Empty the address of the last mail of deleted accounts, once it was sent or given up."""
    done = _do(
        session,
        update(OutgoingMail)
        .where(
            OutgoingMail.kind == FAREWELL,
            OutgoingMail.status != MailStatus.QUEUED,
            OutgoingMail.to_email.not_like(f"%{NOWHERE}"),
        )
        .values(to_email=f"compte-supprime{NOWHERE}", last_error=None),
    )
    return int(getattr(done, "rowcount", 0))


def _do(session: Session, statement: Any) -> Any:
    return session.execute(statement.execution_options(synchronize_session=False))
