"""Where benchmarks run: servers of their own with everything forced to disk, a fresh database."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, make_url, text

from models.embedded import Running, ensure, stop
from models.embedded.postgresql import DATABASE
from models.migrations.scratch import scratch_database
from models.settings import Settings

DATA = Path(__file__).resolve().parents[2] / "var" / "bench"


@dataclass(frozen=True)
class Ground:
    """A migrated scratch database and the settings that point at it."""

    settings: Settings
    engine: Engine

    @property
    def name(self) -> str:
        """The database's name on the server."""
        return str(make_url(self.settings.database_url).database)

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
        yield settings_for(running)
    finally:
        stop(DATA)


def settings_for(running: Running, database: str = DATABASE) -> Settings:
    """Settings that point at one database of the bench's servers."""
    return Settings(
        _env_file=None,
        env="test",
        data_dir=str(DATA),
        database_url=running.staff_url(database),
        database_member_url=running.member_url(database),
        database_owner_url=running.owner_url(database),
        redis_url=running.redis_url(),
    )


@contextmanager
def ground(settings: Settings) -> Iterator[Ground]:
    """A fresh database for one group of figures, dropped after."""
    with scratch_database(settings) as scratch:
        engine = create_engine(scratch.database_url)
        try:
            yield Ground(scratch, engine)
        finally:
            engine.dispose()


@contextmanager
def copied(ground: Ground) -> Iterator[Ground]:
    """A second database with the same rows as the first has now, dropped after."""
    running = ensure(DATA)
    name = f"{ground.name}_copy"
    ground.engine.dispose()  # a database is only copied while nobody is connected to it
    running.create_database(name, template=ground.name)
    settings = settings_for(running, name)
    engine = create_engine(settings.database_url)
    try:
        yield Ground(settings, engine)
    finally:
        engine.dispose()
        running.drop_database(name)


def superuser_url(database: str) -> str:
    """The address of a bench's database for its superuser: filling in bulk only."""
    return ensure(DATA).superuser_url(database)
