"""Periodic jobs as the domain knows them: what each is called and when it falls due.

The schedule itself is data of the jobs' edge (``jobs/schedule.py``), which installs it here
at its start, so that consoles and endpoints can name a job without importing that edge.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from croniter import croniter
from sqlalchemy import Select
from sqlalchemy.orm import Session

from models import clock
from models.errors import N_, Missing

QueueName = Literal["money", "outbox", "mail", "default"]
QUEUES: tuple[QueueName, ...] = ("money", "outbox", "mail", "default")
"""In the order in which workers take them."""

NextDue = Callable[[Session], Select[Any] | datetime | None]
"""Answers an instant, or the question that a database answers: those are asked together."""


class UnknownJob(Missing):
    code = "unknown_job"
    message = N_("No scheduled job has this name.")


@dataclass(frozen=True, slots=True)
class Periodic:
    """One line of the schedule: a cron line on Paris's wall clock and what people call it.

    ``next_due`` answers the first instant at which the job would find something to do,
    None for never as things stand; a simulation skips the ticks before it.
    """

    name: str
    cron: str
    queue: QueueName
    words: str
    dry_run: bool = False
    next_due: NextDue | None = None

    def due_after(self, at: datetime) -> datetime:
        """The first instant after ``at`` when it falls due, in UTC."""
        lines = croniter(self.cron, self._wall(at) - self._twice)
        while (due := self._instant(lines.get_next(datetime))) <= at:
            pass
        return due

    def due_until(self, at: datetime) -> datetime:
        """The last instant when it fell due, ``at`` included, in UTC."""
        lines = croniter(self.cron, self._wall(at) + self._twice + timedelta(seconds=1))
        while (due := self._instant(lines.get_prev(datetime))) > at:
            pass
        return due

    @property
    def _every_hour(self) -> bool:
        return self.cron.split()[1] == "*"

    @property
    def _twice(self) -> timedelta:
        """How much of the wall clock may come twice, so that a line there is not overlooked."""
        return timedelta() if self._every_hour else timedelta(hours=1)

    def _wall(self, at: datetime) -> datetime:
        """The naive wall clock that the cron line is read on.

        Lines for every hour are read in UTC, which has no hour twice; Paris is whole hours
        away. Lines with an hour are read on Paris's clock: once a day, also on the night
        that has this hour twice (the first counts) and on the one that lacks it (an hour on).
        """
        zone = UTC if self._every_hour else clock.PARIS
        return at.astimezone(zone).replace(tzinfo=None)

    def _instant(self, wall: datetime) -> datetime:
        zone = UTC if self._every_hour else clock.PARIS
        return wall.replace(tzinfo=zone, fold=0).astimezone(UTC)


_schedule: dict[str, Periodic] = {}


def use_schedule(schedule: Iterable[Periodic]) -> None:
    """Make the jobs' schedule known, replacing what was known before."""
    _schedule.clear()
    _schedule.update({periodic.name: periodic for periodic in schedule})


def scheduled_jobs() -> Mapping[str, Periodic]:
    """Every scheduled job by its name."""
    return _schedule


def periodic_named(name: str) -> Periodic:
    """The scheduled job of this name. Raises UnknownJob."""
    if name not in _schedule:
        raise UnknownJob
    return _schedule[name]
