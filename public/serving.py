"""Serving over HTTP: eventlet's server on a socket of ours, and an end that fails nobody.

Web and realtime are served alike; the command line hands this module their application.
Their process was patched by ``app.py`` before anything was imported.
"""

import errno
import gc
import logging
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

import eventlet
import eventlet.greenio
import eventlet.wsgi

from models.embedded import CannotStart

MOST_SOCKETS = 20_000
SECONDS_TO_FINISH = 10
SECONDS_FOR_IDLE = 1.0
SECONDS_BETWEEN_LOOKS = 0.1
SECONDS_KEPT_ALIVE = 75
LONGEST_COMPLAINT = 300

log = logging.getLogger(__name__)


class Door:
    """The listening socket as the server sees it: closing it turns away nobody already queued.

    Once ``close_when_empty`` is called it hands out the connections that the kernel has
    queued, closes, and then keeps the server waiting a moment, so that a request already
    on its way on a kept connection is still answered.
    """

    def __init__(self, listening: eventlet.greenio.GreenSocket) -> None:
        self._socket = listening
        self._closing = False
        self._name = listening.getsockname()
        self.family = listening.family
        listening.settimeout(SECONDS_BETWEEN_LOOKS)

    def close_when_empty(self) -> None:
        self._closing = True

    def close(self) -> None:
        self._socket.close()

    def getsockname(self) -> Any:
        return self._name

    def accept(self) -> Any:
        """The next connection. Raises an OSError that ends the server once all is over."""
        while not self._closing:
            try:
                return self._socket.accept()
            except TimeoutError:
                continue
        try:
            self._socket.settimeout(0)
            return self._socket.accept()
        except OSError:
            self._socket.close()
            eventlet.sleep(SECONDS_FOR_IDLE)
            raise OSError(errno.ESHUTDOWN, "the door is closed") from None


class LastWords(eventlet.wsgi.HttpProtocol):
    """A connection that is told to close after its answer once the server is stopping."""

    stopping = False

    def handle_one_response(self) -> None:
        if LastWords.stopping:
            self.close_connection = 1
        super().handle_one_response()

    def log_message(self, format: str, *args: Any) -> None:
        """What is no HTTP is told in our log, which keeps no card number, and not in full."""
        log.info("not understood", extra={"said": (format % args)[:LONGEST_COMPLAINT]})


def listen(host: str, port: int) -> eventlet.greenio.GreenSocket:
    """A listening socket that several processes may share. Raises CannotStart when taken."""
    try:
        listening = eventlet.listen((host, port), reuse_port=True, backlog=2048)
    except OSError as reason:
        raise CannotStart(f"port {port} on {host} cannot be used: {reason.strerror}") from None
    # Without it each small answer waits for the other side's delayed acknowledgement.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def serve(
    app: Callable[..., Any],
    *,
    port: int,
    host: str | None = None,
    while_stopping: Callable[[], None] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; what is running gets 10 s to finish; then exit 0.

    Where no ``host`` is named it listens on this machine only: in development its secrets are
    everyone's, and in production it believes what the proxy in front says of who asks.
    """
    door = Door(listen(host or "127.0.0.1", port))
    stopping: list[int] = []
    for kind in (signal.SIGTERM, signal.SIGINT):
        signal.signal(kind, lambda number, _frame: stopping.append(number))
    server = eventlet.spawn(
        eventlet.wsgi.server,
        door,
        app,
        log=logging.getLogger("eventlet.wsgi"),
        log_output=False,
        debug=False,
        custom_pool=eventlet.GreenPool(MOST_SOCKETS),
        keepalive=SECONDS_KEPT_ALIVE,
        protocol=LastWords,
    )
    _quieten_the_collector()
    log.info("serving", extra={"port": port})
    while not stopping and not server.dead:
        eventlet.sleep(SECONDS_BETWEEN_LOOKS)
    _finish(door, server, while_stopping)
    sys.exit(0)


def _finish(door: Door, server: Any, while_stopping: Callable[[], None] | None) -> None:
    began = time.monotonic()
    LastWords.stopping = True
    door.close_when_empty()
    with eventlet.Timeout(SECONDS_TO_FINISH, False):
        if while_stopping:
            while_stopping()
        server.wait()
    log.info("stopped", extra={"seconds": round(time.monotonic() - began, 1)})


def _quieten_the_collector() -> None:
    """Full collections over thousands of live connections are what makes tails long."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
