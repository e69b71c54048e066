"""Runs of scheduled jobs: one row per name and due instant, whoever's clock ticked first."""

import enum
from datetime import datetime

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models import clock
from models.base import Base, Cleaned, Json, Keyed, enum_of


class RunStatus(enum.StrEnum):
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    DONE = "DONE"
    FAILED = "FAILED"


class JobRun(Keyed, Base):
    """One run: why it ran (``schedule``, ``manual``, ``cron``), what it did, how it ended."""

    __tablename__ = "job_runs"
    __table_args__ = (
        UniqueConstraint("name", "due_at"),
        Index("ix_job_runs_name_id", "name", "id"),
    )

    name: Mapped[str]
    due_at: Mapped[datetime]
    trigger: Mapped[str] = mapped_column(default="schedule")
    dry_run: Mapped[bool] = mapped_column(default=False)
    status: Mapped[RunStatus] = mapped_column(
        enum_of(RunStatus, "status"), default=RunStatus.QUEUED
    )
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    counts: Mapped[Json] = mapped_column(default=dict)
    errors: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None] = mapped_column(Cleaned)
