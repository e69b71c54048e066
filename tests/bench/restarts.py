"""Figure 19: restarting two web processes in turn while visitors ask without pause.

Counted is every request that got no 200, on connections kept open and on new ones alike.
"""

import subprocess
import time
from collections import Counter

from tests.bench.ground import Ground
from tests.bench.load import Loaded, Wish, loading
from tests.bench.measure import ROUNDS, Figure
from tests.bench.served import SECONDS_TO_START, acting_in, end, start_web
from tests.processes import free_port, listens, wait_for
from tests.shop import open_shop

CONNECTIONS = 16
NEW_EACH_TIME = 8


def figures(ground: Ground) -> list[Figure]:
    """Both processes replaced by new ones, as often as other figures have rounds."""
    with acting_in(ground.settings):
        open_shop()
    port = free_port()
    serving = [start_web(ground, port) for _ in range(2)]
    began = time.perf_counter()
    try:
        for process in serving:
            wait_until_up(process, port)
        rounds = [restart_under_load(ground, port, serving) for _ in range(ROUNDS)]
    finally:
        for process in serving:
            end(process)
    return [counted(rounds, time.perf_counter() - began)]


def restart_under_load(
    ground: Ground, port: int, serving: list["subprocess.Popen[bytes]"]
) -> Loaded:
    """One round: each process gives way to a new one that already answers."""
    wish = Wish(port, connections=CONNECTIONS, fresh=NEW_EACH_TIME)
    with loading(wish) as found:
        for place, old in enumerate(serving):
            serving[place] = start_web(ground, port)
            wait_until_up(serving[place], port)
            if status := end(old):
                raise RuntimeError(f"a web process ended with {status}")
    return found


def wait_until_up(process: "subprocess.Popen[bytes]", port: int) -> None:
    wait_for(lambda: listens(process.pid, port), SECONDS_TO_START)


def counted(rounds: list[Loaded], seconds: float) -> Figure:
    """The figure: failed requests of all rounds, and by which name they failed."""
    outcomes: Counter[str] = Counter()
    for found in rounds:
        outcomes.update(found.outcomes)
    answered = outcomes.pop("200", 0)
    failed = outcomes.total()
    ways = ", ".join(f"{count} {name}" for name, count in outcomes.items())
    return Figure(
        number="19",
        what="restart under load, two web processes",
        against="failed requests",
        ratio=failed,
        at_most=0,
        ours_seconds=seconds,
        rows=answered,
        rounds=[float(found.failed) for found in rounds],
        note=f"rows are requests; {2 * len(rounds)} restarts" + (f"; {ways}" if ways else ""),
    )
