"""The schema's migrations: applied, and compared with what the database has."""

from functools import lru_cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

ROOT = Path(__file__).resolve().parents[1]


def upgrade(root: Path = ROOT) -> str:
    """Apply every migration that is missing; says in words what was done. Twice is fine."""
    command.upgrade(_config(root), "head")
    return "The database has the newest schema."


def missing_migrations(connection: Connection) -> tuple[str, ...]:
    """The newest revisions that the database does not have; empty when it is up to date."""
    applied = set(MigrationContext.configure(connection).get_current_heads())
    return tuple(sorted(set(_heads()) - applied))


@lru_cache(maxsize=1)
def _heads() -> tuple[str, ...]:
    """The newest revisions in this code; they do not change while it runs."""
    return tuple(ScriptDirectory.from_config(_config(ROOT)).get_heads())


def _config(root: Path) -> Config:
    return Config(toml_file=root / "pyproject.toml")
