"""The embedded PostgreSQL: made once, started, joined, repaired after a kill, stopped.

Its superuser ``postgres`` and four roles sign in over a private socket without password:
``ws_owner`` migrates, ``ws_tables`` owns the tables and cannot sign in, ``ws_staff`` and
``ws_member`` are what the application uses. None of the four bypasses row security.
"""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from models.embedded.place import CannotStart, Place

SUPERUSER = "postgres"
DATABASE = "weokto"
ROLES = {
    "ws_owner": "LOGIN CREATEDB",
    "ws_tables": "NOLOGIN",
    "ws_staff": "LOGIN",
    "ws_member": "LOGIN",
}
SECONDS_TO_RECOVER = 120
SETTINGS = {
    "listen_addresses": "''",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "log_checkpoints": "off",
    "wal_compression": "on",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
}
FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum_naptime": "10min",
}


def start(place: Place, *, fast: bool) -> None:
    """Start the server, or join it when it runs. Raises CannotStart with its last words."""
    data = place.home / "postgres"
    if not data.exists():
        _make(place, data)
    place.folder(place.sockets)
    give_up_at = time.monotonic() + SECONDS_TO_RECOVER
    while not answers(place):
        if time.monotonic() > give_up_at:
            raise CannotStart(f"PostgreSQL does not answer; see {_log(place)}")
        if alive(data):  # it starts, recovers or stops: its own pace decides
            time.sleep(0.05)
            continue
        _forget_the_dead(place, data)
        _launch(place, data, fast=fast)
    _make_roles(place)


def stop(place: Place) -> None:
    """Stop the server and wait until it is gone. A second call changes nothing."""
    data = place.home / "postgres"
    if alive(data):
        place.run([place.postgres_programs / "pg_ctl", "stop", "-D", data, "-m", "fast", "-w"])
    for process in _processes_in(data):
        process.kill()


def answers(place: Place) -> bool:
    """Whether a session can be opened right now."""
    try:
        connect(place).close()
    except psycopg2.OperationalError:
        return False
    return True


def connect(place: Place, database: str = SUPERUSER) -> Connection:
    """A superuser's session, each statement its own transaction."""
    session = psycopg2.connect(host=str(place.sockets), user=SUPERUSER, dbname=database)
    session.autocommit = True
    return session


def create_database(place: Place, name: str, template: str | None = None) -> None:
    """Make a database, empty or a copy of another, with the roles' rights. Twice is fine."""
    with _cursor(place) as cursor:
        cursor.execute("select 1 from pg_database where datname = %s", (name,))
        if cursor.fetchone() is None:
            cursor.execute(
                sql.SQL("CREATE DATABASE {} OWNER ws_owner TEMPLATE {}").format(
                    sql.Identifier(name), sql.Identifier(template or "template1")
                )
            )
        grant = "GRANT CREATE, TEMPORARY ON DATABASE {} TO ws_tables"
        cursor.execute(sql.SQL(grant).format(sql.Identifier(name)))
    with _cursor(place, name) as cursor:
        cursor.execute("GRANT CREATE, USAGE ON SCHEMA public TO ws_tables")


def drop_database(place: Place, name: str) -> None:
    """Drop a database and whoever is connected to it. One that is gone already is fine."""
    with _cursor(place) as cursor:
        cursor.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )


def draft_database(place: Place, name: str, of: str) -> None:
    """Make a copy of a database to be filled and then put in its place, or thrown away.

    Being worth nothing until it is whole, it does not wait for the disk. A draft that was
    begun before is thrown away. Nobody may be connected to the original.
    """
    drop_database(place, name)
    create_database(place, name, template=of)
    with _cursor(place) as cursor:
        hurry = sql.SQL("ALTER DATABASE {} SET synchronous_commit = off")
        cursor.execute(hurry.format(sql.Identifier(name)))


def replace_database(place: Place, name: str, by: str) -> None:
    """Drop one database and give its name to its draft. Nobody may be connected to the draft."""
    drop_database(place, name)
    names = {"draft": sql.Identifier(by), "name": sql.Identifier(name)}
    with _cursor(place) as cursor:
        cursor.execute(sql.SQL("ALTER DATABASE {draft} RESET ALL").format(**names))
        cursor.execute(sql.SQL("ALTER DATABASE {draft} RENAME TO {name}").format(**names))


def alive(data: Path) -> bool:
    """Whether the server that the pid file names still lives; a reused pid is not it."""
    pid = _pid(data)
    return pid is not None and any(process.pid == pid for process in _processes_in(data))


@contextmanager
def _cursor(place: Place, database: str = SUPERUSER) -> Iterator[Any]:
    session = connect(place, database)
    try:
        with session.cursor() as cursor:
            yield cursor
    finally:
        session.close()


def _log(place: Place) -> Path:
    return place.home / "postgres.log"


def _make(place: Place, data: Path) -> None:
    """Make the files aside and rename them whole, so that a half-made folder is never used."""
    for older in data.parent.glob("postgres.draft-*"):
        shutil.rmtree(older, ignore_errors=True)
    draft = place.folder(data.with_name(f"postgres.draft-{os.getpid()}"))
    words = ["--auth=trust", "--encoding=UTF8", "--no-locale", "--locale-provider=builtin"]
    words += ["--builtin-locale=C.UTF-8", "--no-sync", f"--username={SUPERUSER}", "-D", str(draft)]
    made = place.run([place.postgres_programs / "initdb", *words])
    if made.returncode:
        last = (made.stderr.strip() or made.stdout.strip()).splitlines()[-1:]
        raise CannotStart(f"PostgreSQL's initdb failed: {' '.join(last)}")
    with (draft / "postgresql.conf").open("a") as conf:
        conf.write("include 'house.conf'\n")
    draft.rename(data)


def _launch(place: Place, data: Path, *, fast: bool) -> None:
    settings = SETTINGS | {"unix_socket_directories": f"'{place.sockets}'"}
    settings |= FAST if fast else {}
    place.write(data / "house.conf", "".join(f"{k} = {v}\n" for k, v in settings.items()))
    log = _log(place)
    start: list[str | Path] = [
        place.postgres_programs / "pg_ctl",
        "start",
        "-D",
        data,
        "-l",
        log,
        "-w",
    ]
    if not log.exists():
        place.write(log, "")
    # ``-w`` waits for it; where recovery takes longer, the caller goes on waiting.
    if place.run([*start, "-t", "30"]).returncode and not alive(data):
        words = [line for line in log.read_text(errors="replace").splitlines() if "FATAL" in line]
        raise CannotStart(f"PostgreSQL did not start: {' '.join(words[-1:])} (see {log})")


def _pid(data: Path) -> int | None:
    try:
        return int((data / "postmaster.pid").read_text().split()[0])
    except (FileNotFoundError, IndexError, ValueError):
        return None


def _processes_in(data: Path) -> list[psutil.Process]:
    """Every process whose working folder is the data folder, as PostgreSQL's own are."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.name().startswith("postgres") and process.cwd() == str(data):
                found.append(process)
        except psutil.Error:
            continue
    return found


def _forget_the_dead(place: Place, data: Path) -> None:
    """End what a killed server left running; drop lock files whose pid is another's now."""
    while orphans := _processes_in(data):
        for orphan in orphans:
            orphan.kill()
        time.sleep(0.01)
    pid = _pid(data)
    if pid is not None and psutil.pid_exists(pid):
        (data / "postmaster.pid").unlink(missing_ok=True)
    for lock in place.sockets.glob(".s.PGSQL.*.lock"):
        lock.unlink(missing_ok=True)


def _make_roles(place: Place) -> None:
    """Make the roles and the database. What a killed first start had made is kept."""
    with _cursor(place) as cursor:
        cursor.execute("select rolname from pg_roles")
        known = {name for (name,) in cursor.fetchall()}
        for role, rights in ROLES.items():
            if role not in known:
                cursor.execute(f"CREATE ROLE {role} {rights}")
        cursor.execute("GRANT ws_tables TO ws_owner")
    create_database(place, DATABASE)
