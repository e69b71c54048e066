"""Performing jobs: what a worker calls, and the same in-process for simulations."""

import logging
import time
import traceback
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from rq import get_current_job

from jobs.queue import JOBS, Job, ids_of, load_jobs
from models import clock
from models.errors import DomainError
from models.oversight import SYSTEM, JobRun
from models.oversight.periodic import scheduled_jobs
from models.oversight.run_job import begin_due_run, begin_run, end_run
from models.session import unit_of_work

log = logging.getLogger(__name__)


def perform(name: str, *args: Any) -> None:
    """What a worker calls. A refusal is an answer and ends the job; a crash is tried again.

    A scheduled job that is given the key of its ``job_runs`` row keeps that row up to date.
    """
    load_jobs()
    job, running = JOBS[name], get_current_job()
    with structlog.contextvars.bound_contextvars(job=name, job_id=running.id if running else None):
        if args and name in scheduled_jobs():
            repeated = _was_abandoned(job, running)
            _timed(lambda: _perform_run(job, UUID(args[0]), is_repeated=repeated))
        else:
            _timed(lambda: job.function(*args))


def perform_here(name: str, args: tuple[Any, ...] = ()) -> None:
    """Perform a job in this process instead of queueing it; fits ``models.session.send_with``."""
    perform(name, *ids_of(args))


def run_periodic(name: str, due_at: datetime) -> bool:
    """Run a scheduled job for one due instant in this process, without any queue.

    Answers whether it ran: not where that instant already had its run.
    """
    load_jobs()
    with unit_of_work() as session:
        run_id = begin_due_run(session, name, due_at=due_at, now=clock.now())
    if run_id is None:
        return False
    _work(JOBS[name].function, run_id)
    return True


def _timed(work: Callable[[], Any]) -> None:
    started = time.monotonic()
    try:
        work()
    except DomainError as refusal:
        log.warning("job.refused", extra={"code": refusal.code})
    except Exception:
        log.exception("job.crashed", extra={"seconds": round(time.monotonic() - started, 3)})
        raise
    else:
        log.info("job.done", extra={"seconds": round(time.monotonic() - started, 3)})


def _was_abandoned(job: Job, running: Any) -> bool:
    """Whether RQ runs this very job again: the worker that had it is dead, or it crashed."""
    left = None if running is None else running.retries_left
    return left is not None and left < len(job.retry)


def _perform_run(job: Job, run_id: UUID, *, is_repeated: bool) -> None:
    """Run a scheduled job under its row; a crash is written down before it goes on.

    A repeated one takes the run of its dead worker over at once, rather than when the
    longest that it could have been at work is over.
    """
    with unit_of_work() as session:
        at_work = timedelta() if is_repeated else timedelta(seconds=job.timeout + 30)
        if not begin_run(session, run_id, now=clock.now(), longest=at_work):
            return
        dry_run = JobRun.get(session, run_id).dry_run
    _work(partial(job.function, dry_run=True) if dry_run else job.function, run_id)


def _work(function: Callable[[], dict[str, Any] | None], run_id: UUID) -> None:
    try:
        counts = function()
    except Exception as crash:
        _end(run_id, error="".join(traceback.format_exception(crash))[-4000:])
        raise
    _end(run_id, counts=counts)


def _end(run_id: UUID, *, counts: dict[str, Any] | None = None, error: str | None = None) -> None:
    with unit_of_work() as session:
        end_run(session, run_id, actor=SYSTEM, now=clock.now(), counts=counts, error=error)
