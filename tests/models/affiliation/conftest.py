"""What the tests of affiliation share."""

import pytest

from models.oversight import Actor
from tests.models.affiliation.sales import Shop


@pytest.fixture
def shop(make, now):
    return Shop(make, now)


@pytest.fixture
def staff(make):
    return Actor(role="OWNER", user_id=make.staff().id)
