"""Whole scenarios beside what must come out of them."""

import json
from pathlib import Path

import pytest

from jobs.simulation.engine import simulate
from jobs.simulation.scenario import read_scenario
from tests.jobs.simulation.holding import missing

HERE = Path(__file__).parent / "scenarios"
NAMES = sorted(path.name.removesuffix(".expect.json") for path in HERE.glob("*.expect.json"))


@pytest.mark.parametrize("name", NAMES)
def test_gives_what_must_come_out(name, settings):
    result = simulate(read_scenario(HERE / f"{name}.json"), settings)

    assert missing(json.loads((HERE / f"{name}.expect.json").read_text()), result) is None


class TestMissing:
    @pytest.mark.parametrize(
        ("expected", "result"),
        [
            ({"a": 1}, {"a": 1, "b": 2}),
            ([2, 4], [1, 2, 3, 4]),
            ([], []),
            ([{"a": [1]}], [{"b": 1}, {"a": [0, 1]}]),
        ],
    )
    def test_is_none_where_all_is_there(self, expected, result):
        assert missing(expected, result) is None

    @pytest.mark.parametrize(
        ("expected", "result"),
        [
            ({"a": 1}, {"b": 1}),
            ({"a": 1}, {"a": 2}),
            ([], [1]),
            ([2, 1], [1, 2]),
            ([1, 1], [1]),
            ({"a": [1]}, {"a": 1}),
        ],
    )
    def test_names_what_is_not(self, expected, result):
        assert missing(expected, result)
