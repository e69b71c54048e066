"""Sessions with more rights than the application has, for tests of what they may not do."""

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool


@pytest.fixture
def owner(database):
    """A connection as the role that owns the tables, rolled back after."""
    engine = create_engine(database.running.owner_url(database.name), poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text("SET ROLE ws_tables"))
        yield connection


@pytest.fixture
def tamper(database):
    """Run a statement as the superuser, committed, with triggers and foreign keys asleep."""
    engine = create_engine(database.running.superuser_url(database.name), poolclass=NullPool)

    def run(statement, **values):
        with engine.begin() as connection:
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            assert connection.execute(text(statement), values).rowcount == 1

    return run
