"""Coming in by mail: the link or the six-digit code, either of which uses both."""

from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from models.accounts.email import clean_email
from models.accounts.magic_link import MagicLink, code_digest
from models.accounts.platform import Platform
from models.accounts.user import User, UserType
from models.accounts.user_for_email import user_for_email
from models.errors import N_, BadInput, Gone, NotAllowed
from models.oversight import Actor, emit
from models.secrets import digest, same
from models.settings import current_settings

WRONG_CODES = 5


class LinkSpent(Gone):
    """Unknown, used, replaced, voided or expired: one answer for all, which tells nothing."""

    code = "link_spent"
    message = N_("This link or code is no longer valid. Ask for a new one.")


class WrongCode(BadInput):
    """The transaction is kept, so that the attempt counts."""

    code = "wrong_code"
    message = N_("This is not the code we sent. Look at the latest mail and try again.")
    recorded = True


class Suspended(NotAllowed):
    code = "suspended"
    message = N_("This account is suspended. Write to us if you think it is a mistake.")


def check_link(session: Session, token: str, *, platform: Platform, now: datetime) -> None:
    """Whether a link still opens something, changing nothing. Raises LinkSpent."""
    link = session.scalar(_by_token(token, platform))
    if link is None or link.is_spent or link.expires_at <= now:
        raise LinkSpent


def use_link(
    session: Session, token: str, *, platform: Platform, locale: str, actor: Actor, now: datetime
) -> tuple[User, MagicLink]:
    """Let in whoever holds a link's token, once; a new address becomes a CLIENT of the platform.

    Raises LinkSpent (a second use included) and Suspended.
    """
    link = session.scalar(_by_token(token, platform).with_for_update())
    if link is None or link.is_spent or link.expires_at <= now:
        raise LinkSpent
    return _let_in(session, link, locale=locale, actor=actor, now=now), link


def use_code(
    session: Session,
    email: str,
    code: str,
    *,
    platform: Platform,
    locale: str,
    actor: Actor,
    now: datetime,
) -> tuple[User, MagicLink]:
    """The same by the code of the latest mail to an address.

    The fifth wrong code voids the link too. Raises LinkSpent, WrongCode, Suspended
    and NotAnAddress.
    """
    link = session.scalar(
        select(MagicLink)
        .where(
            MagicLink.platform == platform,
            MagicLink.email == clean_email(email),
            MagicLink.otp_hash.is_not(None),
            MagicLink.used_at.is_(None),
            MagicLink.voided_at.is_(None),
            MagicLink.expires_at > now,
        )
        .order_by(MagicLink.id.desc())
        .limit(1)
        .with_for_update()
    )
    if link is None:
        raise LinkSpent
    given = "".join(code.split())
    if not same(code_digest(link.id, given), link.otp_hash or ""):
        _count_wrong_code(session, link, actor=actor, now=now)
        raise WrongCode(field="code")
    return _let_in(session, link, locale=locale, actor=actor, now=now), link


def _by_token(token: str, platform: Platform) -> Select[MagicLink]:
    return select(MagicLink).where(
        MagicLink.token_hash == digest(token), MagicLink.platform == platform
    )


def _count_wrong_code(session: Session, link: MagicLink, *, actor: Actor, now: datetime) -> None:
    link.attempts += 1
    if link.attempts >= WRONG_CODES:
        link.voided_at = now
    emit(session, "accounts.wrong_code", link, actor=actor)


def _let_in(session: Session, link: MagicLink, *, locale: str, actor: Actor, now: datetime) -> User:
    link.used_at = now
    user = user_for_email(session, link.platform, link.email, locale=locale, actor=actor)
    user = User.for_update(session, user.id)
    if user.closed_at is not None or user.email.lower() != link.email.lower():
        raise LinkSpent  # the account left the address while this waited for it
    if user.is_suspended:
        raise Suspended
    if user.email_verified_at is None:
        user.email_verified_at = now
    _first_owner(session, user)
    emit(session, "accounts.signed_in", user, actor=actor, data={"magic_link_id": link.id})
    return user


def _first_owner(session: Session, user: User) -> None:
    """The settings' owner becomes OWNER at their first sign-in, while there is no owner yet."""
    if user.platform is not Platform.WEOKTO or user.user_type is UserType.OWNER:
        return
    if user.email.lower() != current_settings().owner_email.lower():
        return
    if session.scalar(select(User.id).where(User.user_type == UserType.OWNER).limit(1)) is None:
        user.user_type = UserType.OWNER
