"""Scratch databases: migrated, apart from the business, and gone after."""

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from models.migrations.run import at_head
from models.migrations.scratch import scratch_database


class TestScratchDatabase:
    def test_is_migrated_and_dropped_whatever_happens(self, settings):
        engines = []

        def break_off():
            with scratch_database(settings) as scratch:
                engine = create_engine(scratch.database_url, poolclass=NullPool)
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
