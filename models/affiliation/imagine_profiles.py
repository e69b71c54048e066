"""How a commission would have been split and dated, had its affiliate been in another profile."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.affiliation.commission import Commission
from models.affiliation.lock_rule import LockProfile, LockRule
from models.affiliation.reckon_commission import split_total


@dataclass(frozen=True)
class Imagined:
    """The parts in cents under one profile and when each unlocks; ``is_real``: as it is."""

    profile: LockProfile
    main: int
    main_until: datetime
    extended: int
    extended_until: datetime
    is_real: bool


def imagine_profiles(session: Session, commission: Commission) -> list[Imagined]:
    """A commission under each row of the version of the lock table that it was made by.

    Clawbacks are left aside, and so is what was locked anew since; changes nothing.
    """
    rules = session.scalars(
        select(LockRule)
        .where(LockRule.version_id == commission.lock_rule_version_id)
        .order_by(LockRule.position)
    )
    mine = commission.explanation.get("lock_profile")
    return [_under(rule, commission, mine == rule.profile) for rule in rules]


def _under(rule: LockRule, commission: Commission, is_real: bool) -> Imagined:
    main, extended = split_total(commission.total_amount, rule.main_percent)
    return Imagined(
        rule.profile,
        main,
        commission.earned_at + timedelta(days=rule.main_days),
        extended,
        commission.earned_at + timedelta(days=rule.extended_days),
        is_real,
    )
