"""What the last 90 days' commissions would have looked like under a draft of the lock table."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Integer, Numeric, Text, and_, cast, column, func, select, values
from sqlalchemy.orm import Session

from models.affiliation.commission import Commission
from models.affiliation.edit_lock_rules import LockRow, check_rows
from models.affiliation.lock_rule import LockProfile

LOOKED_AT = timedelta(days=90)


@dataclass(frozen=True)
class Imagined:
    """One profile's commissions: how many, their cents, the main part, and what would be
    unlocked by now; as they are, and as the draft would have made them."""

    profile: LockProfile
    commissions: int
    total: int
    main: int
    main_drafted: int
    unlocked: int
    unlocked_drafted: int


def imagine_rules(session: Session, rows: Sequence[LockRow], *, now: datetime) -> list[Imagined]:
    """Split and date the commissions of the last 90 days by draft rows; changes nothing.

    Each stays in the profile that it was made by, and clawbacks are left aside. One
    statement. Raises BadLockRules.
    """
    check_rows(rows)
    draft = values(
        column("profile", Text),
        column("main_percent", Numeric),
        column("main_days", BigInteger),
        column("extended_days", BigInteger),
        name="draft",
    ).data(
        [(row.profile.value, row.main_percent, row.main_days, row.extended_days) for row in rows]
    )
    main = cast(func.floor(Commission.total_amount * draft.c.main_percent / 100), BigInteger)
    rest = Commission.total_amount - main
    is_open = _after(draft.c.main_days) <= now
    is_all_open = _after(draft.c.extended_days) <= now
    found = session.execute(
        select(
            draft.c.profile,
            func.count(),
            func.sum(Commission.total_amount),
            func.sum(Commission.main_amount),
            func.sum(main),
            _sum(Commission.main_amount, Commission.locked_until <= now)
            + _sum(Commission.extended_amount, Commission.extended_locked_until <= now),
            _sum(main, is_open) + _sum(rest, is_all_open),
        )
        .join(draft, draft.c.profile == Commission.explanation["lock_profile"].as_string())
        .where(and_(Commission.earned_at > now - LOOKED_AT, Commission.earned_at <= now))
        .group_by(draft.c.profile)
    )
    by_profile = {row[0]: [int(figure) for figure in row[1:]] for row in found}
    return [
        Imagined(row.profile, *by_profile[row.profile.value])
        for row in rows
        if row.profile.value in by_profile
    ]


def _after(days: Any) -> Any:
    """When a part earned at some instant unlocks: 24-hour days later."""
    return Commission.earned_at + func.make_interval(0, 0, 0, 0, cast(days * 24, Integer))


def _sum(amount: Any, condition: Any) -> Any:
    return func.coalesce(func.sum(amount).filter(condition), 0)
