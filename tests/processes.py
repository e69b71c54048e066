"""Starting the real processes from tests, on ports and in a data folder of their own."""

import os
import random
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import nullcontext
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
OFFSETS = (0, 1, 10)


def free_port() -> int:
    """A port whose neighbours that the house takes are free as well."""
    while True:
        port = random.randint(20_000, 32_000)
        if all(is_free(port + offset) for offset in OFFSETS):
            return port


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def listens(pid: int, port: int) -> bool:
    """Whether a process has a listening socket on a port."""
    sockets = psutil.Process(pid).net_connections("tcp")
    return any(each.status == "LISTEN" and each.laddr.port == port for each in sockets)


def start(
    *words: str, data_dir: Path, port: int, output: Path | None = None, **changes: str
) -> "subprocess.Popen[str]":
    """A command of app.py, nothing of this machine's settings in it.

    What it prints goes to a file, or to a pipe that the caller must read.
    """
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(data_dir), "PORT": str(port)}
    with output.open("w") if output else nullcontext(subprocess.PIPE) as told:
        return subprocess.Popen(
            [sys.executable, str(ROOT / "app.py"), *words],
            cwd=ROOT,
            env=environment | {"LOG_LEVEL": "WARNING"} | changes,
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=subprocess.STDOUT,
            text=True,
        )


def read_until(process: "subprocess.Popen[str]", words: str) -> str:
    """What a process prints up to a line that holds these words."""
    lines = []
    for line in process.stdout:
        lines.append(line)
        if words in line:
            return "".join(lines)
    raise AssertionError(f"ended before saying {words!r}:\n{''.join(lines)}")


def status_of(url: str) -> int:
    """HTTP's status, 0 where nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as refusal:
        return refusal.code
    except OSError:
        return 0


def wait_for(what, seconds: float = 60) -> object:
    """The first true answer of a function, asked again and again."""
    give_up_at = time.monotonic() + seconds
    while not (answer := what()):
        assert time.monotonic() < give_up_at, f"waited {seconds} s in vain"
        time.sleep(0.05)
    return answer


def family(pid: int) -> list[psutil.Process]:
    """A process and everything below it."""
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def living(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [each for each in processes if each.is_running() and each.status() != "zombie"]


def servers_of(home: Path) -> list[psutil.Process]:
    """PostgreSQL and Redis processes that work under a folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd().startswith(str(home)) and process.status() != "zombie":
                found.append(process)
        except psutil.Error:
            continue
    return found
