"""Which scheduled job runs next on a moved clock, skipping ticks that would find nothing."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, select
from sqlalchemy.orm import Session

from models.oversight.periodic import Periodic, scheduled_jobs

JUST_BEFORE = timedelta(microseconds=1)

SOON = timedelta(hours=2)
"""Jobs further off are asked about only where none of the nearer ones finds work: what a night
asks about everyone is not asked anew after every purchase of the day."""

Work = dict[str, datetime | None]


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
        self._questions: dict[str, Select[Any]] = {}

    def next_until(self, until: datetime, session: Session) -> tuple[datetime, Periodic] | None:
        """The first tick not later than ``until`` that may find work, ties in schedule order.

        Answered ticks count as run; None says that ``until`` is reached. A job that says when
        its next work falls due is not woken before.
        """
        if until <= self._reached:
            return None
        coming = {each: at for each in self._jobs if (at := self._after_last(each)) <= until}
        soon = min(coming.values(), default=until) + SOON
        near = [each for each, at in coming.items() if at <= soon]
        first = self._first_due(near, session)
        if len(near) < len(coming) and (first is None or first[0] > soon):
            first = self._first_due(list(coming), session)
        if first is None or first[0] > until:
            self._reached = until
            return None
        at, periodic = first
        self._last[periodic.name] = at
        return at, periodic

    def _first_due(
        self, jobs: Sequence[Periodic], session: Session
    ) -> tuple[datetime, Periodic] | None:
        """Which of some jobs finds work first, and when; None where none does."""
        work = self._work(session, jobs)
        due = [
            (at, place)
            for place, periodic in enumerate(jobs)
            if (at := self._due(periodic, work)) is not None
        ]
        if not due:
            return None
        at, place = min(due)
        return at, jobs[place]

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

    def _work(self, session: Session, coming: Sequence[Periodic]) -> Work:
        """From when on each coming job has work, None for never as things stand.

        What is a question to the database is asked together with all the others' questions.
        """
        said = {p.name: self._say(p, session) for p in coming if p.next_due is not None}
        asked = [name for name, answer in said.items() if isinstance(answer, Select)]
        if asked:
            said.update(self._ask(session, asked))
        return said

    def _say(self, periodic: Periodic, session: Session) -> Any:
        known = self._questions.get(periodic.name)
        if known is not None or periodic.next_due is None:
            return known
        answer = periodic.next_due(session)
        if isinstance(answer, Select):
            self._questions[periodic.name] = answer
        return answer

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
            sql = self._in_sql(asked, connection)
            connection.exec_driver_sql(f"PREPARE {prepared[asked]} AS {sql}")
        answers = connection.exec_driver_sql(f"EXECUTE {prepared[asked]}").one()
        return dict(zip(asked, answers, strict=True))

    def _in_sql(self, names: Sequence[str], connection: Connection) -> str:
        asked = select(*(self._questions[name].scalar_subquery() for name in names))
        return str(asked.compile(connection, compile_kwargs={"literal_binds": True}))


class _Reckoned:
    """``due_after`` as it was last reckoned for each job: cron lines are slow to read."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[datetime, datetime]] = {}

    def after(self, periodic: Periodic, at: datetime) -> datetime:
        """What ``due_after`` answers, which is the same up to the instant that it answers."""
        since, due = self._known.get(periodic.name, (at, at))
        if not since <= at < due:
            due = periodic.due_after(at)
            self._known[periodic.name] = (at, due)
        return due
