"""The machine in figures: what failed lately and what waits."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import ARRAY, Text, cast, func, select, true
from sqlalchemy.orm import Session, aliased

from models.ids import first_id_at
from models.oversight.job_run import JobRun, RunStatus
from models.oversight.mail import MailStatus, OutgoingMail
from models.oversight.outbox import OutboxEvent


def failed_runs_since(session: Session, since: datetime) -> int:
    """How many runs of jobs had errors since an instant."""
    return (
        session.scalar(
            select(func.count()).where(JobRun.id >= first_id_at(since), JobRun.errors > 0)
        )
        or 0
    )


def mails_waiting(session: Session, *, now: datetime) -> int:
    """How many mails should have been sent by now; one kept for a later day does not wait."""
    return (
        session.scalar(
            select(func.count()).where(
                OutgoingMail.status == MailStatus.QUEUED, OutgoingMail.next_try_at <= now
            )
        )
        or 0
    )


def events_waiting(session: Session) -> int:
    """How many facts have not reached their listeners yet."""
    return session.scalar(select(func.count()).where(OutboxEvent.dispatched_at.is_(None))) or 0


def runs_by_status(session: Session, since: datetime) -> Sequence[tuple[str, RunStatus, int]]:
    """How many runs each job had since an instant, by how they stand."""
    rows = session.execute(
        select(JobRun.name, JobRun.status, func.count())
        .where(JobRun.id >= first_id_at(since))
        .group_by(JobRun.name, JobRun.status)
    )
    return [(name, status, count) for name, status, count in rows]


def last_ended_runs(session: Session, names: Iterable[str]) -> Sequence[JobRun]:
    """Of each job the last run that came to an end, dry ones left out; none for one without."""
    named = func.unnest(cast(list(names), ARRAY(Text))).table_valued("name").render_derived()
    last = (
        select(JobRun)
        .where(JobRun.name == named.c.name, JobRun.ended_at.is_not(None), JobRun.dry_run.is_(False))
        .order_by(JobRun.id.desc())
        .limit(1)
        .lateral()
    )
    runs = select(aliased(JobRun, last)).select_from(named).join(last, true())
    return session.scalars(runs).all()


def outbox_lag(session: Session, *, most: int = 10_000) -> tuple[int, datetime | None]:
    """How many facts wait for their listeners (``most`` at most), and since when the first does."""
    waiting = select(OutboxEvent.id, OutboxEvent.created_at).where(
        OutboxEvent.dispatched_at.is_(None)
    )
    counted = waiting.limit(most).subquery()
    oldest = session.scalar(
        waiting.with_only_columns(OutboxEvent.created_at).order_by(OutboxEvent.id).limit(1)
    )
    return session.scalar(select(func.count()).select_from(counted)) or 0, oldest
