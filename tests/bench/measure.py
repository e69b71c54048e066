"""Measuring by turns: A B A B …, the ratio of each round, and the median of the rounds.

Machines are noisy and differ; a ratio against something simple that ran a moment before,
on the same machine, is what can be compared. Nothing here passes or fails a test.
"""

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

ROUNDS = 5

Timed = Callable[[Callable[[], object]], float]


@dataclass
class Figure:
    """One line of the table: a measured side, its limit or peer, and the goal.

    ``ratio`` is ours ÷ theirs where more is worse (times), or of rates where more is
    better; ``at_most`` and ``at_least`` say which way the goal lies.
    """

    number: str
    what: str
    against: str
    ratio: float
    at_most: float | None = None
    at_least: float | None = None
    ours_seconds: float = 0.0
    theirs_seconds: float = 0.0
    rows: int = 0
    rounds: list[float] = field(default_factory=list)
    note: str = ""

    @property
    def met(self) -> bool:
        if self.at_most is not None:
            return self.ratio <= self.at_most
        return self.at_least is None or self.ratio >= self.at_least

    @property
    def goal(self) -> str:
        if self.at_most is not None:
            return f"≤ {self.at_most:g}"
        return "" if self.at_least is None else f"≥ {self.at_least:g}"

    def as_json(self) -> dict[str, object]:
        return {**asdict(self), "goal": self.goal, "met": self.met}


def seconds_of(work: Callable[[], object]) -> float:
    """The wall time of one call, without the collector's."""
    gc.collect()
    gc.disable()
    try:
        started = time.perf_counter()
        work()
        return time.perf_counter() - started
    finally:
        gc.enable()


def told(work: Callable[[], object]) -> float:
    """The seconds that a side measured by itself, in another process say."""
    seconds = work()
    assert isinstance(seconds, float)
    return seconds


def by_turns(
    ours: Callable[[], object],
    theirs: Callable[[], object],
    *,
    rounds: int = ROUNDS,
    timed: Timed = seconds_of,
) -> tuple[list[float], float, float]:
    """Run both sides in turn after one unmeasured round each.

    Answers each round's ratio of times (ours ÷ theirs) and both sides' median seconds.
    ``timed`` is how a side's seconds are found: by the wall clock, or ``told`` by itself.
    """
    ours()
    theirs()
    pairs = [(timed(ours), timed(theirs)) for _ in range(rounds)]
    ratios = [mine / yours for mine, yours in pairs]
    return (
        ratios,
        statistics.median(mine for mine, _ in pairs),
        statistics.median(yours for _, yours in pairs),
    )


def compared(
    number: str,
    what: str,
    against: str,
    ours: Callable[[], object],
    theirs: Callable[[], object],
    *,
    at_most: float | None = None,
    at_least: float | None = None,
    rows: int = 0,
    rounds: int = ROUNDS,
    timed: Timed = seconds_of,
    note: str = "",
) -> Figure:
    """The median of the rounds' ratios: of times, or with ``at_least`` of rates.

    For rates both sides do the same work, so that theirs ÷ ours in time is ours ÷ theirs
    in work a second.
    """
    ratios, mine, yours = by_turns(ours, theirs, rounds=rounds, timed=timed)
    if at_least is not None:
        ratios = [1 / ratio for ratio in ratios]
    return Figure(
        number=number,
        what=what,
        against=against,
        ratio=statistics.median(ratios),
        at_most=at_most,
        at_least=at_least,
        ours_seconds=mine,
        theirs_seconds=yours,
        rows=rows,
        rounds=ratios,
        note=note,
    )
