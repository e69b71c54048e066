"""An end to one delivery: its connection is cut when its time is over.

The library's time-outs are for each read, so whoever answers one byte at a time, in the
handshake, the headers or the body, could hold a worker for as long as it likes.
"""

import socket
import threading
from types import TracebackType
from typing import Any

import urllib3


class Deadline:
    """Cuts the connections of a pool it watches, ``seconds`` after it is entered."""

    def __init__(self, seconds: float) -> None:
        self.is_over = False
        self._lock = threading.Lock()
        self._lines: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> "Deadline":
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        with self._lock:
            for line in self._lines:
                line.close()
            self._lines.clear()

    def watch(self, pool: urllib3.HTTPConnectionPool) -> None:
        """Have every connection that a pool makes from now on cut in time."""
        hold = self._hold

        class Watched(pool.ConnectionCls):  # type: ignore[name-defined]
            def _new_conn(self) -> socket.socket:
                line: socket.socket = super()._new_conn()
                hold(line)
                return line

        made: Any = Watched
        pool.ConnectionCls = made

    def _hold(self, line: socket.socket) -> None:
        """Keep a line of our own to a connection: TLS takes the first one away."""
        with self._lock:
            self._lines.append(line.dup())
            if self.is_over:
                _hang_up(self._lines[-1])

    def _cut(self) -> None:
        with self._lock:
            self.is_over = True
            for line in self._lines:
                _hang_up(line)


def _hang_up(line: socket.socket) -> None:
    try:
        line.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the other side was quicker
