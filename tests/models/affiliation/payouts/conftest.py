"""Affiliates with money, for the tests of payouts."""

import pytest

from models.oversight import Actor
from tests.earnings import Earnings


@pytest.fixture
def earnings(make, now):
    return Earnings(make, now)


@pytest.fixture
def owner(make):
    return Actor(role="OWNER", user_id=make.staff().id)
