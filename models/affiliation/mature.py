"""Maturing: what time alone does to commissions, for all of them at once."""

from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, Select, func, select, update
from sqlalchemy.orm import Session

from models.affiliation.commission import Commission, CommissionStatus
from models.settings import current_settings


def lock_elapsed(session: Session, *, now: datetime) -> int:
    """Move to LOCKED every PENDING_LOCK commission whose client may no longer withdraw.

    One statement whatever their number; answers how many. A second call finds none. The
    right lasts the settings' days (14) from the payment, in 24-hour days.
    """
    statement = (
        update(Commission)
        .where(Commission.status == CommissionStatus.PENDING_LOCK, _elapsed(now))
        .values(status=CommissionStatus.LOCKED, updated_at=now)
        .execution_options(synchronize_session=False)
    )
    return cast(CursorResult[Any], session.execute(statement)).rowcount


def count_elapsed(session: Session, *, now: datetime) -> int:
    """How many commissions ``lock_elapsed`` would move."""
    waiting = select(func.count()).where(
        Commission.status == CommissionStatus.PENDING_LOCK, _elapsed(now)
    )
    return session.scalar(waiting) or 0


def next_elapsing() -> Select[Any]:
    """Asks when the next commission leaves PENDING_LOCK; NULL where none waits."""
    return select(func.min(Commission.earned_at) + _withdrawal_right()).where(
        Commission.status == CommissionStatus.PENDING_LOCK
    )


def _elapsed(now: datetime) -> Any:
    return Commission.earned_at <= now - _withdrawal_right()


def _withdrawal_right() -> timedelta:
    return timedelta(days=current_settings().withdrawal_right_days)
