"""Faults on demand: what goes wrong with the next calls, so that tests can prove our answers.

``POST /faults {"on": "payment_intents", "what": "close_after", "times": 1}`` and the next
call of that kind is carried out and then loses its answer.
"""

import socket
import threading
from collections import defaultdict, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from flask import request
from werkzeug.wrappers import Response


class What(StrEnum):
    """``_before``: nothing was done; ``_after``: it was done and the answer is lost."""

    ERROR_500 = "500"
    ERROR_503 = "503"
    ERROR_429 = "429"
    ERROR_500_AFTER = "500_after"
    TIMEOUT_BEFORE = "timeout_before"
    TIMEOUT_AFTER = "timeout_after"
    CLOSE_BEFORE = "close_before"
    CLOSE_AFTER = "close_after"
    DELAY = "delay"
    DROP = "drop"  # of webhooks: never sent
    DUPLICATE = "duplicate"  # of webhooks: sent twice at once


# The kinds of call and of webhook that can be told to fail.
PLACES = (
    "capture",
    "proxy",
    "customers",
    "payment_methods",
    "payment_intents",
    "setup_intents",
    "refunds",
    "look_up",
    "emails",
    "vault_webhook",
    "psp_webhook",
)


@dataclass(frozen=True)
class Fault:
    what: What
    seconds: float = 0.0


class Faults:
    """A queue of faults per place; each call takes one."""

    def __init__(self, silence_seconds: float) -> None:
        self.silence_seconds = silence_seconds
        self.stopped = threading.Event()
        self._lock = threading.Lock()
        self._waiting: dict[str, deque[Fault]] = defaultdict(deque)

    def add(self, on: str, fault: Fault, times: int = 1) -> None:
        with self._lock:
            self._waiting[on].extend([fault] * times)

    def take(self, on: str) -> Fault | None:
        with self._lock:
            return self._waiting[on].popleft() if self._waiting[on] else None

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()

    def waiting(self) -> dict[str, list[str]]:
        with self._lock:
            return {
                on: [f.what.value for f in queue] for on, queue in self._waiting.items() if queue
            }

    def around(
        self, on: str, act: Callable[[], Response], error: Callable[[int], Response]
    ) -> Response:
        """Carry out a call, or let it go wrong as was ordered for its place."""
        fault = self.take(on)
        if fault is None:
            return act()
        match fault.what:
            case What.ERROR_500 | What.ERROR_503 | What.ERROR_429:
                return error(int(fault.what.value))
            case What.ERROR_500_AFTER:
                act()
                return error(500)
            case What.TIMEOUT_BEFORE:
                return self.stay_silent()
            case What.TIMEOUT_AFTER:
                act()
                return self.stay_silent()
            case What.CLOSE_BEFORE:
                return hang_up()
            case What.CLOSE_AFTER:
                act()
                return hang_up()
            case _:
                self.stopped.wait(fault.seconds)
                return act()

    def stay_silent(self) -> Response:
        """Say nothing for longer than a caller waits, then close the connection."""
        self.stopped.wait(self.silence_seconds)
        return hang_up()


def hang_up() -> Response:
    """Close the caller's connection without an answer."""
    connection = request.environ.get("werkzeug.socket")
    if isinstance(connection, socket.socket):
        # An impatient caller may have gone away already.
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
    return Response(status=500)
