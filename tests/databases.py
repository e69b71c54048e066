"""The tests' PostgreSQL and Redis: one server for all workers, one migrated database each.

The template is migrated once per state of the revisions and copied for every worker, so a
run never meets a schema of another day.
"""

import fcntl
import hashlib
import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from models.affiliation.prove_ledger import prove_ledger
from models.embedded import Running, ensure
from models.ledger import Report
from models.migrations import run as migrations
from models.settings import Settings
from models.tables import metadata

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "var" / "tests"


@dataclass(frozen=True)
class Database:
    """One worker's database and Redis number."""

    running: Running
    name: str
    redis_number: int

    def settings(self, **changes: object) -> Settings:
        """Test settings that point here; nothing is read from the environment's ``.env``."""
        return Settings(
            _env_file=None,
            env="test",
            data_dir=str(DATA / self.name),
            database_url=self.running.staff_url(self.name),
            database_member_url=self.running.member_url(self.name),
            database_owner_url=self.running.owner_url(self.name),
            redis_url=self.running.redis_url(self.redis_number),
            pool_size=20,
            **changes,
        )


def make_database(worker: str, redis_number: int | None = None) -> Database:
    """A fresh, migrated database for one worker, and its Redis number."""
    running = ensure(DATA, fast=True)
    template = f"template_{_state_of_revisions()}"
    with _one_at_a_time():
        if not _exists(running, template):
            running.create_database(f"{template}_new")
            migrations.upgrade(running.owner_url(f"{template}_new"))
            _execute(running, f"ALTER DATABASE {template}_new RENAME TO {template}")
        name = f"test_{worker}"
        running.drop_database(name)
        running.create_database(name, template=template)
    if redis_number is None:
        redis_number = int("".join(c for c in worker if c.isdigit()) or 0) % 60
    return Database(running, name, redis_number)


class Cleaner:
    """Takes back what a test committed, leaving what the migrations put there.

    The ledger refuses deletes to everyone, so this works as the superuser with triggers
    and foreign keys asleep: test code only. It runs after thousands of tests, so one
    connection keeps the plans of its statements.
    """

    def __init__(self, database: Database) -> None:
        self.engine = create_engine(
            database.running.superuser_url(database.name), pool_size=1, max_overflow=0
        )
        self._prepare()

    def clean(self, *, is_unproved: bool = False) -> None:
        """Take it all back; the ledger proves itself first, unless it was not to."""
        proof = None if is_unproved else self._proof()
        with self.engine.begin() as connection:
            connection.exec_driver_sql("SELECT pg_temp.take_back()")
        assert proof is None or proof.ok, proof.difference

    def close(self) -> None:
        self.engine.dispose()

    def _proof(self) -> Report | None:
        with Session(self.engine) as session:
            if session.scalar(text("SELECT EXISTS (SELECT FROM ledger_transfers)")):
                return prove_ledger(session)
        return None

    def _prepare(self) -> None:
        with self.engine.begin() as connection:
            statements = []
            for table in metadata.tables.values():
                keys = _keys(connection, table)
                where = f" WHERE {_key(table)} NOT IN ({keys})" if keys else ""
                statements.append(f"DELETE FROM {table.name}{where};")
            connection.exec_driver_sql("SET session_replication_role = replica")
            body = "BEGIN " + " ".join(statements) + " END"
            connection.connection.cursor().execute(
                f"CREATE FUNCTION pg_temp.take_back() RETURNS void LANGUAGE plpgsql AS $$ {body} $$"
            )


def _key(table: object) -> str:
    columns = ", ".join(column.name for column in table.primary_key)
    return f"({columns})"


def _keys(connection: object, table: object) -> str:
    rows = connection.execute(text(f"SELECT {_key(table)[1:-1]} FROM {table.name}"))
    return ", ".join("(" + ", ".join(f"'{value}'" for value in row) + ")" for row in rows)


def _state_of_revisions() -> str:
    digest = hashlib.sha256()
    for path in sorted((ROOT / "models" / "migrations" / "versions").glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _exists(running: Running, name: str) -> bool:
    engine = create_engine(running.superuser_url("postgres"), poolclass=NullPool)
    with engine.connect() as connection:
        found = connection.scalar(
            text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": name}
        )
    return bool(found)


def _execute(running: Running, statement: str) -> None:
    engine = create_engine(
        running.superuser_url("postgres"), poolclass=NullPool, isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        connection.execute(text(statement))


@contextmanager
def _one_at_a_time():
    handle = os.open(DATA / "template.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
