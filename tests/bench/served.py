"""Processes under measurement: our web server on a bench's database, and Flask's hello."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from jobs.worker import addresses
from models import clock
from models import session as boundary
from models.accounts import Platform, User, UserType
from models.accounts.open_session import open_session
from models.oversight.actor import SYSTEM
from models.settings import Settings, use_settings
from tests.bench.ground import DATA, Ground
from tests.processes import ROOT, free_port, status_of, wait_for

OWNER = "owner@weokto.localhost"
SECONDS_TO_START = 60


@contextmanager
def acting_in(settings: Settings) -> Iterator[None]:
    """Rules called in this process work on a bench's database, as durably as in production."""
    use_settings(settings)
    boundary.bind_from(settings)
    try:
        yield
    finally:
        boundary.dispose()


@contextmanager
def web(ground: Ground) -> Iterator[int]:
    """One web process as ``make run`` starts it, on a bench's database; gives its port."""
    port = free_port()
    process = start_web(ground, port)
    try:
        wait_for(lambda: status_of(f"http://127.0.0.1:{port}/readyz") == 200, SECONDS_TO_START)
        yield port
    finally:
        end(process)


def start_web(ground: Ground, port: int) -> "subprocess.Popen[bytes]":
    """Start a web process on a port that others may share."""
    command = [sys.executable, str(ROOT / "app.py"), "web"]
    return _start(command, PORT=str(port), DATA_DIR=str(DATA), **addresses(ground.settings))


@contextmanager
def hello() -> Iterator[int]:
    """Flask's hello in a process of its own; gives its port."""
    port = free_port()
    process = _start([sys.executable, "-m", "tests.bench.hello", str(port)])
    try:
        wait_for(lambda: status_of(f"http://127.0.0.1:{port}/") == 200, SECONDS_TO_START)
        yield port
    finally:
        end(process)


def end(process: "subprocess.Popen[bytes]") -> int:
    """Ask a process to stop and wait; gives its status."""
    process.terminate()
    try:
        return process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _start(command: Sequence[str], **environment: str) -> "subprocess.Popen[bytes]":
    """Nothing of this machine's settings reaches it, and its log lines go nowhere."""
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def signed_in(ground: Ground, email: str, user_type: UserType) -> str:
    """A person of WEOKTO with an open session, second factor proved; gives their cookie."""
    now = clock.now()
    with acting_in(ground.settings), boundary.unit_of_work() as session:
        user = User(
            platform=Platform.WEOKTO, email=email, user_type=user_type, email_verified_at=now
        )
        session.add(user)
        session.flush()
        row, token = open_session(
            session, user, user_agent="Bench", remember=True, actor=SYSTEM, now=now
        )
        # Far enough ahead that no request of a long run has to write that it is still in use.
        row.last_activity_at = now + timedelta(hours=6)
        row.second_factor_at = now
    return f"weokto_session={token}"
