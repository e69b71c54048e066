"""Scratch databases: migrated, apart from the business, and gone after."""

from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from multiprocessing import get_context
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from models.migrations import scratch
from models.migrations.run import at_head
from models.migrations.scratch import scratch_database


class TestScratchDatabase:
    def test_is_migrated_and_dropped_whatever_happens(self, settings):
        engines = []

        def break_off():
            with scratch_database(settings) as made:
                engine = create_engine(made.database_url, poolclass=NullPool)
                engines.append(engine)
                with engine.connect() as connection:
                    assert at_head(connection)
                    assert connection.scalar(text("SELECT count(*) FROM users")) == 0
                raise RuntimeError("broken off")

        with pytest.raises(RuntimeError, match="broken off"):
            break_off()
        with pytest.raises(OperationalError, match="does not exist"):
            engines[0].connect()

    def test_is_another_one_each_time(self, settings):
        with scratch_database(settings) as one, scratch_database(settings) as other:
            names = {make_url(s.database_url).database for s in (settings, one, other)}
        assert len(names) == 3

    def test_can_be_made_first_from_two_databases_at_once(self, settings):
        """Each worker of the tests has a database of its own on one server."""
        templates = f"trial_{uuid4().hex[:8]}_"
        owner = make_url(settings.database_owner_url)
        elsewhere = owner.set(database="postgres").render_as_string(hide_password=False)
        both = [settings, settings.model_copy(update={"database_owner_url": elsewhere})]

        with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
            made = pool.map(_makes_a_migrated_one, both * 2, repeat(templates))
            assert list(made) == [True] * 4

        server = create_engine(owner, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with server.connect() as connection:
            left = connection.scalars(
                text("SELECT datname FROM pg_database WHERE starts_with(datname, :templates)"),
                {"templates": templates},
            ).all()
            for name in left:
                connection.execute(text(f"DROP DATABASE {name}"))
        assert len(left) == 1


def _makes_a_migrated_one(settings, templates):
    scratch.TEMPLATES = templates
    with scratch_database(settings) as made:
        engine = create_engine(made.database_url, poolclass=NullPool)
        with engine.connect() as connection:
            return at_head(connection)
