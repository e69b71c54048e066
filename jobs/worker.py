"""Workers: jobs run in the worker's own process, under a supervisor that starts it again.

A job killed with its worker runs again within 90 s: while a job runs its worker beats
every 5 s, a beat lasts 45 s, and any supervisor looks for what stopped beating each 5 s.
"""

import gc
import logging
import threading
import time
from collections.abc import Iterable
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker
from rq.job import Job
from rq.registry import StartedJobRegistry
from rq.scheduler import RQScheduler

from jobs.processes import Processes, StopAsked, stop_on_signals
from jobs.queue import QUEUES, join_queue
from models.clean_text import clean_text
from models.pdf import say_where_fonts_are_missing
from models.session import dispose
from models.settings import Settings

WORKER_TTL = 30
SECONDS_BETWEEN_BEATS = 5
SECONDS_A_BEAT_LASTS = 45
SECONDS_BETWEEN_UPKEEPS = 5

log = logging.getLogger(__name__)


class Worker(SimpleWorker):
    """RQ's in-process worker, whose running job beats so that its loss is noticed soon."""

    def get_heartbeat_ttl(self, job: Job) -> int:
        return SECONDS_A_BEAT_LASTS

    def prepare_job_execution(self, job: Job, remove_from_intermediate_queue: bool = False) -> None:
        super().prepare_job_execution(job, remove_from_intermediate_queue)
        self._job_ended = threading.Event()
        self._beating = threading.Thread(target=self._beat, args=(job, self._job_ended))
        self._beating.daemon = True
        self._beating.start()

    def handle_execution_ended(self, job: Job, queue: Queue, heartbeat_ttl: int) -> None:
        self._job_ended.set()
        self._beating.join()
        super().handle_execution_ended(job, queue, heartbeat_ttl)

    def handle_job_failure(
        self,
        job: Job,
        queue: Queue,
        started_job_registry: StartedJobRegistry | None = None,
        exc_string: str = "",
    ) -> None:
        """The traceback stays in Redis for a while, and is shown: as clean as a log line."""
        super().handle_job_failure(job, queue, started_job_registry, clean_text(exc_string))

    def _beat(self, job: Job, ended: threading.Event) -> None:
        while not ended.wait(SECONDS_BETWEEN_BEATS):
            try:
                self.maintain_heartbeats(job)
            except RedisError:
                log.warning("queue unreachable, beat missed", extra={"job": job.description})


def work(settings: Settings) -> int:
    """Run jobs in this process until SIGTERM, which lets the running job finish."""
    join_queue()
    say_where_fonts_are_missing()
    gc.freeze()  # what was imported lives for ever: looking through it slows down every long run
    redis = Redis.from_url(settings.redis_url)
    queues = [Queue(name, connection=redis) for name in QUEUES]
    worker = Worker(
        queues,
        connection=redis,
        worker_ttl=WORKER_TTL,
        maintenance_interval=SECONDS_BETWEEN_UPKEEPS,
        job_monitoring_interval=SECONDS_BETWEEN_BEATS,
        log_job_description=False,
    )
    try:
        worker.work(logging_level="WARNING")
    finally:
        dispose()
    return 0


def supervise(settings: Settings, root: Path, processes: int = 1) -> int:
    """Keep so many workers running, and bring back the jobs that dead ones left behind."""
    stop_on_signals()
    children = Processes(root, addresses(settings))
    upkeep = Upkeep(settings.redis_url)
    try:
        for number in range(1, processes + 1):
            children.add(f"worker {number}", "worker", "--alone")
        children.watch(also=upkeep.look)
    except StopAsked:
        return 0
    finally:
        children.stop()
    return 1


def addresses(settings: Settings) -> dict[str, str]:
    """The servers' addresses as a child process reads them."""
    return {
        "DATABASE_URL": settings.database_url,
        "DATABASE_MEMBER_URL": settings.database_member_url,
        "DATABASE_OWNER_URL": settings.database_owner_url,
        "REDIS_URL": settings.redis_url,
    }


class Upkeep:
    """What RQ leaves to a worker's idle moments, done on time: lost jobs, and waited retries."""

    def __init__(self, redis_url: str) -> None:
        self._redis = Redis.from_url(redis_url, socket_timeout=5)
        self._queues = [Queue(name, connection=self._redis) for name in QUEUES]
        self._retries = RQScheduler(QUEUES, connection=self._redis, logging_level=logging.WARNING)
        self._next_retries = 0.0
        self._next_cleaning = 0.0
        self._forget_stale_locks(self._queues)

    def look(self) -> None:
        """Do what is due; called often. A Redis that is away is waited for."""
        now = time.monotonic()
        try:
            if now >= self._next_retries:
                self._next_retries = now + 1
                if self._retries.acquire_locks():
                    self._retries.enqueue_scheduled_jobs()
            if now >= self._next_cleaning:
                self._next_cleaning = now + SECONDS_BETWEEN_UPKEEPS
                for queue in self._queues:
                    StartedJobRegistry(queue=queue).cleanup()
        except RedisError:
            log.warning("queue unreachable, upkeep waits")
            self._next_retries = self._next_cleaning = now + SECONDS_BETWEEN_UPKEEPS

    def _forget_stale_locks(self, queues: Iterable[Queue]) -> None:
        """A worker killed during its maintenance would block the next one's for 15 minutes."""
        try:
            for queue in queues:
                queue.release_maintenance_lock()
        except RedisError:
            log.warning("queue unreachable, locks stay")
