"""Locking anew: the dates that commissions still locked would have under another risk level."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from models import clock
from models.affiliation.choose_lock import row_for
from models.affiliation.commission import Commission, CommissionStatus
from models.affiliation.lock_rule import LockRule
from models.affiliation.profile import RiskLevel


@dataclass(frozen=True)
class Unlock:
    """What unlocks on one business day, in cents."""

    on: date
    amount: int


@dataclass(frozen=True)
class Dates:
    """A commission's days and unlock dates."""

    main_days: int
    extended_days: int
    main_until: datetime
    extended_until: datetime


def relock_commissions(
    session: Session, affiliate_id: UUID, level: RiskLevel, *, now: datetime
) -> int:
    """Give an affiliate's locked parts the dates of a level, where those are later.

    Answers how many commissions wait longer now; a second call changes none. The rows of the
    version that a commission was made with count; its split stays as it is.
    """
    waiting = session.scalars(
        select(Commission)
        .where(*locked_commissions(affiliate_id))
        .order_by(Commission.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    rules = _rules(session, waiting)
    changed = 0
    for commission in waiting:
        dates = lengthened(commission, rules[commission.lock_rule_version_id], level)
        changed += _take(commission, dates, level, now)
    return changed


def locked_commissions(affiliate_id: UUID) -> tuple[Any, ...]:
    """Conditions for an affiliate's commissions of which something is still locked."""
    return (
        Commission.affiliate_id == affiliate_id,
        Commission.status != CommissionStatus.CLAWED_BACK,
        or_(Commission.main_matured_at.is_(None), Commission.extended_matured_at.is_(None)),
    )


def unlocks(
    session: Session, commissions: Sequence[Commission], level: RiskLevel | None
) -> list[Unlock]:
    """What unlocks when, by business day: as things stand, or if locked anew under a level."""
    rules = _rules(session, commissions) if level else {}
    days: dict[date, int] = {}
    for commission in commissions:
        dates = (
            lengthened(commission, rules[commission.lock_rule_version_id], level)
            if level
            else _as_they_stand(commission)
        )
        for until, matured_at, left in (
            (dates.main_until, commission.main_matured_at, commission.main_left),
            (dates.extended_until, commission.extended_matured_at, commission.extended_left),
        ):
            if matured_at is None and left:
                on = clock.paris(until).date()
                days[on] = days.get(on, 0) + left
    return [Unlock(on, amount) for on, amount in sorted(days.items())]


def lengthened(commission: Commission, rules: Sequence[LockRule], level: RiskLevel) -> Dates:
    """The dates under a level, each never earlier than it is."""
    age = int((commission.explanation or {}).get("age_days") or 0)
    rule, former = row_for(rules, level, age), _as_they_stand(commission)
    main = commission.earned_at + timedelta(days=rule.main_days)
    extended = commission.earned_at + timedelta(days=rule.extended_days)
    if commission.main_matured_at or main <= former.main_until:
        main_days, main = former.main_days, former.main_until
    else:
        main_days = rule.main_days
    if commission.extended_matured_at or extended <= former.extended_until:
        return Dates(main_days, former.extended_days, main, former.extended_until)
    return Dates(main_days, rule.extended_days, main, extended)


def _as_they_stand(commission: Commission) -> Dates:
    return Dates(
        commission.main_lock_days,
        commission.extended_lock_days,
        commission.locked_until,
        commission.extended_locked_until,
    )


def _take(commission: Commission, dates: Dates, level: RiskLevel, now: datetime) -> bool:
    former = _as_they_stand(commission)
    if dates == former:
        return False
    commission.main_lock_days, commission.extended_lock_days = dates.main_days, dates.extended_days
    commission.locked_until = dates.main_until
    commission.extended_locked_until = dates.extended_until
    told = {
        "at": now.isoformat(),
        "risk_level": level.value,
        "locked_until": former.main_until.isoformat(),
        "extended_locked_until": former.extended_until.isoformat(),
    }
    explanation = dict(commission.explanation or {})
    explanation["relocked"] = [*explanation.get("relocked", ()), told]
    commission.explanation = explanation
    return True


def _rules(session: Session, commissions: Iterable[Commission]) -> dict[UUID, list[LockRule]]:
    """The rows of every version that these commissions were made with."""
    versions = {commission.lock_rule_version_id for commission in commissions}
    found: dict[UUID, list[LockRule]] = {}
    for rule in session.scalars(
        select(LockRule).where(LockRule.version_id.in_(versions)).order_by(LockRule.position)
    ):
        found.setdefault(rule.version_id, []).append(rule)
    return found
