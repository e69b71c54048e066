"""One house and one Chromium for all browser tests, and people with browsers of their own."""

import shutil
import uuid

import pytest
import redis

from tests.browser.house import running_house
from tests.browser.people import WIDE, Person

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/browser" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser_type_launch_args():
    """The machine's own Chromium: Playwright's are not fetched."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.fail(
            f"The browser tests need Chromium: none of {', '.join(NAMES)} is on the PATH. "
            "On Debian: apt-get install chromium"
        )
    return {"executable_path": found, "args": FLAGS}


@pytest.fixture(scope="package")
def house(database, tmp_path_factory):
    """The running house; at its end nothing in its log may speak of trouble."""
    with running_house(tmp_path_factory.mktemp("house") / "log") as house:
        yield house
    assert house.complaints() == []


@pytest.fixture(autouse=True)
def _calm_house(house):
    """Each test is another day's visitor, not one more from the same address; and leaves a
    log without trouble."""
    with redis.Redis.from_url(house.environment["REDIS_URL"]) as connection:
        for key in connection.scan_iter("LIMITS*"):
            connection.delete(key)
    before = house.logged()
    yield
    assert house.complaints(before) == []


@pytest.fixture
def somebody(browser):
    """Makes people with browsers of their own; at the end none may have seen anything wrong."""
    people = []

    def make(**context):
        values = {"viewport": WIDE, "locale": "fr-FR", **context}
        people.append(Person(browser.new_context(**values)))
        return people[-1]

    yield make
    for person in people:
        person.context.close()
    assert [each for person in people for each in person.wrong] == []


@pytest.fixture
def page(somebody):
    return somebody().page


@pytest.fixture
def email():
    """An address that nobody has yet."""
    return f"{uuid.uuid4().hex[:10]}@example.org"
