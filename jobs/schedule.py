"""The schedule: what runs when in Europe/Paris, as data, and the clock that ticks it."""

import logging
from collections.abc import Iterator
from typing import Any

from redis import Redis
from rq.job import Job
from rq_scheduler import Scheduler

from jobs import due
from jobs.queue import load_jobs
from models import clock
from models.errors import N_
from models.oversight.periodic import Periodic, scheduled_jobs, use_schedule
from models.oversight.run_job import tick
from models.session import unit_of_work

log = logging.getLogger(__name__)

PREFIX = "periodic-"

EVERY_MINUTE = N_("Every minute")
EVERY_5_MINUTES = N_("Every 5 minutes")
EVERY_HOUR = N_("Every hour")

PERIODIC = (
    Periodic("oversight-sweep", "* * * * *", "outbox", EVERY_MINUTE, next_due=due.outbox),
    Periodic("oversight-send-mails", "* * * * *", "mail", EVERY_MINUTE, next_due=due.mails),
    Periodic("catalog-send-webhooks", "* * * * *", "mail", EVERY_MINUTE, next_due=due.webhooks),
    Periodic(
        "accounts-tidy",
        "45 4 * * *",
        "default",
        N_("Every night at 04:45"),
        next_due=due.leavings,
    ),
    Periodic(
        "billing-resolve-unknown",
        "*/5 * * * *",
        "money",
        EVERY_5_MINUTES,
        next_due=due.unknown_payments,
    ),
    Periodic(
        "billing-expire-captures", "*/5 * * * *", "money", EVERY_5_MINUTES, next_due=due.checkouts
    ),
    Periodic("billing-send-refunds", "*/5 * * * *", "money", EVERY_5_MINUTES, next_due=due.refunds),
    Periodic(
        "billing-renew-due",
        "0 2 * * *",
        "money",
        N_("Every night at 02:00"),
        dry_run=True,
        next_due=due.renewals,
    ),
    Periodic(
        "billing-remind", "0 9 * * *", "default", N_("Every day at 09:00"), next_due=due.notices
    ),
    Periodic("billing-end-periods", "0 * * * *", "money", EVERY_HOUR, next_due=due.ends),
    Periodic("affiliation-flush-clicks", "* * * * *", "outbox", EVERY_MINUTE, next_due=due.clicks),
    Periodic(
        "affiliation-mature",
        "0 3 * * *",
        "money",
        N_("Every night at 03:00"),
        dry_run=True,
        next_due=due.commissions,
    ),
    Periodic(
        "affiliation-risk",
        "0 4 * * *",
        "default",
        N_("Every night at 04:00"),
        dry_run=True,
        next_due=due.refund_rates,
    ),
    Periodic(
        "affiliation-tidy",
        "30 4 * * *",
        "default",
        N_("Every night at 04:30"),
        next_due=due.tidying,
    ),
    Periodic(
        "ledger-verify", "0 5 * * *", "default", N_("Every night at 05:00"), next_due=due.never
    ),
)

use_schedule(PERIODIC)


class Clock(Scheduler):
    """rq-scheduler with our reckoning of hours: Paris's, right through both clock changes.

    It ticks in its own process: only the scheduler that inserts the run's row queues the job.
    A tick that fails (the database is away) stays due and is tried again at the next poll.
    """

    def enqueue_job(self, job: Job) -> None:
        """Tick one scheduled job, then note when it falls due next."""
        name = str(job.args[0])
        if name not in scheduled_jobs():
            self.cancel(job)
            return
        try:
            tick_now(name)
        except Exception:
            log.exception("schedule.tick_failed", extra={"job": name})
            return
        self.change_execution_time(job, scheduled_jobs()[name].due_after(clock.now()))


def make_clock(connection: Redis) -> Clock:
    """The scheduler of one process, polling each second; ``run()`` it after ``sync_schedule``."""
    return Clock(connection=connection, interval=1)


def sync_schedule(connection: Redis) -> None:
    """Make Redis hold exactly this schedule, and catch up what was missed, once each.

    What is no longer listed is removed. A second call, or one by another scheduler, changes
    nothing.
    """
    load_jobs()
    scheduler = make_clock(connection)
    for job in list(_ours(scheduler)):
        if job.id.removeprefix(PREFIX) not in scheduled_jobs():
            scheduler.cancel(job)
            job.delete()
    for periodic in scheduled_jobs().values():
        scheduler.schedule(
            periodic.due_after(clock.now()),
            tick_now,
            args=[periodic.name],
            id=PREFIX + periodic.name,
            queue_name=periodic.queue,
            result_ttl=-1,
            description=periodic.name,
            meta={"cron": periodic.cron},
        )
        tick_now(periodic.name)


def tick_now(name: str) -> None:
    """Ask for the run of a scheduled job that fell due last, unless that was done."""
    with unit_of_work() as session:
        tick(session, name, now=clock.now())


def _ours(scheduler: Clock) -> Iterator[Any]:
    return (job for job in scheduler.get_jobs() if job.id.startswith(PREFIX))
