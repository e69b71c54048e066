"""Databases made for one run and dropped after it: simulations, restore drills, benches."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool

from models.migrations.run import upgrade
from models.settings import Settings


@contextmanager
def scratch_database(settings: Settings, *, keep: bool = False) -> Iterator[Settings]:
    """Settings whose three roles point at a new, migrated database beside the configured one.

    ``ws_owner`` makes it, so the role needs CREATEDB. It is dropped at the end, whatever
    happens, unless ``keep`` says otherwise.
    """
    name = f"scratch_{uuid4().hex[:12]}"
    _make(settings, name)
    try:
        upgrade(_at(settings.database_owner_url, name))
        yield settings.model_copy(
            update={
                field: _at(getattr(settings, field), name)
                for field in ("database_url", "database_member_url", "database_owner_url")
            }
        )
    finally:
        if not keep:
            _administer(settings.database_owner_url, f"DROP DATABASE {name}")


def _make(settings: Settings, name: str) -> None:
    inside = _at(settings.database_owner_url, name)
    _administer(settings.database_owner_url, f"CREATE DATABASE {name}")
    _administer(inside, f"GRANT CREATE ON DATABASE {name} TO ws_tables")
    _administer(inside, "GRANT USAGE, CREATE ON SCHEMA public TO ws_tables")


def _at(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def _administer(url: str, statement: str) -> None:
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
