"""The lock table: how a commission is split and how long its parts wait, as versioned data.

The first version is document 04's table; each edit is a new version with its date, and a
commission keeps the version it was made with.
"""

import enum
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Numeric, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from models.base import Base, Keyed, enum_of


class LockProfile(enum.StrEnum):
    NEW = "NEW"
    RECENT = "RECENT"
    VALIDATED = "VALIDATED"
    TRUSTED = "TRUSTED"
    AT_RISK = "AT_RISK"
    HIGH_RISK = "HIGH_RISK"
    EXTREME_RISK = "EXTREME_RISK"


class LockRuleVersion(Keyed, Base):
    """One edition of the lock table, in force from ``valid_from`` until the next one."""

    __tablename__ = "lock_rule_versions"

    version: Mapped[int] = mapped_column(unique=True)
    valid_from: Mapped[datetime]
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    note: Mapped[str] = mapped_column(default="")

    rules: Mapped[list["LockRule"]] = relationship(lazy="raise", order_by="LockRule.position")

    def __str__(self) -> str:
        return f"v{self.version}"


class LockRule(Keyed, Base):
    """One row: ``min_age`` is the affiliate's age in whole days from which it holds (ages
    only; None for risk levels); percents are of the total; days are 24-hour days."""

    __tablename__ = "lock_rules"
    __table_args__ = (
        UniqueConstraint("version_id", "profile"),
        CheckConstraint("main_percent + extended_percent = 100", name="percents_add_up"),
        CheckConstraint("main_percent between 0 and 100", name="main_percent_sane"),
        CheckConstraint("main_days between 0 and extended_days", name="days_in_order"),
    )

    version_id: Mapped[UUID] = mapped_column(ForeignKey("lock_rule_versions.id"))
    position: Mapped[int]
    profile: Mapped[LockProfile] = mapped_column(enum_of(LockProfile, "profile"))
    min_age: Mapped[int | None]
    main_percent: Mapped[Decimal] = mapped_column(Numeric(5, 2))
    main_days: Mapped[int]
    extended_percent: Mapped[Decimal] = mapped_column(Numeric(5, 2))
    extended_days: Mapped[int]


def rules_in_force(session: Session, at: datetime) -> Sequence[LockRule]:
    """The rows of the version in force at an instant, in order."""
    newest = (
        select(LockRuleVersion.id)
        .where(LockRuleVersion.valid_from <= at)
        .order_by(LockRuleVersion.valid_from.desc(), LockRuleVersion.version.desc())
        .limit(1)
        .scalar_subquery()
    )
    return session.scalars(
        select(LockRule).where(LockRule.version_id == newest).order_by(LockRule.position)
    ).all()


def first_rules_from(session: Session) -> datetime:
    """From when on there is a lock table; before, no commission could be locked by one."""
    return session.scalars(select(func.min(LockRuleVersion.valid_from))).one()
