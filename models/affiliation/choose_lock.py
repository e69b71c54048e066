"""Choosing the row of the lock table: by risk level, else by the affiliate's age."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from models.affiliation.lock_rule import LockProfile, LockRule, LockRuleVersion, rules_in_force
from models.affiliation.profile import AffiliateProfile, RiskLevel

A_DAY = timedelta(days=1)


@dataclass(frozen=True)
class ChosenLock:
    """The row that applies, its version, and the age in whole days that it was chosen by."""

    rule: LockRule
    version: LockRuleVersion
    age_days: int


def age_in_days(affiliate: AffiliateProfile, at: datetime) -> int:
    """Whole 24-hour days since the affiliate's first commission; 0 where there is none."""
    if affiliate.first_commission_at is None:
        return 0
    return max(0, (at - affiliate.first_commission_at) // A_DAY)


def choose_lock(session: Session, affiliate: AffiliateProfile, *, at: datetime) -> ChosenLock:
    """The row of the version in force at an instant. A risk level overrides the age."""
    age = age_in_days(affiliate, at)
    rules = rules_in_force(session, at)
    if affiliate.risk_level is not RiskLevel.NORMAL:
        wanted = LockProfile(affiliate.risk_level.value)
        rule = next(rule for rule in rules if rule.profile is wanted)
    else:
        by_age = [rule for rule in rules if rule.min_age is not None and rule.min_age <= age]
        rule = max(by_age, key=lambda rule: rule.min_age or 0)
    return ChosenLock(rule, LockRuleVersion.get(session, rule.version_id), age)
