"""A simulation leaves nothing to chance."""

import json

from tests.jobs.simulation.conftest import buy, click


def test_the_same_scenario_gives_the_same_result_byte_for_byte(play):
    events = (
        click(),
        buy(card="4000000000000341"),
        click(visitor="v2", at="+2h"),
        buy(visitor="v2", email="eve@example.org", at="+3h", card="4000002500003155"),
        {"at": "+5d", "do": "refund", "email": "eve@example.org", "product": "premium",
         "invoice": 1, "amount": 1000},
        {"at": "+50d", "do": "withdraw", "affiliate": "alice", "amount": 500, "as": "w1"},
    )  # fmt: skip
    settings = {"vat_rate": "0.20", "withdrawal_minimum": 100}

    one, other = (
        json.dumps(play(*events, settings=settings, until="2026-06-01T00:00:00+02:00"))
        for _ in range(2)
    )

    assert one == other
