"""Choosing the row of the lock table: by risk level, else by the affiliate's age."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from models.affiliation.lock_rule import LockProfile, LockRule, LockRuleVersion
from models.affiliation.profile import AffiliateProfile, RiskLevel

A_DAY = timedelta(days=1)


@dataclass(frozen=True)
class ChosenLock:
    """The row that applies, its version, and the age in whole days that it was chosen by."""

    rule: LockRule
    version: LockRuleVersion
    age_days: int


@dataclass(frozen=True)
class LockTable:
    """The editions of the lock table that were in force at some time of a span, oldest first."""

    editions: Sequence[tuple[LockRuleVersion, Sequence[LockRule]]]

    def choose(
        self, level: RiskLevel, first_commission_at: datetime | None, *, at: datetime
    ) -> ChosenLock:
        """The row of the edition in force at an instant. A risk level overrides the age."""
        version, rules = [each for each in self.editions if each[0].valid_from <= at][-1]
        age = age_in_days(first_commission_at, at)
        return ChosenLock(row_for(rules, level, age), version, age)


def row_for(rules: Sequence[LockRule], level: RiskLevel, age_days: int) -> LockRule:
    """The row of one edition for a level, else for an age in whole days."""
    if level is not RiskLevel.NORMAL:
        wanted = LockProfile(level.value)
        return next(rule for rule in rules if rule.profile is wanted)
    by_age = [rule for rule in rules if rule.min_age is not None and rule.min_age <= age_days]
    return max(by_age, key=lambda rule: rule.min_age or 0)


def age_in_days(first_commission_at: datetime | None, at: datetime) -> int:
    """Whole 24-hour days since the affiliate's first commission; 0 where there is none."""
    if first_commission_at is None:
        return 0
    return max(0, (at - first_commission_at) // A_DAY)


def lock_table(session: Session, *, since: datetime, until: datetime) -> LockTable:
    """Every edition in force at some instant between two, both included; one statement."""
    found: dict[LockRuleVersion, list[LockRule]] = {}
    for version, rule in session.execute(_IN_FORCE, {"since": since, "until": until}):
        found.setdefault(version, []).append(rule)
    return LockTable(list(found.items()))


_IN_FORCE = (
    select(LockRuleVersion, LockRule)
    .join(LockRule, LockRule.version_id == LockRuleVersion.id)
    .where(
        LockRuleVersion.valid_from
        >= select(func.max(LockRuleVersion.valid_from))
        .where(LockRuleVersion.valid_from <= bindparam("since"))
        .scalar_subquery(),
        LockRuleVersion.valid_from <= bindparam("until"),
    )
    .order_by(LockRuleVersion.valid_from, LockRuleVersion.version, LockRule.position)
)


def choose_lock(session: Session, affiliate: AffiliateProfile, *, at: datetime) -> ChosenLock:
    """The row that an affiliate's commission of an instant is locked by."""
    table = lock_table(session, since=at, until=at)
    return table.choose(affiliate.risk_level, affiliate.first_commission_at, at=at)
