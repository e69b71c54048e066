"""Editing the lock table: each edit is a new version, in force from its date."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.affiliation.lock_rule import LockProfile, LockRule, LockRuleVersion, rules_in_force
from models.errors import N_, BadInput, DomainError
from models.oversight import Actor, emit


@dataclass(frozen=True)
class LockRow:
    """One row as it shall be: percents of the total, 24-hour days. The ages never move."""

    profile: LockProfile
    main_percent: Decimal
    main_days: int
    extended_percent: Decimal
    extended_days: int


class BadLockRules(BadInput):
    code = "bad_lock_rules"


class LockRulesChanged(DomainError):
    """Somebody else put a version in force after this one's table was opened."""

    code = "lock_rules_changed"
    message = N_(
        "The rules were changed since you opened them: version %(version)s is in force, as shown "
        "below. Nothing of yours was saved yet. Look, then put yours in force to replace it."
    )


def edit_lock_rules(
    session: Session,
    rows: Sequence[LockRow],
    *,
    actor: Actor,
    now: datetime,
    note: str = "",
    opened: int | None = None,
) -> LockRuleVersion:
    """Put a new version of the lock table in force from now; rows not given stay as they are.

    Commissions already earned keep the version they were made with. Where nothing differs,
    the version in force is answered. ``opened``: the version that the rows were typed over.
    Raises BadLockRules naming the row, LockRulesChanged where another is in force by now.
    """
    newest = _newest_version(session)
    now = max(now, newest.valid_from)  # an edit that waited for another comes after it
    wanted = check_rows(rows)
    former = rules_in_force(session, now)
    if all(_row_of(rule) == wanted.get(rule.profile, _row_of(rule)) for rule in former):
        return LockRuleVersion.get(session, former[0].version_id)
    if opened not in (None, newest.version):
        raise LockRulesChanged(version=newest.version)
    version = LockRuleVersion(
        version=newest.version + 1, valid_from=now, created_by=actor.user_id, note=note
    )
    session.add(version)
    session.flush()
    for rule in former:
        session.add(_copy(rule, wanted.get(rule.profile, _row_of(rule)), version))
    told = {row.profile.value: _words(row) for row in rows}
    emit(session, "affiliation.lock_rules_edited", version, actor=actor, data=told, reason=note)
    return version


def check_rows(rows: Sequence[LockRow]) -> dict[LockProfile, LockRow]:
    """The rows by their profile. Raises BadLockRules naming the first that cannot be."""
    by_profile = {row.profile: row for row in rows}
    if len(by_profile) < len(rows):
        raise BadLockRules(N_("Each profile once, please."))
    for row in rows:
        _check(row)
    return by_profile


def _newest_version(session: Session) -> LockRuleVersion:
    """The newest version, once no other edit is under way.

    The first version's row is the lock: it stays the same one while an edit waits. The weaker
    lock lets commissions point at it meanwhile.
    """
    versions = select(LockRuleVersion).order_by(LockRuleVersion.version)
    session.scalars(versions.limit(1).with_for_update(key_share=True)).one()
    newest = versions.order_by(None).order_by(LockRuleVersion.version.desc()).limit(1)
    return session.scalars(newest).one()


def _check(row: LockRow) -> None:
    if row.main_percent + row.extended_percent != 100 or not 0 <= row.main_percent <= 100:
        raise BadLockRules(
            N_("%(profile)s: the two parts must add up to 100 %%."), profile=row.profile.value
        )
    if not 0 <= row.main_days <= row.extended_days <= 3650:
        raise BadLockRules(
            N_("%(profile)s: the extended part cannot unlock before the main one."),
            profile=row.profile.value,
        )
    if row.main_percent != round(row.main_percent, 2):
        raise BadLockRules(
            N_("%(profile)s: at most two decimals, please."), profile=row.profile.value
        )


def _row_of(rule: LockRule) -> LockRow:
    return LockRow(
        rule.profile, rule.main_percent, rule.main_days, rule.extended_percent, rule.extended_days
    )


def _copy(rule: LockRule, row: LockRow, version: LockRuleVersion) -> LockRule:
    return LockRule(
        version_id=version.id,
        position=rule.position,
        profile=rule.profile,
        min_age=rule.min_age,
        main_percent=row.main_percent,
        main_days=row.main_days,
        extended_percent=row.extended_percent,
        extended_days=row.extended_days,
    )


def _words(row: LockRow) -> str:
    return f"{row.main_percent} % {row.main_days} d, {row.extended_percent} % {row.extended_days} d"
