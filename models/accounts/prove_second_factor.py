"""Proving the second factor: a code of the authenticator or a recovery code, each once."""

import math
from datetime import datetime, timedelta
from uuid import UUID

import pyotp
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.accounts.second_factor import RecoveryCode, SecondFactor, recovery_digest
from models.accounts.user_session import UserSession
from models.errors import N_, BadInput, DomainError, TooMany
from models.oversight import Actor, emit
from models.secrets import same

STEP_SECONDS = 30
WRONG_CODES = 5
LOCKED = timedelta(minutes=15)


class NotEnrolled(DomainError):
    code = "not_enrolled"
    message = N_("There is no second factor yet: enrol one first.")


class WrongSecondFactor(BadInput):
    """The transaction is kept, so that the attempt counts."""

    code = "wrong_second_factor"
    message = N_("This code is not right, or was already used. Wait for the next one.")
    recorded = True


def prove_second_factor(
    session: Session, session_id: UUID, code: str, *, actor: Actor, now: datetime
) -> UserSession:
    """Mark a session as proved now. Each code works once, its neighbours in time included.

    Five wrong codes lock the factor for 15 minutes, whichever session they come from.
    Raises NotEnrolled, WrongSecondFactor and TooMany.
    """
    row = UserSession.for_update(session, session_id)
    factor = session.get(SecondFactor, row.user_id, with_for_update=True)
    if factor is None or factor.confirmed_at is None:
        raise NotEnrolled
    accept_code(session, factor, code, actor=actor, now=now)
    mark_proved(session, row, actor=actor, now=now)
    return row


def accept_code(
    session: Session, factor: SecondFactor, code: str, *, actor: Actor, now: datetime
) -> None:
    """Spend a right code, or count a wrong one; the factor's row is locked by the caller.

    Raises WrongSecondFactor and TooMany.
    """
    if factor.locked_until is not None and factor.locked_until > now:
        wait = (factor.locked_until - now).total_seconds()
        raise TooMany(minutes=math.ceil(wait / 60))
    given = "".join(code.split()).lower()
    if _spend_step(factor, given, now) or _spend_recovery_code(session, factor, given, now):
        factor.failed_attempts, factor.locked_until = 0, None
        return
    factor.failed_attempts += 1
    if factor.failed_attempts >= WRONG_CODES:
        factor.failed_attempts, factor.locked_until = 0, now + LOCKED
    emit(session, "accounts.second_factor_refused", factor, actor=actor)
    raise WrongSecondFactor(field="code")


def mark_proved(session: Session, row: UserSession, *, actor: Actor, now: datetime) -> None:
    """Note on a session that its second factor was proved now."""
    row.second_factor_at = now
    emit(session, "accounts.second_factor_proved", row, actor=actor)


def _spend_step(factor: SecondFactor, given: str, now: datetime) -> bool:
    """Whether this is the code of now, or of a step before or after, and later than the last."""
    totp = pyotp.TOTP(factor.secret)
    current = int(now.timestamp()) // STEP_SECONDS
    for step in (current - 1, current, current + 1):
        unused = factor.last_step is None or step > factor.last_step
        if same(given, totp.generate_otp(step)) and unused:
            factor.last_step = step
            return True
    return False


def _spend_recovery_code(session: Session, factor: SecondFactor, given: str, now: datetime) -> bool:
    found = session.scalar(
        select(RecoveryCode)
        .where(
            RecoveryCode.user_id == factor.user_id,
            RecoveryCode.code_hash == recovery_digest(factor.user_id, given),
            RecoveryCode.used_at.is_(None),
        )
        .with_for_update()
    )
    if found is None:
        return False
    found.used_at = now
    return True
