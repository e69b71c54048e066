"""What Prometheus reads of the whole house: queues, jobs, outbox, charges, the ledger's proof.

Read when it is asked for, by few and small statements, so that every process answers the
same. A source that is away costs its own figures only, and ``metrics_source_up`` says so.
"""

import logging
import time
from collections.abc import Iterable, Iterator
from datetime import timedelta

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily as Gauge
from prometheus_client.core import Metric
from prometheus_client.registry import Collector
from redis.exceptions import RedisError
from rq import Queue
from rq.exceptions import NoSuchJobError
from rq.job import Job
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from models import clock
from models.billing.figures import charges_by_outcome
from models.oversight import JobRun, RunStatus
from models.oversight.figures import last_ended_runs, outbox_lag, runs_by_status
from models.oversight.periodic import QUEUES, scheduled_jobs
from models.quick_redis import brief_connection
from models.session import staff_reading

log = logging.getLogger(__name__)

LEDGER_PROOF = "ledger-verify"
LATELY = timedelta(hours=1)


def machine_figures() -> bytes:
    """The figures in Prometheus's own form."""
    registry = CollectorRegistry()
    registry.register(_Machine())
    return generate_latest(registry)


class _Machine(Collector):
    def collect(self) -> Iterator[Metric]:
        up = Gauge(
            "metrics_source_up", "Whether a source of these figures answered", labels=["source"]
        )
        for source, read in (("database", _of_database), ("redis", _of_redis)):
            try:
                figures = list(read())
            except (SQLAlchemyError, RedisError) as reason:
                log.warning("figures not read", extra={"part": source, "reason": str(reason)})
                up.add_metric([source], 0)
            else:
                yield from figures
                up.add_metric([source], 1)
        yield up


def _of_database() -> Iterator[Metric]:
    with staff_reading() as session:
        session.execute(text("SET LOCAL statement_timeout = '2s'"))
        yield from _outbox(session)
        yield from _charges(session)
        yield from _job_runs(session)


def _outbox(session: Session) -> Iterator[Metric]:
    waiting, oldest = outbox_lag(session)
    lag = (clock.now() - oldest).total_seconds() if oldest else 0
    yield Gauge("outbox_waiting", "Facts not told to all listeners", value=waiting)
    yield Gauge("outbox_lag_seconds", "Since when the oldest of them waits", value=lag)


def _charges(session: Session) -> Iterator[Metric]:
    figures = Gauge("charges_last_hour", "Charges asked for within an hour", labels=["outcome"])
    for outcome, count in charges_by_outcome(session, clock.now() - LATELY).items():
        figures.add_metric([outcome.value], count)
    yield figures


def _job_runs(session: Session) -> Iterator[Metric]:
    figures = Gauge(
        "job_runs_last_hour", "Runs of scheduled jobs within an hour", labels=["job", "status"]
    )
    for name, status, count in runs_by_status(session, clock.now() - LATELY):
        figures.add_metric([name, status.value], count)
    yield figures
    last = last_ended_runs(session, scheduled_jobs())
    yield from _last_runs(last)
    for run in last:
        if run.name == LEDGER_PROOF:
            yield Gauge(
                "ledger_holds", "Whether its last proof found no difference", value=_holds(run)
            )


def _last_runs(runs: Iterable[JobRun]) -> Iterator[Metric]:
    ended = Gauge("job_last_end_timestamp_seconds", "Its last end", labels=["job"])
    took = Gauge("job_last_run_seconds", "How long it took then", labels=["job"])
    errors = Gauge("job_last_run_errors", "Errors that it had then", labels=["job"])
    for run in runs:
        if run.ended_at is None or run.started_at is None:
            continue
        ended.add_metric([run.name], run.ended_at.timestamp())
        took.add_metric([run.name], (run.ended_at - run.started_at).total_seconds())
        errors.add_metric([run.name], run.errors)
    yield from (ended, took, errors)


def _holds(proof: JobRun) -> bool:
    return (
        proof.status is RunStatus.DONE and not proof.errors and proof.counts.get("differences") == 0
    )


def _of_redis() -> Iterator[Metric]:
    depth = Gauge("queue_depth", "Jobs that wait for a worker", labels=["queue"])
    age = Gauge("queue_oldest_seconds", "Since when the first waits", labels=["queue"])
    with brief_connection() as redis:
        for name in QUEUES:
            queue = Queue(name, connection=redis)
            depth.add_metric([name], queue.count)
            age.add_metric([name], _age_of_first(queue))
    yield from (depth, age)


def _age_of_first(queue: Queue) -> float:
    """Seconds since the job that is next was queued; 0 where none waits any more."""
    for job_id in queue.get_job_ids(0, 1):
        try:
            queued_at = Job.fetch(job_id, connection=queue.connection).enqueued_at
        except NoSuchJobError:
            return 0
        return max(0.0, time.time() - queued_at.timestamp()) if queued_at else 0
    return 0
