"""What somebody waits for in front of the screen, done at once while no queue can be reached.

Signing in must work while Redis is away, so its mail is sent by the process that was asked,
beside the request. Nothing rests on it: the sweep finds the same rows once Redis is back.
"""

import logging
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)

_guard = threading.Lock()
_asked: dict[str, Callable[[], None]] = {}
_busy = False


def do_beside(name: str, act: Callable[[], None]) -> None:
    """Do this in a thread of its own, after what is being done there already.

    What is asked for again before its turn has come is done once.
    """
    global _busy
    with _guard:
        _asked[name] = act
        if _busy:
            return
        _busy = True
    threading.Thread(target=_work, name="without-queue", daemon=True).start()


def _work() -> None:
    while act := _next():
        try:
            act()
        except Exception:  # the rows stay due, and the next one has its turn
            log.exception("job.crashed_without_queue")


def _next() -> Callable[[], None] | None:
    global _busy
    with _guard:
        if not _asked:
            _busy = False
            return None
        return _asked.pop(next(iter(_asked)))
