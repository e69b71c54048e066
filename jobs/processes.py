"""Child processes of one machine: started, started again when they die, stopped together.

Each child is a command of ``app.py`` in a session of its own, so that Ctrl-C reaches its
parent alone, which then stops it in order; and each is told by the kernel when its parent
is killed, so that none is left behind.
"""

import ctypes
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

SECONDS_TO_STOP = 13  # web and realtime take up to 10 of them to finish their requests
SECONDS_BETWEEN_LOOKS = 0.1
SHORT_LIFE = 10.0
LONGEST_PAUSE = 15.0
TELL_WHEN_PARENT_DIES = 1  # PR_SET_PDEATHSIG of prctl(2)

log = logging.getLogger(__name__)


class StopAsked(BaseException):
    """SIGTERM or Ctrl-C came: raised where the process stands, so that it can clear up."""


def stop_on_signals() -> None:
    """Turn SIGTERM and SIGINT into StopAsked; from the first on, further ones are ignored."""

    def ask(_number: int, _frame: FrameType | None) -> None:
        for kind in (signal.SIGTERM, signal.SIGINT):
            signal.signal(kind, signal.SIG_IGN)
        raise StopAsked

    for kind in (signal.SIGTERM, signal.SIGINT):
        signal.signal(kind, ask)


@dataclass
class Child:
    """One command, and how its latest life went; lives that end early wait ever longer."""

    name: str
    words: Sequence[str]
    process: "subprocess.Popen[bytes] | None" = None
    born: float = 0.0
    start_at: float = 0.0
    pause: float = 0.5
    lives: int = 0

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def mourn(self, now: float) -> None:
        """Note a death and when the next life may start."""
        assert self.process is not None
        short = now - self.born < SHORT_LIFE
        self.pause = min(self.pause * 2, LONGEST_PAUSE) if short else 0.5
        self.start_at = now + self.pause
        log.warning("child ended", extra={"child": self.name, "status": self.process.returncode})
        self.process = None


@dataclass
class Processes:
    """The children of this process."""

    root: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    children: list[Child] = field(default_factory=list)

    def add(self, name: str, *words: str) -> None:
        """Start ``python app.py <words>`` and keep it running from now on."""
        child = Child(name, words)
        self.children.append(child)
        self._start(child)

    def look(self) -> None:
        """Start again whatever has died and has waited for long enough."""
        now = time.monotonic()
        for child in self.children:
            if child.process is not None and not child.alive:
                child.mourn(now)
            elif child.process is None and now >= child.start_at:
                self._start(child)

    def watch(self, also: Callable[[], None] | None = None) -> None:
        """Look after the children until a signal raises StopAsked."""
        while True:
            self.look()
            if also:
                also()
            time.sleep(SECONDS_BETWEEN_LOOKS)

    def stop(self) -> None:
        """Ask every child to finish, wait, and kill what has not by then."""
        living = [child.process for child in self.children if child.process is not None]
        for process in living:
            if process.poll() is None:
                process.terminate()
        give_up_at = time.monotonic() + SECONDS_TO_STOP
        for process in living:
            try:
                process.wait(max(0.0, give_up_at - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start(self, child: Child) -> None:
        child.born = time.monotonic()
        child.lives += 1
        child.process = subprocess.Popen(
            [sys.executable, str(self.root / "app.py"), *child.words],
            cwd=self.root,
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,
        )


_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def _end_with_parent() -> None:
    """Between fork and exec: ask the kernel for SIGTERM when the parent is no more."""
    assert _libc is not None
    _libc.prctl(TELL_WHEN_PARENT_DIES, signal.SIGTERM)
