"""Databases made for one run and dropped after it: simulations, restore drills, benches.

They are copies of a template that is migrated once for each state of the revisions. Whoever finds
none migrates one under a name of their own; the first to give it the template's name has made it.
No lock orders them: PostgreSQL keeps advisory locks by database, and those who share a server may
come from several.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from uuid import uuid4

from psycopg2.errors import DuplicateDatabase
from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.pool import NullPool

from models.migrations.run import upgrade
from models.settings import Settings

TEMPLATES = "scratch_template_"


@contextmanager
def scratch_database(settings: Settings, *, keep: bool = False) -> Iterator[Settings]:
    """Settings whose three roles point at a new, migrated database beside the configured one.

    ``ws_owner`` makes it, so the role needs CREATEDB. It is dropped at the end, whatever
    happens, unless ``keep`` says otherwise.
    """
    name = _new_name()
    owner = settings.database_owner_url
    with _administering(owner) as connection:
        _make(connection, owner, name, template=_template(connection, owner))
    try:
        yield settings.model_copy(
            update={
                field: _at(getattr(settings, field), name)
                for field in ("database_url", "database_member_url", "database_owner_url")
            }
        )
    finally:
        if not keep:
            with _administering(owner) as connection:
                connection.execute(text(f"DROP DATABASE {name}"))


def _template(connection: Connection, owner: str) -> str:
    """The migrated template of these revisions, made where there is none; others are dropped."""
    name = f"{TEMPLATES}{_state_of_revisions()}"
    known = connection.scalars(
        text("SELECT datname FROM pg_database WHERE starts_with(datname, :templates)"),
        {"templates": TEMPLATES},
    ).all()
    if name in known:
        return name
    for former in known:
        connection.execute(text(f"DROP DATABASE IF EXISTS {former}"))
    draft = _new_name()
    _make(connection, owner, draft, template="template1")
    upgrade(_at(owner, draft))
    try:
        connection.execute(text(f"ALTER DATABASE {draft} RENAME TO {name}"))
    except ProgrammingError as error:
        if not isinstance(error.orig, DuplicateDatabase):
            raise
        connection.execute(text(f"DROP DATABASE {draft}"))
    return name


def _new_name() -> str:
    return f"scratch_{uuid4().hex[:12]}"


@lru_cache(maxsize=1)
def _state_of_revisions() -> str:
    revisions = sorted((Path(__file__).parent / "versions").glob("*.py"))
    return hashlib.sha256(b"".join(each.read_bytes() for each in revisions)).hexdigest()[:12]


def _make(connection: Connection, owner: str, name: str, *, template: str) -> None:
    connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    connection.execute(text(f"GRANT CREATE ON DATABASE {name} TO ws_tables"))
    with _administering(_at(owner, name)) as inside:
        inside.execute(text("GRANT USAGE, CREATE ON SCHEMA public TO ws_tables"))


def _at(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)


@contextmanager
def _administering(url: str) -> Iterator[Connection]:
    """A connection of its own whose every statement is a transaction."""
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
