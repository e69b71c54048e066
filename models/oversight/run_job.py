"""Runs of scheduled jobs: falling due, being asked for by hand, beginning and ending."""

from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, Table, bindparam, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models import clock
from models.errors import N_, BadInput, Missing
from models.ids import new_id
from models.oversight.actor import Actor
from models.oversight.emit import emit
from models.oversight.job_run import JobRun, RunStatus
from models.oversight.periodic import periodic_named
from models.session import defer

UNTOUCHED = timedelta(minutes=3)
"""How long a run may wait in a queue before it is asked for again."""

LONGEST = timedelta(hours=2)
"""Beyond this a run that never ended was killed, and may begin again."""


class NoDryRun(BadInput):
    code = "no_dry_run"
    message = N_("This job has no dry run.")


def tick(session: Session, name: str, *, now: datetime) -> UUID | None:
    """Ask for the run that fell due last, unless any scheduler already has.

    Answers the new run's key, or None. The unique (name, due instant) decides between
    schedulers; ticks missed while none ran are caught up by this one. Raises UnknownJob.
    """
    due_at = periodic_named(name).due_until(now)
    run_id = session.scalar(_ONLY_ONE, {"id": new_id(), "name": name, "due_at": due_at})
    if run_id is not None:
        defer(session, name, str(run_id))
    return run_id


_RUNS = cast(Table, JobRun.__table__)
_ONLY_ONE = (
    insert(_RUNS).on_conflict_do_nothing(index_elements=["name", "due_at"]).returning(_RUNS.c.id)
)


def run_now(
    session: Session,
    name: str,
    *,
    actor: Actor,
    dry_run: bool = False,
    trigger: str = "manual",
) -> JobRun:
    """Ask for a run at once, beside the schedule. Its row says how it went.

    Raises UnknownJob, and NoDryRun for a dry run that the job does not have. Asked twice in
    the same instant it runs once.
    """
    if dry_run > periodic_named(name).dry_run:
        raise NoDryRun
    now = clock.now()
    asked = session.scalar(select(JobRun).where(JobRun.name == name, JobRun.due_at == now))
    if asked is not None:
        return asked
    run = JobRun(name=name, due_at=now, trigger=trigger, dry_run=dry_run)
    session.add(run)
    emit(session, "oversight.job_asked", run, actor=actor)
    defer(session, name, str(run.id))
    return run


def begin_run(session: Session, run_id: UUID, *, now: datetime, longest: timedelta) -> bool:
    """Take a run up; False where it is done or at work elsewhere. Raises Missing.

    One that failed or was killed may be taken up again: ``longest`` is how long it can
    have been at work at most.
    """
    run = JobRun.for_update(session, run_id)
    at_work = (
        run.status is RunStatus.RUNNING
        and run.started_at is not None
        and run.started_at > now - longest
    )
    if run.status is RunStatus.DONE or at_work:
        return False
    run.status, run.started_at, run.ended_at, run.error = RunStatus.RUNNING, now, None, None
    return True


def begin_due_run(session: Session, name: str, *, due_at: datetime, now: datetime) -> UUID | None:
    """Begin the run of one due instant at once; None where that instant has its run already."""
    return session.scalar(
        _ONLY_ONE,
        {
            "id": new_id(),
            "name": name,
            "due_at": due_at,
            "status": RunStatus.RUNNING,
            "started_at": now,
        },
    )


def end_run(
    session: Session,
    run_id: UUID,
    *,
    actor: Actor,
    now: datetime,
    counts: dict[str, Any] | None = None,
    error: str | None = None,
) -> None:
    """Say how a run ended: what it counted, and the error that broke it off, if one did.

    Any error is an event, of which the owner is told. Raises Missing.
    """
    counted = dict(counts or {})
    errors = int(counted.pop("errors", 0)) + (error is not None)
    if not errors:
        done = session.execute(_DONE, {"key": run_id, "at": now, "counted": counted})
        if not cast(CursorResult[Any], done).rowcount:
            raise Missing
        return
    run = JobRun.for_update(session, run_id)
    run.status = RunStatus.DONE if error is None else RunStatus.FAILED
    run.ended_at, run.counts, run.error, run.errors = now, counted, error, errors
    emit(session, "oversight.job_failed", run, actor=actor, data={"job": run.name})


_DONE = (
    update(_RUNS)
    .where(_RUNS.c.id == bindparam("key"))
    .values(
        status=RunStatus.DONE,
        ended_at=bindparam("at"),
        counts=bindparam("counted", type_=_RUNS.c.counts.type),
        error=None,
        errors=0,
    )
)


def ask_again(session: Session, *, now: datetime) -> int:
    """Ask again for runs that no worker took up, or whose worker was killed."""
    runs = session.scalars(
        select(JobRun)
        .where(
            JobRun.status.in_([RunStatus.QUEUED, RunStatus.RUNNING]),
            or_(
                (JobRun.status == RunStatus.QUEUED) & (JobRun.created_at < now - UNTOUCHED),
                JobRun.started_at < now - LONGEST,
            ),
        )
        .order_by(JobRun.id)
        .limit(100)
    ).all()
    for run in runs:
        defer(session, run.name, str(run.id))
    return len(runs)
