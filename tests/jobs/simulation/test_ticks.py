"""Ticks of a moved clock: in the order of time, and not before there is work."""

from datetime import UTC, datetime, timedelta

import pytest

from jobs.schedule import PERIODIC
from jobs.simulation.ticks import Ticks
from models.oversight.periodic import Periodic, use_schedule

NINE = datetime(2026, 1, 1, 9, tzinfo=UTC)


@pytest.fixture
def ticks(session):
    """What a schedule does from nine to noon, as (hour in UTC, name)."""

    def walk(*schedule, **without):
        use_schedule(schedule)
        walked, found = Ticks(NINE, **without), []
        while tick := walked.next_until(NINE + timedelta(hours=3), session):
            at, line = tick
            found.append((at.hour, line.name))
        return found

    yield walk
    use_schedule(PERIODIC)


def test_come_in_the_order_of_time_and_of_the_schedule(ticks):
    once, hourly = Periodic("a", "0 11 * * *", "q", ""), Periodic("b", "0 * * * *", "q", "")

    assert ticks(once, hourly) == [(9, "b"), (10, "a"), (10, "b"), (11, "b"), (12, "b")]


def test_skip_what_would_find_nothing(ticks):
    late = Periodic("a", "0 * * * *", "q", "", next_due=lambda _: NINE + timedelta(minutes=90))
    never = Periodic("b", "0 * * * *", "q", "", next_due=lambda _: None)

    assert ticks(late, never) == [(11, "a"), (12, "a")]


def test_leave_queues_out_that_nobody_works(ticks):
    assert ticks(Periodic("a", "0 * * * *", "mail", ""), without_queues=("mail",)) == []


def test_never_go_back_for_what_a_later_one_leaves(ticks):
    answers = iter([None])
    left = Periodic("a", "0 * * * *", "q", "", next_due=lambda _: next(answers, NINE))
    later = Periodic("b", "0 12 * * *", "q", "")

    assert ticks(left, later) == [(11, "b"), (11, "a"), (12, "a")]
