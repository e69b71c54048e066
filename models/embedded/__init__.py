"""Our own launcher of the PostgreSQL and Redis that come from pip, for development and tests.

``ensure`` starts what does not run and joins what does; whatever a killed start left behind
never blocks it. Both servers listen on private sockets only, and live on after the process
that started them: ``python app.py run`` and tests stop them, nothing else does.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from models.embedded import postgresql, redis_server
from models.embedded.place import CannotStart, Place, find_place, make_data_dir
from models.settings import Settings

__all__ = ["CannotStart", "Running", "discard", "ensure", "settings_with", "stop"]


@dataclass(frozen=True)
class Running:
    """A running pair of servers, and how to reach each role and each database of theirs."""

    data_dir: Path
    place: Place

    @property
    def note(self) -> str:
        """What the person at the terminal should know about where it runs; may be empty."""
        return self.place.note

    def url(self, role: str, database: str = postgresql.DATABASE) -> str:
        """SQLAlchemy's address of a database for ``ws_staff``, ``ws_member`` or another role."""
        return f"postgresql+psycopg2://{role}@/{database}?host={quote(str(self.place.sockets))}"

    def staff_url(self, database: str = postgresql.DATABASE) -> str:
        return self.url("ws_staff", database)

    def member_url(self, database: str = postgresql.DATABASE) -> str:
        return self.url("ws_member", database)

    def owner_url(self, database: str = postgresql.DATABASE) -> str:
        return self.url("ws_owner", database)

    def superuser_url(self, database: str = postgresql.DATABASE) -> str:
        return self.url(postgresql.SUPERUSER, database)

    def redis_url(self, number: int = 0) -> str:
        """The address of one of Redis's numbered databases, 0 to 63."""
        return f"unix://{redis_server.socket_path(self.place)}?db={number}"

    def create_database(self, name: str, template: str | None = None) -> None:
        """Make a scratch database, empty or a copy, with the roles' rights. Twice is fine."""
        postgresql.create_database(self.place, name, template)

    def drop_database(self, name: str) -> None:
        """Drop a scratch database and whoever is connected to it."""
        postgresql.drop_database(self.place, name)

    def draft_database(self, name: str, of: str) -> None:
        """Copy a database to be filled in a hurry and then put in its place, or thrown away."""
        postgresql.draft_database(self.place, name, of)

    def replace_database(self, name: str, by: str) -> None:
        """Drop one database and give its name, and its place, to its draft."""
        postgresql.replace_database(self.place, name, by)

    def stop(self) -> None:
        """Stop both servers; their data stays."""
        stop(self.data_dir)


def ensure(data_dir: str | Path, *, fast: bool = False) -> Running:
    """Have both servers running on a data folder: first start, join, or repair after a kill.

    ``fast`` is for tests: nothing is forced to disk. It counts for a start, not for a join.
    Raises CannotStart with one line for the terminal.
    """
    folder = Path(data_dir).absolute()
    with _alone(folder):
        place = find_place(folder)
        postgresql.start(place, fast=fast)
        redis_server.start(place, fast=fast)
    return Running(folder, place)


def stop(data_dir: str | Path) -> None:
    """Stop both servers of a data folder and wait for their end. A second call does nothing."""
    folder = Path(data_dir).absolute()
    if not folder.is_dir():
        return
    with _alone(folder):
        _stop(find_place(folder))


def discard(data_dir: str | Path) -> None:
    """Stop both servers and delete what they kept, wherever that is. For tests and benches."""
    folder = Path(data_dir).absolute()
    if not folder.is_dir():
        return
    with _alone(folder):
        place = find_place(folder)
        _stop(place)
        for name in ("postgres", "postgres.log", "redis", "run"):
            _remove(place.home / name)
        for outside in {place.home, place.sockets} - {folder, folder / "run"}:
            _remove(outside)


def settings_with(settings: Settings) -> Settings:
    """The same settings with the embedded servers' addresses where none is given.

    Starts the servers for that. With both addresses given it changes and starts nothing.
    """
    if settings.database_url and settings.redis_url:
        return settings
    running = ensure(settings.data_dir)
    changes = {} if settings.redis_url else {"redis_url": running.redis_url()}
    if not settings.database_url:
        changes["database_url"] = running.staff_url()
        changes["database_member_url"] = running.member_url()
        changes["database_owner_url"] = running.owner_url()
    return settings.model_copy(update=changes)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the data folder's lock: simultaneous starts wait for one another."""
    make_data_dir(folder)
    lock = os.open(folder / "embedded.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _stop(place: Place) -> None:
    redis_server.stop(place)
    postgresql.stop(place)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
