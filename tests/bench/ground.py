"""Where benchmarks run: servers of their own with everything forced to disk, a fresh database."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, text

from models.embedded import ensure, stop
from models.migrations.scratch import scratch_database
from models.settings import Settings

DATA = Path(__file__).resolve().parents[2] / "var" / "bench"


@dataclass(frozen=True)
class Ground:
    """A migrated scratch database and the settings that point at it."""

    settings: Settings
    engine: Engine

    def execute(self, statements: str) -> None:
        """Run statements as staff would not: in bulk, on the tables themselves."""
        with self.engine.begin() as connection:
            connection.execute(text(statements))

    def scalar(self, query: str) -> Any:
        with self.engine.connect() as connection:
            return connection.scalar(text(query))


@contextmanager
def servers() -> Iterator[Settings]:
    """Embedded servers with production's durability, stopped at the end."""
    running = ensure(DATA)
    try:
        yield Settings(
            _env_file=None,
            env="test",
            data_dir=str(DATA),
            database_url=running.staff_url(),
            database_member_url=running.member_url(),
            database_owner_url=running.owner_url(),
            redis_url=running.redis_url(),
        )
    finally:
        stop(DATA)


@contextmanager
def ground(settings: Settings) -> Iterator[Ground]:
    """A fresh database for one group of figures, dropped after."""
    with scratch_database(settings) as scratch:
        engine = create_engine(scratch.database_url)
        try:
            yield Ground(scratch, engine)
        finally:
            engine.dispose()
