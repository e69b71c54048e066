"""What every test may ask for: a session, committed data, an app, a client, a clock."""

import os
from datetime import UTC, datetime

import pytest
import redis as redis_library
from sqlalchemy.orm import Session

from jobs import queue
from models import clock
from models import session as boundary
from models.billing.in_process import InProcessProvider
from models.embedded import stop
from models.settings import use_settings
from tests.buying import Buyer
from tests.catalogues import compile_catalogues
from tests.checkouts import charged_by
from tests.databases import DATA, Cleaner, make_database
from tests.factories import Make
from tests.running_sandbox import running_sandbox
from tests.spreading import OneHouse, begins

NOON = datetime(2026, 3, 10, 11, 0, tzinfo=UTC)
"""An ordinary Tuesday: noon in Paris, winter time."""


def pytest_configure(config):
    """Pages answer in the catalogues' words, whoever started the tests."""
    if not hasattr(config, "workerinput"):
        compile_catalogues()


def pytest_unconfigure(config):
    """Stop the servers once the last worker is done."""
    if not hasattr(config, "workerinput") and DATA.exists():
        stop(DATA)


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: begins(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Keep the browser tests together where tests are spread by scope."""
    return OneHouse(config, log) if config.getvalue("dist") == "loadscope" else None


@pytest.fixture(scope="session")
def database():
    """This worker's own migrated database and Redis number."""
    return make_database(os.environ.get("PYTEST_XDIST_WORKER", "gw0"))


@pytest.fixture(scope="session")
def settings(database):
    return database.settings()


@pytest.fixture(scope="session", autouse=True)
def _bound(settings):
    use_settings(settings)
    boundary.bind_from(settings)
    yield
    boundary.dispose()


@pytest.fixture(autouse=True)
def _same_settings_and_clock(settings):
    """Whatever a test did to the settings or the clock ends with it."""
    yield
    use_settings(settings)
    clock.release()


@pytest.fixture
def now():
    """The clock stands at NOON for the length of the test."""
    clock.move_to(NOON)
    return NOON


@pytest.fixture
def session():
    """A staff session inside a transaction that is rolled back after the test."""
    connection = boundary.engine_of("staff").connect()
    transaction = connection.begin()
    with Session(
        connection, join_transaction_mode="create_savepoint", expire_on_commit=False
    ) as session:
        yield session
    transaction.rollback()
    connection.close()


@pytest.fixture
def make(session):
    """Rows for a test, made in its own session."""
    return Make(session)


@pytest.fixture(scope="session")
def cleaner(database):
    cleaner = Cleaner(database)
    yield cleaner
    cleaner.close()


@pytest.fixture
def committed(cleaner, request):
    """For tests whose data is committed: whatever they leave is taken back after."""
    yield
    cleaner.clean(is_unproved=request.node.get_closest_marker("unproved") is not None)


@pytest.fixture
def redis(settings, monkeypatch):
    """This worker's Redis number, empty before and after; outages before are forgotten."""
    monkeypatch.setattr(queue, "_left_alone_until", 0.0)
    connection = redis_library.Redis.from_url(settings.redis_url)
    connection.flushdb()
    yield connection
    connection.flushdb()
    connection.close()


@pytest.fixture
def buyer(tmp_path):
    """A buyer at a sandbox of their own that answers over HTTP; our clients talk to it."""
    with running_sandbox(tmp_path) as sandbox:
        use_settings(sandbox.settings)
        yield Buyer(sandbox)


@pytest.fixture(scope="session")
def app(settings):
    """The application as it runs, on this worker's database."""
    from app import create_app

    return create_app(settings)


@pytest.fixture
def client(app, committed, redis):
    """A visitor of WEOKTO; pass ``base_url`` for STAM. What it commits is taken back."""
    with app.test_client() as client:
        client.environ_base["HTTP_HOST"] = "weokto.localhost"
        yield client


@pytest.fixture
def twin():
    """A vault and a PSP in memory; without a queue, callbacks complete purchases themselves."""
    with charged_by(InProcessProvider()) as twin:
        yield twin
