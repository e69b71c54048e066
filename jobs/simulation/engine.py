"""The engine: moves the clock from event to event and calls what pages, consoles and jobs call.

It reaches around nothing: rules run in their own units of work, deferred jobs run as a
worker would run them, scheduled jobs at each hour the clock passes. Only the outbox stays
untold, and the payment provider is the in-process twin.
"""

import gc
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from jobs.perform import perform_here, run_periodic
from jobs.queue import JOBS, load_jobs
from jobs.simulation.acts import People, act
from jobs.simulation.result import result_of
from jobs.simulation.scenario import Scenario
from jobs.simulation.setting_up import set_up
from jobs.simulation.ticks import Ticks
from models import clock
from models.affiliation.prove_ledger import prove_ledger
from models.billing.choose_provider import use_provider
from models.billing.in_process import InProcessProvider
from models.errors import DomainError
from models.ids import seed_ids
from models.migrations.scratch import scratch_database
from models.session import speaking_to, unit_of_work
from models.settings import Settings, use_settings

OUTSIDE = ("outbox", "mail")
"""Queues of what follows outside from a fact, be it a mail or a webhook: it moves no money.
A scenario leaves it alone, since nobody would read it; the demo leaves it to the sweeps."""

RARELY = (50_000, 50, 100)
"""How often garbage is collected; the usual way takes a tenth of a simulation's time."""

Progress = Callable[[datetime], None]


class Engine:
    """One run of one scenario on the bound database and the moved clock."""

    def __init__(
        self,
        scenario: Scenario,
        provider: InProcessProvider,
        *,
        set_up: Callable[[Scenario], None] = set_up,
        sends_mails: bool = False,
    ) -> None:
        self.scenario = scenario
        self._set_up = set_up
        self._unscheduled = () if sends_mails else OUTSIDE
        self.refused: list[dict[str, Any]] = []
        self._deferred: deque[tuple[str, tuple[Any, ...]]] = deque()
        self._people = People(provider, start=scenario.start, work=self.work)

    def ask(self, job: str, args: tuple[Any, ...]) -> None:
        """Take a deferred job; the next ``work()`` performs it."""
        self._deferred.append((job, args))

    def work(self) -> None:
        """Perform what was deferred, and what that defers, as idle workers would."""
        while self._deferred:
            job, args = self._deferred.popleft()
            if JOBS[job].queue not in OUTSIDE:
                perform_here(job, args)

    def run(self, progress: Progress = lambda _at: None) -> dict[str, Any]:
        """Play the whole scenario and answer document 15's result."""
        self.play(self.scenario.in_order(), progress)
        return self.result()

    def play(
        self, moments: Sequence[tuple[datetime, int, Any]], progress: Progress = lambda _at: None
    ) -> None:
        """Set the business up at the start and play (instant, index, event) in order.

        A refusal is noted in ``refused`` under the event's index and stops nothing.
        """
        self.begin()
        for at, index, event in moments:
            if at > self.scenario.until:
                break
            self.step(at, index, event, progress)
        self._pass_time(self.scenario.until, progress)

    def begin(self) -> None:
        """Set the business up at the scenario's start."""
        clock.move_to(self.scenario.start)
        self._set_up(self.scenario)
        self.work()
        self._ticks = Ticks(self.scenario.start, without_queues=self._unscheduled)

    def step(
        self, at: datetime, index: int, event: Any, progress: Progress = lambda _at: None
    ) -> None:
        """Let time pass until an instant and play one event there."""
        self._pass_time(at, progress)
        self._play(index, event)

    def _pass_time(self, until: datetime, progress: Progress) -> None:
        while True:
            with unit_of_work() as session:
                tick = self._ticks.next_until(until, session)
            if tick is None:
                break
            due, periodic = tick
            clock.move_to(due)
            run_periodic(periodic.name, due)
            self.work()
            progress(due)
        clock.move_to(until)
        progress(until)

    def _play(self, index: int, event: Any) -> None:
        try:
            act(event, self._people)
        except DomainError as refusal:
            self.refused.append({"event": index, "code": refusal.code})
        self.work()

    def result(self) -> dict[str, Any]:
        """Document 15's result as things stand, with the ledger's verdict."""
        with unit_of_work() as session:
            report = prove_ledger(session)
        with unit_of_work() as session:
            result = result_of(
                session,
                at=clock.now(),
                refused=self.refused,
                withdrawals_named=self._people.withdrawals,
            )
        result["verify"] = {
            "ok": report.ok,
            "transfers": report.transfers,
            "head": report.head,
        }
        if report.difference:
            result["verify"]["difference"] = report.difference
        return result


def simulate(
    scenario: Scenario,
    settings: Settings,
    *,
    keep: bool = False,
    progress: Progress = lambda _at: None,
) -> dict[str, Any]:
    """Play a scenario in a scratch database; the process is as before when it is done.

    The same scenario gives the same result: keys, provider's ids and time are all its own.
    """
    load_jobs()
    with scratch_database(settings, keep=keep) as scratch:
        # Without a Redis address nothing of a simulation waits beside the business's own.
        asked = {"redis_url": "", **scenario.settings.overrides()}
        provider = InProcessProvider()
        engine = Engine(scenario, provider)
        with standing_in(scratch.model_copy(update=asked), settings, provider, engine):
            return engine.run(progress)


@contextmanager
def standing_in(
    scratch: Settings,
    before: Settings,
    provider: InProcessProvider,
    engine: Engine,
    *,
    seed: int | None = 0,
) -> Iterator[None]:
    """Settings, database, provider, queue, keys and clock are a simulation's for a block.

    Nothing else runs in the process meanwhile, so garbage may pile up longer than usual.
    """
    thresholds = gc.get_threshold()
    gc.set_threshold(*RARELY)
    use_settings(scratch)
    use_provider(provider)
    seed_ids(seed)
    try:
        with speaking_to(scratch, engine.ask):
            yield
    finally:
        gc.set_threshold(*thresholds)
        seed_ids(None)
        use_provider(None)
        use_settings(before)
        clock.release()
