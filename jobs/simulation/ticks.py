"""Which scheduled job runs next on a moved clock, skipping ticks that would find nothing."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select
from sqlalchemy.orm import Session

from models.oversight.periodic import Periodic, scheduled_jobs

JUST_BEFORE = timedelta(microseconds=1)

SOON = timedelta(hours=2)
"""Jobs further off are asked about only where none of the nearer ones finds work: what a night
asks about everyone is not asked anew after every purchase of the day."""

Work = dict[str, datetime | None]
Tick = tuple[datetime, int]
"""When a job ticks, and its place in the schedule, which decides between ticks of one instant."""


class Ticks:
    """The schedule as one simulation has walked through it so far.

    Once an instant is reached, its ticks are past: one that was skipped, because nothing
    waited then, does not come again for what befell at that very instant.
    """

    def __init__(self, start: datetime, *, without_queues: Collection[str] = ()) -> None:
        self._jobs = [
            periodic
            for periodic in scheduled_jobs().values()
            if periodic.queue not in without_queues
        ]
        self._reached = start - JUST_BEFORE
        self._last: dict[str, datetime] = {}
        self._nominal, self._for_work = _Reckoned(), _Reckoned()
        self._questions: dict[str, str] = {}

    def next_until(self, until: datetime, session: Session) -> tuple[datetime, Periodic] | None:
        """The first tick not later than ``until`` that may find work, ties in schedule order.

        Answered ticks count as run, and those before them are past; None says that ``until``
        is reached. A job that says when its next work falls due is not woken before.
        """
        if until <= self._reached:
            return None
        first = self._first_due(self._coming(until), session)
        if first is None or first[0] > until:
            self._reached = until
            return None
        at, periodic = first[0], self._jobs[first[1]]
        self._reached, self._last[periodic.name] = at - JUST_BEFORE, at
        return at, periodic

    def _coming(self, until: datetime) -> list[Tick]:
        """Each job's next tick, in order, of those not later than ``until``."""
        ticks = ((self._after_last(each), place) for place, each in enumerate(self._jobs))
        return sorted(tick for tick in ticks if tick[0] <= until)

    def _first_due(self, coming: Sequence[Tick], session: Session) -> Tick | None:
        """Which of the coming ticks, or of those after them, finds work first."""
        first: Tick | None = None
        for ticks in _nearer_and_further(coming):
            if not ticks or (first is not None and first < ticks[0]):
                break  # nobody finds work before their next tick
            places = sorted(place for _, place in ticks)
            work = self._work(session, [self._jobs[place] for place in places])
            due = [(at, place) for place in places if (at := self._due(self._jobs[place], work))]
            first = min(due if first is None else [first, *due], default=None)
        return first

    def _due(self, periodic: Periodic, work: Work) -> datetime | None:
        """When a job next finds work; None for never as things stand."""
        due = self._after_last(periodic)
        if periodic.next_due is None:
            return due
        wanted = work[periodic.name]
        if wanted is None:
            return None
        return max(due, self._for_work.after(periodic, wanted - JUST_BEFORE))

    def _after_last(self, periodic: Periodic) -> datetime:
        last = self._last.get(periodic.name, self._reached)
        return self._nominal.after(periodic, max(last, self._reached))

    def _work(self, session: Session, jobs: Sequence[Periodic]) -> Work:
        """From when on each of some jobs has work, None for never as things stand.

        What is a question to the database is asked together with all the others' questions.
        """
        work: Work = {}
        asked = []
        for periodic in jobs:
            if periodic.name in self._questions:
                asked.append(periodic.name)
            elif periodic.next_due is not None:
                answer = periodic.next_due(session)
                if isinstance(answer, Select):
                    self._questions[periodic.name] = _in_sql(answer, session.connection())
                    asked.append(periodic.name)
                else:
                    work[periodic.name] = answer
        return work | self._ask(session, asked) if asked else work

    def _ask(self, session: Session, names: Sequence[str]) -> Work:
        """The answers to these jobs' questions.

        Prepared once for each connection: planning so many questions anew takes longer than
        answering them.
        """
        connection = session.connection()
        prepared = connection.info.setdefault("ticks", {})
        asked = tuple(names)
        if asked not in prepared:
            prepared[asked] = f"ticks_{len(prepared)}"
            questions = ", ".join(f"({self._questions[name]})" for name in asked)
            connection.exec_driver_sql(f"PREPARE {prepared[asked]} AS SELECT {questions}")
        answers = connection.exec_driver_sql(f"EXECUTE {prepared[asked]}").one()
        return dict(zip(asked, answers, strict=True))


def _nearer_and_further(coming: Sequence[Tick]) -> tuple[Sequence[Tick], Sequence[Tick]]:
    near = [tick for tick in coming if tick[0] <= coming[0][0] + SOON]
    return near, coming[len(near) :]


def _in_sql(question: Select[Any], connection: Connection) -> str:
    return str(question.compile(connection, compile_kwargs={"literal_binds": True}))


class _Reckoned:
    """``due_after`` as it was last reckoned for each cron line, which several jobs may share."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[datetime, datetime]] = {}

    def after(self, periodic: Periodic, at: datetime) -> datetime:
        """What ``due_after`` answers, which is the same up to the instant that it answers."""
        since, due = self._known.get(periodic.cron, (at, at))
        if not since <= at < due:
            due = periodic.due_after(at)
            self._known[periodic.cron] = (at, due)
        return due
