"""The queues as Redis holds them: how long, how many workers, which jobs failed and why."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.exceptions import NoSuchJobError
from rq.job import Job
from rq.registry import FailedJobRegistry

from models.oversight.periodic import QUEUES
from models.quick_redis import brief_connection

MOST_FAILED = 50


@dataclass(frozen=True)
class QueueNow:
    """One queue: how many wait, how many failed."""

    name: str
    waiting: int
    failed: int


@dataclass(frozen=True)
class Failed:
    """One failed job with the end of its traceback."""

    id: str
    queue: str
    name: str
    ended_at: datetime | None
    traceback: str


def queues_now() -> tuple[list[QueueNow], int | None, list[Failed]]:
    """Queues, the number of workers (None while Redis is away) and what failed."""
    try:
        with brief_connection() as redis:
            found, failed = [], []
            for name in QUEUES:
                queue = Queue(name, connection=redis)
                registry = FailedJobRegistry(queue=queue)
                ids = registry.get_job_ids(cleanup=False)
                found.append(QueueNow(name, queue.count, len(ids)))
                failed += [_told(job, name) for job in _fetch(ids, redis)]
            return found, len(Worker.all(connection=redis)), failed[:MOST_FAILED]
    except RedisError:
        return [], None, []


def _fetch(ids: list[str], redis: Redis) -> list[Any]:
    return [job for job in Job.fetch_many(ids[-MOST_FAILED:], connection=redis) if job]


def _told(job: Job, queue: str) -> Failed:
    result = job.latest_result()
    text = (result.exc_string if result else None) or ""
    return Failed(job.id, queue, job.description or job.func_name or "", job.ended_at, text[-4000:])


def retry_job(job_id: str, queue: str) -> bool:
    """Put a failed job back on its queue; False where it is gone."""
    return _with_failed(job_id, queue, lambda registry: registry.requeue(job_id))


def discard_job(job_id: str, queue: str) -> bool:
    """Forget a failed job; False where it is gone."""
    return _with_failed(job_id, queue, lambda registry: registry.remove(job_id, delete_job=True))


def _with_failed(job_id: str, queue: str, act: Any) -> bool:
    if queue not in QUEUES:
        return False
    try:
        with brief_connection() as redis:
            registry = FailedJobRegistry(name=queue, connection=redis)
            if job_id not in registry:
                return False
            act(registry)
            return True
    except (RedisError, NoSuchJobError, ValueError):
        return False
