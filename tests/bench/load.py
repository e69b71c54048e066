"""The load generator: many connections of one process, asking one address over and over.

``python -m tests.bench.load '{"port": …, "path": …}'`` prints what came of it as JSON. It
speaks just enough HTTP on bare sockets to stay faster than any server measured with it.
Without ``requests`` it goes on until its standard input closes.
"""

import contextlib
import json
import selectors
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LONGEST_WAIT = 30.0


@dataclass
class Wish:
    """What to ask, and how: ``fresh`` of the connections are new for every request."""

    port: int
    path: str = "/"
    host: str = "weokto.localhost"
    cookie: str = ""
    connections: int = 32
    fresh: int = 0
    requests: int = 0

    def as_bytes(self) -> bytes:
        lines = [
            f"GET {self.path} HTTP/1.1",
            f"Host: {self.host}:{self.port}",
            "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Accept: text/html",
            "Accept-Language: fr",
            "Accept-Encoding: gzip",
        ]
        if self.cookie:
            lines.append(f"Cookie: {self.cookie}")
        return "\r\n".join([*lines, "", ""]).encode()


@dataclass
class Loaded:
    """What came of it; ``outcomes`` counts statuses and, by name, what is no answer at all."""

    seconds: float = 0.0
    outcomes: dict[str, int] = field(default_factory=dict)
    p50: float = 0.0
    body_bytes: int = 0

    @property
    def answered(self) -> int:
        return self.outcomes.get("200", 0)

    @property
    def failed(self) -> int:
        return sum(self.outcomes.values()) - self.answered


class Asker:
    """One connection and where its present request stands."""

    def __init__(self, wish: Wish, keeps: bool) -> None:
        self.wish, self.keeps = wish, keeps
        self.request = wish.as_bytes()
        self.socket: socket.socket | None = None
        self.asked_at = 0.0
        self._empty()

    def _empty(self) -> None:
        self.received = b""
        self.missing = -1  # bytes still to come; -1 until the head is read
        self.closes = not self.keeps

    def ask(self) -> None:
        """Send the request, on a new connection where the former one was closed."""
        self._empty()
        self.asked_at = time.perf_counter()
        if self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", self.wish.port), LONGEST_WAIT)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(self.request)

    def hear(self) -> str | None:
        """Read what has come: the outcome once it is whole, None until then."""
        assert self.socket is not None
        part = self.socket.recv(262_144)
        if not part:
            return "closed without an answer" if not self.received else "cut short"
        self.received = part if not self.received else self.received + part
        if self.missing < 0:
            end = self.received.find(b"\r\n\r\n")
            if end < 0:
                return None
            head = self.received[:end].lower()
            length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
            self.missing = end + 4 + int(length)
            self.closes = self.closes or b"connection: close" in head
        if len(self.received) < self.missing:
            return None
        return self.received[9:12].decode()

    def hang_up(self) -> None:
        if self.socket is not None:
            self.socket.close()
            self.socket = None


class Crowd:
    """All the askers, on one selector."""

    def __init__(self, wish: Wish) -> None:
        self.wish = wish
        self.askers = [Asker(wish, number >= wish.fresh) for number in range(wish.connections)]
        self.left = wish.requests
        self.outcomes: Counter[str] = Counter()
        self.waits: list[float] = []
        self.body_bytes = 0
        self.over = False
        self.selector = selectors.DefaultSelector()

    def run(self) -> Loaded:
        if not self.wish.requests:
            self.selector.register(sys.stdin, selectors.EVENT_READ, None)
        started = time.perf_counter()
        for asker in self.askers:
            self._next(asker)
        while any(asker.socket is not None for asker in self.askers):
            ready = self.selector.select(LONGEST_WAIT)
            if not ready:
                raise SystemExit(f"no answer in {LONGEST_WAIT} s after {self.outcomes}")
            for key, _events in ready:
                if key.data is None:
                    self.selector.unregister(sys.stdin)
                    self.over = True
                else:
                    self._hear(key.data)
        seconds = time.perf_counter() - started
        return Loaded(seconds, dict(self.outcomes), statistics.median(self.waits), self.body_bytes)

    def _next(self, asker: Asker) -> None:
        """Ask once more, or hang up where enough was asked."""
        while not self._enough():
            fresh = asker.socket is None
            self.left -= 1
            try:
                asker.ask()
            except OSError as failure:
                self._lose(asker, type(failure).__name__)
                continue
            if fresh:
                assert asker.socket is not None
                self.selector.register(asker.socket, selectors.EVENT_READ, asker)
            return
        self._drop(asker)

    def _enough(self) -> bool:
        return self.over if not self.wish.requests else self.left <= 0

    def _hear(self, asker: Asker) -> None:
        try:
            outcome = asker.hear()
        except OSError as failure:
            outcome = type(failure).__name__
        if outcome is None:
            return
        if outcome.isdigit():
            self.waits.append(time.perf_counter() - asker.asked_at)
            self.outcomes[outcome] += 1
            self.body_bytes = len(asker.received)
            if asker.closes:
                self._drop(asker)
        else:
            self._lose(asker, outcome)
        self._next(asker)

    def _lose(self, asker: Asker, what: str) -> None:
        self.outcomes[what] += 1
        self._drop(asker)

    def _drop(self, asker: Asker) -> None:
        if asker.socket is not None:
            with contextlib.suppress(KeyError):
                self.selector.unregister(asker.socket)
        asker.hang_up()


def load(wish: Wish) -> Loaded:
    """Ask ``requests`` times from a process of its own, so that no server shares its core's GIL."""
    done = subprocess.run(_command(wish), cwd=ROOT, capture_output=True, text=True, check=True)
    return Loaded(**json.loads(done.stdout))


@contextlib.contextmanager
def loading(wish: Wish):
    """Ask without pause while the block runs; its ``Loaded`` is whole once the block ends."""
    found = Loaded()
    process = subprocess.Popen(
        _command(wish), cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield found
        said = process.communicate(timeout=LONGEST_WAIT)[0]
        for name, value in json.loads(said).items():
            setattr(found, name, value)
    finally:
        process.kill()
        process.wait()


def _command(wish: Wish) -> list[str]:
    return [sys.executable, "-m", "tests.bench.load", json.dumps(asdict(wish))]


if __name__ == "__main__":
    print(json.dumps(asdict(Crowd(Wish(**json.loads(sys.argv[1]))).run())))
