"""What waits for a person and has not left yet: sent to their new address, or not at all."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from models.oversight.mail import MailStatus, OutgoingMail

OF_THE_ADDRESS = ("cancel_link", "email_change", "email_changed", "magic_link")
"""Kinds that speak to the address itself; the links of a former one open nothing anyway."""


def move_waiting(session: Session, user_id: UUID, *, former: str, present: str) -> None:
    """Send what waits for a person at an address they have left to the one they have now."""
    session.execute(
        update(OutgoingMail)
        .where(
            OutgoingMail.user_id == user_id,
            OutgoingMail.status == MailStatus.QUEUED,
            OutgoingMail.to_email == former,
            OutgoingMail.kind.not_in(OF_THE_ADDRESS),
        )
        .values(to_email=present)
        .execution_options(synchronize_session="fetch")
    )


def drop_waiting(session: Session, user_id: UUID, kinds: Collection[str]) -> None:
    """Send a person nothing more of some kinds, what waits included. A mail that is being
    handed over in this moment may still arrive."""
    session.execute(
        delete(OutgoingMail)
        .where(
            OutgoingMail.user_id == user_id,
            OutgoingMail.status == MailStatus.QUEUED,
            OutgoingMail.kind.in_(kinds),
        )
        .execution_options(synchronize_session="fetch")
    )
