"""Moving an account to another address: asked for, then confirmed from the new mailbox.

Nothing that is answered before the new mailbox has spoken tells whether an address has an
account: the same mail goes to a free address and to one that is taken, and only whoever
reads it learns which.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.accounts.email import clean_email
from models.accounts.email_change import EmailChange
from models.accounts.magic_link import void_links
from models.accounts.mail_user import mail_user
from models.accounts.pace import refuse_beyond
from models.accounts.platform import Platform
from models.accounts.use_magic_link import LinkSpent, Suspended
from models.accounts.user import User, user_by_email
from models.errors import N_, BadInput, DomainError
from models.oversight import Actor, emit
from models.oversight.waiting_mails import move_waiting
from models.secrets import digest, new_token
from models.session import one_at_a_time

LIFETIME = timedelta(minutes=15)
MINUTES = int(LIFETIME.total_seconds() // 60)
PER_PERSON, PERSON_WINDOW = 5, timedelta(hours=1)
PER_ADDRESS, ADDRESS_WINDOW = 5, timedelta(minutes=15)


class SameAddress(BadInput):
    code = "same_address"
    message = N_("This is your address already.")


class ChangeSpent(LinkSpent):
    """Unknown, used, replaced or expired: one answer for all, which tells nothing."""

    message = N_("This link is no longer valid. Ask for the change again in your settings.")


class AddressTaken(DomainError):
    """Told only to whoever holds the mailbox, and so the account, in question."""

    code = "address_taken"
    message = N_(
        "This address has an account of its own here. Sign in with it,"
        " or choose another address for the first account."
    )


def ask_email_change(
    session: Session, user_id: UUID, email: str, *, actor: Actor, now: datetime
) -> EmailChange:
    """Mail a link to the new address; the account moves once it is confirmed there.

    A second call replaces the first link. Raises NotAnAddress, SameAddress, and TooMany
    beyond 5 of a person in an hour or 5 to an address in 15 minutes.
    """
    email = clean_email(email)
    one_at_a_time(session, f"email-change:{email.lower()}")
    user = User.for_update(session, user_id)
    if user.email.lower() == email.lower():
        raise SameAddress(field="email")
    _stay_within_limits(session, user, email, now)
    _void_older(session, user, now)
    token = new_token()
    change = EmailChange(
        user_id=user.id,
        new_email=email,
        token_hash=digest(token),
        expires_at=now + LIFETIME,
        created_at=now,
    )
    session.add(change)
    emit(session, "accounts.email_change_asked", change, actor=actor)
    mail_user(
        session,
        user,
        "email_change",
        {"minutes": MINUTES},
        about=change.id,
        to_email=email,
        secrets={"token": token},
    )
    return change


def check_email_change(
    session: Session, token: str, *, platform: Platform, now: datetime
) -> EmailChange:
    """The change that a link would make, changing nothing. Raises ChangeSpent."""
    change = session.scalar(
        select(EmailChange)
        .join(User, User.id == EmailChange.user_id)
        .where(EmailChange.token_hash == digest(token), User.platform == platform)
    )
    if change is None or not change.is_good(now):
        raise ChangeSpent
    return change


def confirm_email_change(
    session: Session, token: str, *, platform: Platform, actor: Actor, now: datetime
) -> User:
    """Move the account to the address that received the link; its sessions stay.

    Mails that wait follow it there. Ways in that were mailed to the old address open nothing
    any more. Raises ChangeSpent (a
    second use included), Suspended, and AddressTaken where somebody has the address by now.
    """
    found = check_email_change(session, token, platform=platform, now=now)
    holder = User.get(session, found.user_id)
    void_links(session, platform, holder.email, now=now)  # locked before the person is
    user = User.for_update(session, found.user_id)
    change = EmailChange.for_update(session, found.id)
    if not change.is_good(now):
        raise ChangeSpent
    if user.is_suspended:
        raise Suspended
    if user_by_email(session, platform, change.new_email) is not None:
        raise AddressTaken
    former = user.email
    try:
        with session.begin_nested():
            user.email, user.email_verified_at = change.new_email, now
    except IntegrityError:  # a newcomer signed up with it in this very moment
        raise AddressTaken from None
    change.used_at = now
    move_waiting(session, user.id, former=former, present=user.email)
    emit(session, "accounts.email_changed", user, actor=actor, data={"former": former})
    return user


def _stay_within_limits(session: Session, user: User, email: str, now: datetime) -> None:
    by_person = _asked(session, EmailChange.user_id == user.id, since=now - PERSON_WINDOW)
    refuse_beyond(PER_PERSON, by_person, PERSON_WINDOW, now)
    to_address = _asked(session, EmailChange.new_email == email, since=now - ADDRESS_WINDOW)
    refuse_beyond(PER_ADDRESS, to_address, ADDRESS_WINDOW, now)


def _asked(session: Session, condition: ColumnElement[bool], *, since: datetime) -> list[datetime]:
    return list(
        session.scalars(
            select(EmailChange.created_at)
            .where(condition, EmailChange.created_at > since)
            .order_by(EmailChange.created_at)
        )
    )


def _void_older(session: Session, user: User, now: datetime) -> None:
    older = select(EmailChange).where(
        EmailChange.user_id == user.id,
        EmailChange.used_at.is_(None),
        EmailChange.voided_at.is_(None),
    )
    for change in session.scalars(older.order_by(EmailChange.id).with_for_update()):
        change.voided_at = now
