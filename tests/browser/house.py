"""The whole house as ``app.py run`` starts it, on ports and a database of its own.

It borrows the tests' PostgreSQL and Redis, because starting servers is another test's
matter; web, realtime, worker, scheduler and sandbox are the real processes.
"""

import json
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import requests

from jobs.worker import addresses
from models.embedded import Running
from tests.databases import DATA, ROOT, make_database
from tests.processes import free_port, start, wait_for

UP = "Ctrl-C stops everything"
NAME = "browser"
REDIS_NUMBER = 60
SECONDS_TO_START = 90
OPEN_SHOP = """
from app import prepared
prepared()
from jobs.simulation.demo import open_shop
open_shop()
"""


class House:
    """Where a running house answers, what it has sent and charged, and what it logs."""

    def __init__(self, port: int, environment: dict[str, str], log: Path) -> None:
        self.port = port
        self.environment = environment
        self.log = log
        self.weokto = f"http://weokto.localhost:{port}"
        self.stam = f"http://stam.localhost:{port}"
        self.sandbox = f"http://127.0.0.1:{port + 10}"
        self.console = f"{self.weokto}/wo-renwo-9492xE"

    def mails(self, to: str) -> list[dict[str, str]]:
        """The mails that reached an address, newest first."""
        answer = requests.get(f"{self.sandbox}/outbox.json", {"to": to}, timeout=5)
        return [mail for mail in answer.json()["mails"] if to in mail["to"]]

    def mail(self, to: str, words: str, seconds: float = 20) -> dict[str, str]:
        """The newest mail to an address whose text holds these words, once it has come."""
        return wait_for(
            lambda: next((mail for mail in self.mails(to) if words in mail["text"]), None), seconds
        )

    def charges(self) -> list[dict[str, object]]:
        """Every charge that the payment provider has made, newest first."""
        return requests.get(f"{self.sandbox}/psp/_charges", timeout=5).json()["charges"]

    def complaints(self, since: int = 0) -> list[str]:
        """Lines of the log, from a place in it on, that a calm house does not write."""
        with self.log.open("rb") as lines:
            lines.seek(since)
            return [line for line in lines.read().decode().splitlines() if _is_complaint(line)]

    def logged(self) -> int:
        return self.log.stat().st_size


def _is_complaint(line: str) -> bool:
    if not line.startswith("{"):
        return "Traceback" in line or "Error" in line or "Warning" in line
    return json.loads(line)["level"] not in ("info", "debug")


@contextmanager
def running_house(log: Path, *, demo: bool = False, name: str = NAME):
    """Start a house with its shop open, or with the demo's half year; stop it at the end."""
    database = make_database(name, redis_number=REDIS_NUMBER)
    settings = database.settings()
    _empty(database.running)
    environment = addresses(settings) | {
        "LOG_LEVEL": "INFO",
        "LOG_FORMAT": "json",
        "SECRET_KEY": "a secret of the browser tests, long enough",
    }
    port = free_port()
    if not demo:
        _once(OPEN_SHOP, environment)
    process = start(
        "run",
        "--demo" if demo else "--no-demo",
        data_dir=DATA / name,
        port=port,
        output=log,
        **environment,
    )
    try:
        _wait_until_up(process, log, 600 if demo else SECONDS_TO_START)
        yield House(port, environment, log)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_until_up(process: "subprocess.Popen[str]", log: Path, seconds: float) -> None:
    give_up_at = time.monotonic() + seconds
    while UP not in log.read_text():
        assert process.poll() is None, f"the house ended:\n{log.read_text()}"
        assert time.monotonic() < give_up_at, f"the house is not up:\n{log.read_text()}"
        time.sleep(0.1)


def _once(script: str, environment: dict[str, str]) -> None:
    """Run a few lines against the house's database, in a process of their own."""
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, check=True)


def _empty(running: Running) -> None:
    import redis

    with redis.Redis.from_url(running.redis_url(REDIS_NUMBER)) as connection:
        connection.flushdb()
