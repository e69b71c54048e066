"""Warnings kept for the console: which lines, cleaned how, and what happens without a database."""

import logging

import pytest
import structlog
from sqlalchemy import select

from models import session as boundary
from models.oversight import SystemLog, keep_logs
from models.oversight.logs import configure_logging


@pytest.fixture
def kept(settings, committed, monkeypatch):
    """Writes what waits and gives back every kept line."""
    handlers, level = logging.root.handlers[:], logging.root.level
    configure_logging(settings)
    keep_logs._waiting.clear()
    keep_logs._started.set()

    def read():
        keep_logs.write_waiting()
        with boundary.unit_of_work() as session:
            return list(session.scalars(select(SystemLog).order_by(SystemLog.id)))

    yield read
    keep_logs._started.clear()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()


def test_warnings_and_worse_are_kept_cleaned(kept):
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        structlog.get_logger("ours").info("fine")
        structlog.get_logger("ours").warning("refused 4242 4242 4242 4242", email="bob@example.org")
        logging.getLogger("theirs").error("broke \0 %s", "here", extra={"tries": 3})

    refused, broke = kept()

    assert (refused.level, refused.module, refused.request_id) == ("WARNING", "ours", "r-1")
    assert refused.message == "refused [hidden]"
    assert refused.data == {"email": "b…@example.org"}
    assert (broke.level, broke.module, broke.message) == ("ERROR", "theirs", "broke  here")
    assert broke.data == {"tries": 3}


def test_without_a_database_the_lines_are_let_go(kept, settings):
    logging.getLogger("theirs").error("broke")
    boundary.dispose()
    nowhere = "postgresql+psycopg2://ws_staff@/weokto?host=/nowhere"
    boundary.bind_from(settings.model_copy(update={"database_url": nowhere}))
    try:
        keep_logs.write_waiting()
    finally:
        boundary.dispose()
        boundary.bind_from(settings)

    assert kept() == []
