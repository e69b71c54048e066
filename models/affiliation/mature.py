"""Maturing: what time alone does to commissions, for all of them at once.

Rows say what is due, so that any run at any hour does what is left, and one that was broken
off is taken up by the next. Each chunk is one transaction: it finds what is due, oldest
first, locks those commissions in the order of their keys (as every act on several of them
does), looks again at what is still due, and posts one transfer a part.
"""

from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, Select, bindparam, func, select, union_all, update
from sqlalchemy.orm import Session, load_only

from models import clock
from models.affiliation.commission import Commission, CommissionStatus
from models.affiliation.profile import AffiliateProfile
from models.affiliation.release_parts import PARTS, Released, hold_due_parts, release_parts
from models.oversight import SYSTEM, emit_all
from models.session import unit_of_work
from models.settings import current_settings

AT_ONCE = 20_000
"""Commissions or parts in one transaction: seconds of work, far from any time-out."""


def mature_due(*, dry_run: bool = False) -> dict[str, int]:
    """Lock the commissions whose clients may no longer withdraw, release every part due.

    Opens its own units of work, as many as there are chunks. Answers how many commissions
    were locked, how many parts released and their cents; a second call finds nothing. With
    ``dry_run`` nothing changes and the answer says what would be done.
    """
    now = clock.now()
    if dry_run:
        with unit_of_work() as session:
            return _what_is_due(session, now)
    counts = {"locked": 0, "released": 0, "released_amount": 0}
    while True:
        with unit_of_work() as session:
            locked = lock_elapsed(session, now=now, most=AT_ONCE)
        counts["locked"] += locked
        if locked < AT_ONCE:
            break
    while True:
        with unit_of_work() as session:
            found, released = release_due(session, now=now, most=AT_ONCE)
        counts["released"] += sum(each.parts for each in released)
        counts["released_amount"] += sum(each.amount for each in released)
        if found < AT_ONCE:
            return counts


def lock_elapsed(session: Session, *, now: datetime, most: int) -> int:
    """Move to LOCKED the PENDING_LOCK commissions whose clients may no longer withdraw.

    The oldest ``most`` of them; answers how many. A second call finds none. The right lasts
    the settings' days (14) from the payment, in 24-hour days.
    """
    asked = {"now": now, "until": now - _withdrawal_right(), "most": most}
    return cast(CursorResult[Any], session.execute(_LOCK_ELAPSED, asked)).rowcount


_WAITING = (
    select(Commission.id)
    .where(
        Commission.status == CommissionStatus.PENDING_LOCK,
        Commission.earned_at <= bindparam("until"),
    )
    .order_by(Commission.earned_at, Commission.id)
    .limit(bindparam("most"))
)
_HELD = (
    select(Commission.id)
    .where(Commission.id.in_(_WAITING), Commission.status == CommissionStatus.PENDING_LOCK)
    .order_by(Commission.id)
    .with_for_update()
    .cte("held")
)
_LOCK_ELAPSED = (
    update(Commission)
    .where(Commission.id.in_(select(_HELD.c.id)))
    .values(status=CommissionStatus.LOCKED, updated_at=bindparam("now"))
    .execution_options(synchronize_session=False)
)


def release_due(session: Session, *, now: datetime, most: int) -> tuple[int, list[Released]]:
    """Release the oldest ``most`` parts whose day has come, and tell each affiliate's sum.

    Answers how many parts were due, and what was released to whom; another run at the same
    moment may have taken some of them.
    """
    parts = hold_due_parts(session, now=now, most=most)
    if not parts.count:
        return 0, []
    released = release_parts(session, parts, actor=SYSTEM, now=now)
    _tell(session, released)
    return parts.count, released


def next_maturing() -> Select[Any]:
    """Asks when time next changes a commission; NULL where none waits."""
    elapsing = select(func.min(Commission.earned_at) + _withdrawal_right()).where(
        Commission.status == CommissionStatus.PENDING_LOCK
    )
    parts = (
        select(func.min(part.due_at)).where(
            part.matured_at.is_(None), Commission.status != CommissionStatus.CLAWED_BACK
        )
        for part in PARTS
    )
    instants = union_all(elapsing, *parts).subquery()
    return select(func.min(instants.c[0]))


def _what_is_due(session: Session, now: datetime) -> dict[str, int]:
    waiting = select(func.count()).where(
        Commission.status == CommissionStatus.PENDING_LOCK,
        Commission.earned_at <= now - _withdrawal_right(),
    )
    released = amount = 0
    for part in PARTS:
        count, cents = session.execute(
            select(func.count(), func.coalesce(func.sum(part.left), 0)).where(
                part.matured_at.is_(None),
                part.due_at <= now,
                Commission.status != CommissionStatus.CLAWED_BACK,
                part.left > 0,
            )
        ).one()
        released += count
        amount += int(cents)
    return {
        "locked": session.scalar(waiting) or 0,
        "released": released,
        "released_amount": amount,
    }


def _tell(session: Session, released: list[Released]) -> None:
    """One fact an affiliate, not one a part: a statement lists the parts."""
    by_affiliate = {each.affiliate_id: each for each in released if each.amount}
    profiles = session.scalars(_PROFILES, {"keys": list(by_affiliate)})
    told = [(profile, _facts(by_affiliate[profile.user_id])) for profile in profiles]
    emit_all(session, "affiliation.commissions_matured", told, actor=SYSTEM)


_PROFILES = (
    select(AffiliateProfile)
    .where(AffiliateProfile.user_id.in_(bindparam("keys", expanding=True)))
    .order_by(AffiliateProfile.user_id)
    .options(load_only(AffiliateProfile.user_id))
)


def _facts(released: Released) -> dict[str, Any]:
    return {
        "affiliate_id": released.affiliate_id,
        "parts": released.parts,
        "released_amount": released.amount,
    }


def _withdrawal_right() -> timedelta:
    return timedelta(days=current_settings().withdrawal_right_days)
