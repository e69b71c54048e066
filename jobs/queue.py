"""Queues: what a job is, and how one is asked for by its name.

A job is thin: it gets ids, opens its own units of work, calls rules, and is safe twice,
because rows say what is due and the queue only hurries. A Redis that is away costs an
asker well under a second and never an error; a sweep finds the row.
"""

import importlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, TypeVar
from uuid import UUID

from redis.exceptions import RedisError
from rq import Queue, Retry

from jobs.without_queue import do_beside
from models.oversight.periodic import QUEUES as QUEUES
from models.oversight.periodic import QueueName
from models.quick_redis import quick_connection
from models.session import send_with
from models.settings import current_settings

BACKOFF = (10, 60, 300)
"""Seconds before each further try of a job that crashed."""

SECONDS_TO_LEAVE_REDIS_ALONE = 5
SECONDS_A_FAILURE_IS_KEPT = 30 * 24 * 3600

AREAS = ("accounts", "affiliation", "billing", "ledger", "mails", "oversight", "webhooks")
"""The modules of this package that register jobs."""

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Job:
    """A registered job and how it wants to be run."""

    name: str
    function: Callable[..., Any]
    queue: QueueName
    timeout: int
    retry: tuple[int, ...]
    without_queue: bool = False


JOBS: dict[str, Job] = {}


def job(
    name: str,
    *,
    queue: QueueName = "default",
    timeout: int = 60,
    retry: tuple[int, ...] = BACKOFF,
    without_queue: bool = False,
) -> Callable[[Function], Function]:
    """Register a function as the job ``area-verb-what``; ``timeout`` in seconds.

    A job that the schedule lists takes no arguments (``dry_run`` by keyword where it has
    one) and may return its counts; their ``errors`` alert the owner. ``without_queue``: while
    Redis is away it is done by the process that asks, beside the request, because somebody
    waits for it.
    """

    def register(function: Function) -> Function:
        if name in JOBS:
            raise KeyError(f"two jobs are called {name}")
        JOBS[name] = Job(name, function, queue, timeout, retry, without_queue)
        return function

    return register


@lru_cache(maxsize=1)
def load_jobs() -> None:
    """Import every area's module, so that its jobs and the schedule are known."""
    for area in AREAS:
        importlib.import_module(f"jobs.{area}")
    importlib.import_module("jobs.schedule")


def join_queue() -> None:
    """Let this process send what it defers to the queue: every process but simulations."""
    load_jobs()
    send_with(enqueue)


_left_alone_until = 0.0


def enqueue(name: str, args: tuple[Any, ...] = ()) -> None:
    """Put a job on its queue. Raises RedisError at once while Redis is known to be away.

    Installed as ``models.session.send_with``, which leaves what cannot be sent to a sweep.
    """
    load_jobs()
    try:
        _put(JOBS[name], args)
    except RedisError:
        if JOBS[name].without_queue:
            do_beside(name, partial(JOBS[name].function, *args))
        raise


def _put(asked: Job, args: tuple[Any, ...]) -> None:
    global _left_alone_until
    if time.monotonic() < _left_alone_until:
        raise RedisError("Redis was away a moment ago")
    queue = Queue(asked.queue, connection=quick_connection(current_settings().redis_url))
    try:
        queue.enqueue_call(
            "jobs.perform.perform",
            args=(asked.name, *ids_of(args)),
            timeout=asked.timeout,
            description=asked.name,
            result_ttl=0,
            failure_ttl=SECONDS_A_FAILURE_IS_KEPT,
            retry=Retry(len(asked.retry), list(asked.retry)) if asked.retry else None,
        )
    except RedisError:
        _left_alone_until = time.monotonic() + SECONDS_TO_LEAVE_REDIS_ALONE
        raise


def ids_of(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments as a queue carries them: keys as text."""
    return tuple(str(arg) if isinstance(arg, UUID) else arg for arg in args)
