"""Enrolling staff's second factor: a secret for their authenticator, then ten recovery codes."""

import secrets
from datetime import datetime
from uuid import UUID

import pyotp
from sqlalchemy import delete
from sqlalchemy.orm import Session

from models.accounts.open_session import end_all_sessions
from models.accounts.prove_second_factor import NotEnrolled, accept_code, mark_proved
from models.accounts.second_factor import RecoveryCode, SecondFactor, recovery_digest
from models.accounts.suspend_user import NotOnOneself, said
from models.accounts.user import User, UserType
from models.accounts.user_session import UserSession
from models.errors import N_, DomainError, NotAllowed
from models.oversight import Actor, emit

RECOVERY_CODES = 10
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that reads as something else


class AlreadyEnrolled(DomainError):
    code = "already_enrolled"
    message = N_("A second factor is already in place. The owner can reset it.")


class NotStaff(NotAllowed):
    code = "not_staff"
    message = N_("The second factor is for staff.")


class OnlyTheOwnerResets(NotAllowed):
    code = "only_the_owner_resets"
    message = N_("Only the owner resets somebody's second factor.")


def begin_enrolment(
    session: Session, user_id: UUID, *, actor: Actor, now: datetime, secret: str | None = None
) -> SecondFactor:
    """The secret to show as a QR code; asked again before it is confirmed, the same one.

    Raises NotStaff and AlreadyEnrolled.
    """
    user = User.for_update(session, user_id)
    if not user.is_staff:
        raise NotStaff
    factor = session.get(SecondFactor, user_id)
    if factor is None:
        factor = SecondFactor(user_id=user_id, secret=secret or pyotp.random_base32())
        session.add(factor)
        emit(session, "accounts.second_factor_begun", factor, actor=actor)
    elif factor.confirmed_at is not None:
        raise AlreadyEnrolled
    return factor


def confirm_enrolment(
    session: Session, session_id: UUID, code: str, *, actor: Actor, now: datetime
) -> list[str]:
    """Take the first right code of a new authenticator: the session is proved, and the ten
    recovery codes are told, this once.

    Raises NotEnrolled, AlreadyEnrolled, WrongSecondFactor and TooMany.
    """
    row = UserSession.for_update(session, session_id)
    factor = session.get(SecondFactor, row.user_id, with_for_update=True)
    if factor is None:
        raise NotEnrolled
    if factor.confirmed_at is not None:
        raise AlreadyEnrolled
    accept_code(session, factor, code, actor=actor, now=now)
    factor.confirmed_at = now
    codes = [_new_code() for _ in range(RECOVERY_CODES)]
    for recovery in codes:
        digest = recovery_digest(row.user_id, recovery)
        session.add(RecoveryCode(user_id=row.user_id, code_hash=digest))
    emit(session, "accounts.second_factor_enrolled", factor, actor=actor)
    mark_proved(session, row, actor=actor, now=now)
    return codes


def reset_second_factor(
    session: Session, user_id: UUID, *, reason: str, actor: Actor, now: datetime
) -> User:
    """Take away another's second factor and recovery codes, and end their sessions.

    They enrol anew at their next sign-in. Where there is none, nothing changes. Raises
    OnlyTheOwnerResets, NotOnOneself and ReasonMissing.
    """
    if actor.role not in (UserType.OWNER, "system"):
        raise OnlyTheOwnerResets
    user = User.for_update(session, user_id)
    if user.id == actor.user_id:
        raise NotOnOneself
    factor = session.get(SecondFactor, user_id)
    if factor is None:
        return user
    emit(session, "accounts.second_factor_reset", user, actor=actor, reason=said(reason))
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    session.delete(factor)
    end_all_sessions(session, user_id, actor=actor, now=now, reason=reason)
    return user


def _new_code() -> str:
    """Fifty bits in two groups, easy to read aloud and to type."""
    signs = "".join(secrets.choice(ALPHABET) for _ in range(10))
    return f"{signs[:5]}-{signs[5:]}"
