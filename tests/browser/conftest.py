"""One house and one Chromium for all browser tests, and people with browsers of their own."""

import uuid
from contextlib import closing

import pytest
import redis
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from tests.browser.chromium import launch_arguments
from tests.browser.house import running_house
from tests.browser.people import WIDE, Person
from tests.browser.signing_in import OWNER, enrol, sign_in_by_link


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/browser" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser_type_launch_args():
    """A machine without Chromium fails these tests and is told what to install."""
    return launch_arguments()


@pytest.fixture(scope="package")
def house(database, tmp_path_factory):
    """The running house; at its end nothing in its log may speak of trouble."""
    with running_house(tmp_path_factory.mktemp("house") / "log") as house:
        yield house
    assert house.complaints() == []


@pytest.fixture(autouse=True)
def _calm_house(house):
    """Each test is another day's visitor, not one more from the same address, be it counted in
    Redis or by the links that were asked for; and leaves a log without trouble."""
    _forget_addresses(house.environment["DATABASE_URL"])
    with redis.Redis.from_url(house.environment["REDIS_URL"]) as connection:
        for key in connection.scan_iter("LIMITS*"):
            connection.delete(key)
    before = house.logged()
    yield
    assert house.complaints(before) == []


def _forget_addresses(url):
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("UPDATE magic_links SET ip = NULL WHERE ip IS NOT NULL"))


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


@pytest.fixture(scope="package")
def owner_signed_in(house, browser):
    """The owner's cookies, after signing in by link and setting up the second factor."""
    with closing(browser.new_context(locale="fr-FR")) as context:
        owner = Person(context)
        sign_in_by_link(house, owner.page, OWNER)
        enrol(owner.page)
        owner.page.wait_for_url(f"{house.console}/")
        assert owner.wrong == []
        return context.storage_state()


@pytest.fixture
def owner(somebody, owner_signed_in):
    return somebody(storage_state=owner_signed_in)


@pytest.fixture
def email():
    """An address that nobody has yet."""
    return f"{uuid.uuid4().hex[:10]}@example.org"
