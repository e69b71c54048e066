"""Which scheduled job runs next on a moved clock, skipping ticks that would find nothing."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from models.oversight.periodic import Periodic, scheduled_jobs

JUST_BEFORE = timedelta(microseconds=1)


class Ticks:
    """The schedule as one simulation has walked through it so far."""

    def __init__(self, start: datetime, *, without_queues: Collection[str] = ()) -> None:
        self._last = {
            name: start - JUST_BEFORE
            for name, periodic in scheduled_jobs().items()
            if periodic.queue not in without_queues
        }

    def next_until(self, until: datetime, session: Session) -> tuple[datetime, Periodic] | None:
        """The first tick not later than ``until`` that may find work, ties in schedule order.

        Answered ticks count as run. A job that says when its next work falls due is not
        woken before.
        """
        coming = [
            (due, place, name)
            for place, name in enumerate(self._last)
            if (due := self._due(name, session, until)) is not None
        ]
        if not coming:
            return None
        due, _, name = min(coming)
        self._last[name] = due
        return due, scheduled_jobs()[name]

    def _due(self, name: str, session: Session, until: datetime) -> datetime | None:
        """When a job next finds work, None where that is later than ``until`` or never."""
        periodic = scheduled_jobs()[name]
        due = periodic.due_after(self._last[name])
        if periodic.next_due is not None and due <= until:
            work = periodic.next_due(session)
            if work is None:
                return None
            due = max(due, periodic.due_after(work - JUST_BEFORE))
        return due if due <= until else None
