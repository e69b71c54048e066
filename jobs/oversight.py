"""Jobs of oversight: telling events to their listeners, and finding what was missed."""

from jobs.listeners import LISTENERS
from jobs.queue import job
from models import clock
from models.oversight.dispatch import CHUNK, dispatch_events
from models.oversight.run_job import ask_again
from models.session import unit_of_work


@job("oversight-dispatch", queue="outbox", timeout=120)
def dispatch() -> dict[str, int]:
    """Tell every waiting event, a chunk in each transaction, until none is left to tell."""
    counts = {"told": 0, "errors": 0}
    while True:
        with unit_of_work() as session:
            chunk = dispatch_events(session, LISTENERS, now=clock.now())
        counts = {name: counts[name] + chunk[name] for name in counts}
        if chunk["told"] + chunk["errors"] < CHUNK:
            return counts


@job("oversight-sweep", queue="outbox", timeout=120)
def sweep() -> dict[str, int]:
    """Tell what the dispatch at commit missed, and ask again for runs that got lost."""
    with unit_of_work() as session:
        asked_again = ask_again(session, now=clock.now())
    return {**dispatch(), "asked_again": asked_again}
