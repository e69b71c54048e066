"""``python app.py run``: the whole house on one machine, from nothing to a page one can click.

Starts the embedded servers, brings the schema up, loads the demo into a database without
people, keeps every process running, and leaves none behind at the end.
"""

import fcntl
import os
import socket
import time
import urllib.error
import urllib.request
from pathlib import Path

import click

from jobs.first_demo import load_where_nobody_is
from jobs.processes import Processes, StopAsked, stop_on_signals
from jobs.words import welcome
from jobs.worker import addresses
from models import embedded
from models.embedded.place import make_data_dir
from models.migrations.run import upgrade
from models.session import dispose
from models.settings import Settings, use_settings

SECONDS_TO_FREE_A_PORT = 3
SECONDS_TO_BE_READY = 60
REALTIME_OFFSET = 1


def run(settings: Settings, root: Path, *, demo: bool) -> int:
    """Run the house until Ctrl-C or SIGTERM; 0 after a clean stop, 1 where it cannot start."""
    began = time.monotonic()
    data_dir = Path(settings.data_dir).absolute()
    make_data_dir(data_dir)
    lock = os.open(data_dir / "run.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        where = os.pread(lock, 200, 0).decode() or "another terminal"
        click.echo(f"It already runs: {where}. Stop it there with Ctrl-C first.", err=True)
        return 1
    if taken := _taken_ports(settings):
        click.echo(_about_ports(settings.port, taken), err=True)
        return 1
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"process {os.getpid()}, http://localhost:{settings.port}".encode(), 0)
    stop_on_signals()
    try:
        return _live(settings, root, began, demo=demo)
    except StopAsked:
        click.echo("\nStopping.")
        return 0
    finally:
        _leave(settings)
        os.ftruncate(lock, 0)


def _live(settings: Settings, root: Path, began: float, *, demo: bool) -> int:
    running = None if settings.database_url else embedded.ensure(settings.data_dir)
    if running and running.note:
        click.echo(running.note)
    filled = embedded.settings_with(settings)
    use_settings(filled)
    upgrade(filled.database_owner_url)
    environment = addresses(filled)
    if demo:
        load_where_nobody_is(filled, root, draft=running)
    processes = Processes(root, environment)
    try:
        processes.add("web", "web")
        processes.add("realtime", "realtime")
        processes.add("worker", "worker")
        processes.add("scheduler", "scheduler")
        if not settings.is_production:
            processes.add("sandbox", "sandbox")
        _wait_until_ready(processes, settings)
        click.echo(welcome(filled, seconds=time.monotonic() - began))
        processes.watch()
    finally:
        processes.stop()
    return 1


def _needs_servers(settings: Settings) -> bool:
    return not (settings.database_url and settings.redis_url)


def _leave(settings: Settings) -> None:
    dispose()
    if _needs_servers(settings):
        embedded.stop(settings.data_dir)
    click.echo("Stopped; the data stays.")


def _taken_ports(settings: Settings) -> list[int]:
    """Ports of ours that another program has; what is just leaving gets a moment."""
    give_up_at = time.monotonic() + SECONDS_TO_FREE_A_PORT
    ports = [settings.port, settings.port + REALTIME_OFFSET, settings.sandbox_port]
    while taken := [each for each in ports if not _is_free(each)]:
        if time.monotonic() > give_up_at:
            break
        time.sleep(0.1)
    return taken


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _about_ports(port: int, taken: list[int]) -> str:
    named = " and ".join(str(each) for each in taken)
    return (
        f"Port {named} is taken by another program. Stop it, or choose another first port:\n"
        f"    PORT={port + 100} make run"
    )


def _wait_until_ready(processes: Processes, settings: Settings) -> None:
    """Wait for web, realtime and sandbox to answer. Raises CannotStart with who does not."""
    waiting = {
        "web": f"http://127.0.0.1:{settings.port}/readyz",
        "realtime": f"http://127.0.0.1:{settings.port + REALTIME_OFFSET}/healthz",
        "sandbox": f"http://127.0.0.1:{settings.sandbox_port}/healthz",
    }
    known = {child.name for child in processes.children}
    waiting = {name: url for name, url in waiting.items() if name in known}
    give_up_at = time.monotonic() + SECONDS_TO_BE_READY
    while waiting := {name: url for name, url in waiting.items() if not _answers(url)}:
        processes.look()
        if time.monotonic() > give_up_at:
            raise embedded.CannotStart(f"no answer from: {', '.join(waiting)}; see its lines above")
        time.sleep(0.1)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
