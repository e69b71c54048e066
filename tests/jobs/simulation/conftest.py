"""A small business to play scenarios on."""

from copy import deepcopy

import pytest

from jobs.simulation.engine import simulate
from jobs.simulation.scenario import check_scenario

GOOD = "4242424242424242"

BUSINESS = {
    "start": "2026-03-10T10:00:00+01:00",
    "until": "2026-03-20T12:00:00+01:00",
    "settings": {"vat_rate": "0.20"},
    "communities": [{"slug": "academy", "name": "Academy", "platform": "STAM"}],
    "products": [
        {
            "slug": "premium",
            "name": "Premium",
            "community": "academy",
            "program": {
                "is_active": True,
                "type": "percentage",
                "rate": "30",
                "include_renewals": True,
                "cookie_days": 30,
            },
        }
    ],
    "plans": [
        {"slug": "premium-monthly", "product": "premium", "price": 4900, "interval": "MONTHLY"}
    ],
    "buttons": [{"key": "premium-monthly", "plan": "premium-monthly"}],
    "affiliates": [{"slug": "alice", "email": "alice@example.org"}],
}


@pytest.fixture
def play(settings):
    """Play events on the small business; any part of it can be given instead."""

    def played(*events, **parts):
        return simulate(check_scenario({**deepcopy(BUSINESS), **parts, "events": events}), settings)

    return played


def click(visitor="v1", ref="alice", at="+0d"):
    return {"at": at, "do": "click", "visitor": visitor, "ref": ref}


def buy(email="bob@example.org", visitor="v1", at="+0d1h", button="premium-monthly", card=GOOD):
    event = {"at": at, "do": "buy", "email": email, "button": button, "card": card}
    return event if visitor is None else {**event, "visitor": visitor}


def rows_of(result, part, *fields):
    """Some fields of every row of a part, as tuples."""
    return [tuple(row[field] for field in fields) for row in result[part]]
