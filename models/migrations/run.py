"""Bringing a database to the newest schema, from the command line, a start or a test."""

from functools import lru_cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

ROOT = Path(__file__).resolve().parents[2]


def configuration(owner_url: str) -> Config:
    """Alembic's configuration from pyproject.toml, pointed at one database."""
    config = Config(toml_file=str(ROOT / "pyproject.toml"))
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("sqlalchemy.url", owner_url.replace("%", "%%"))
    return config


def upgrade(owner_url: str, revision: str = "head") -> None:
    """Apply every missing revision; at the head already, nothing happens."""
    command.upgrade(configuration(owner_url), revision)


def downgrade(owner_url: str, revision: str) -> None:
    """Take revisions back, newest first, down to one."""
    command.downgrade(configuration(owner_url), revision)


@lru_cache(maxsize=1)
def heads() -> tuple[str, ...]:
    """The newest revision in the code; two would be a mistake that a test catches."""
    return tuple(ScriptDirectory.from_config(configuration("")).get_heads())


def at_head(connection: Connection) -> bool:
    """Whether a database has every revision of this code."""
    return set(MigrationContext.configure(connection).get_current_heads()) == set(heads())
