"""Mails one can do without: which kinds a person has switched off.

Only notices stand here. Receipts, what the law asks for, and what guards an account or its
money are never switched off.
"""

import enum
from collections.abc import Collection
from uuid import UUID

from sqlalchemy import ForeignKey, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.accounts.user import User
from models.base import Base, enum_of
from models.oversight import Actor, emit
from models.oversight.waiting_mails import drop_waiting


class MailTopic(enum.StrEnum):
    SALES = "SALES"  # each commission earned
    DIGEST = "DIGEST"  # the week's released commissions, on Monday


KINDS = {MailTopic.SALES: "commission_earned", MailTopic.DIGEST: "commission_matured"}
"""Per topic: the kind of its mails."""


class SilencedMail(Base):
    """One topic that one person wants no mails about; without a row they get them."""

    __tablename__ = "silenced_mails"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    topic: Mapped[MailTopic] = mapped_column(enum_of(MailTopic, "topic"), primary_key=True)


def silenced(session: Session, user_id: UUID) -> set[MailTopic]:
    """The topics a person wants no mails about."""
    rows = select(SilencedMail.topic).where(SilencedMail.user_id == user_id)
    return set(session.scalars(rows))


def wants_mail(session: Session, user_id: UUID, topic: MailTopic) -> bool:
    """Whether a person is to be mailed about a topic."""
    return session.get(SilencedMail, (user_id, topic)) is None


def choose_mails(
    session: Session, user_id: UUID, wanted: Collection[MailTopic], *, actor: Actor
) -> set[MailTopic]:
    """Be mailed about these topics and no others; of the others, what waits is not sent either.

    The same choice again changes nothing.
    """
    user = User.for_update(session, user_id)
    before, off = silenced(session, user_id), set(MailTopic) - set(wanted)
    if before == off:
        return off
    session.execute(
        delete(SilencedMail).where(
            SilencedMail.user_id == user_id, SilencedMail.topic.in_(before - off)
        )
    )
    session.add_all(SilencedMail(user_id=user_id, topic=topic) for topic in sorted(off - before))
    drop_waiting(session, user_id, [KINDS[topic] for topic in sorted(off)])
    emit(session, "accounts.mails_chosen", user, actor=actor, data={"off": sorted(off)})
    return off
