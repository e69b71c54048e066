"""The whole house as ``app.py run`` starts it, on ports and a database of its own.

It borrows the tests' PostgreSQL and Redis, because starting servers is another test's
matter; web, realtime, worker, scheduler and sandbox are the real processes.
"""

import json
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import redis
import requests

from jobs.worker import addresses
from models import embedded
from models.embedded import Running
from tests.databases import DATA, ROOT, make_database
from tests.processes import free_port, start, wait_for

UP = "Ctrl-C stops everything"
NAME = "browser"
REDIS_NUMBER = 60
SECONDS_TO_START = 400
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

    def more_mails(self, to: str, than: int) -> bool:
        """Wait until an address has more mails than it had."""
        return bool(wait_for(lambda: len(self.mails(to)) > than, 20))

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
def running_house(log: Path):
    """A house with its shop open and nobody in it yet, on the tests' servers."""
    database = make_database(NAME, redis_number=REDIS_NUMBER)
    _forget_former_run(database.running)
    environment = addresses(database.settings())
    subprocess.run([sys.executable, "-c", OPEN_SHOP], cwd=ROOT, env=environment, check=True)
    with _living(log, "--no-demo", DATA / NAME, environment) as house:
        yield house


@contextmanager
def demo_house(data_dir: Path):
    """A house that lived half a year, on servers of its own, as ``make run`` has it."""
    with _living(data_dir / "log", "--demo", data_dir, {}) as house:
        yield house
    embedded.discard(data_dir)


@contextmanager
def _living(log: Path, demo: str, data_dir: Path, environment: dict[str, str]):
    port = free_port()
    settings = environment | {"LOG_LEVEL": "INFO", "LOG_FORMAT": "json"}
    process = start("run", demo, data_dir=data_dir, port=port, output=log, **settings)
    try:
        _wait_until_up(process, log)
        yield House(port, environment, log)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_until_up(process: "subprocess.Popen[str]", log: Path) -> None:
    give_up_at = time.monotonic() + SECONDS_TO_START
    while UP not in log.read_text():
        assert process.poll() is None, f"the house ended:\n{log.read_text()}"
        assert time.monotonic() < give_up_at, f"the house is not up:\n{log.read_text()}"
        time.sleep(0.1)


def _forget_former_run(running: Running) -> None:
    """Take away what a former house had queued, mailed and charged."""
    shutil.rmtree(DATA / NAME, ignore_errors=True)
    with redis.Redis.from_url(running.redis_url(REDIS_NUMBER)) as connection:
        connection.flushdb()
