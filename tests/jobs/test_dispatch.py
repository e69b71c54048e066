"""The outbox: every listener exactly once, failures apart, what was missed found by the sweep."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from jobs import oversight
from models import clock
from models.oversight import SYSTEM, JobRun, OutboxDelivery, OutboxEvent, emit
from models.oversight.dispatch import dispatch_events, has_waiting_events
from models.session import unit_of_work


def tell(count, kind="tests.happened"):
    with unit_of_work() as session:
        for number in range(count):
            run = JobRun(name=f"tests-{number}", due_at=clock.now())
            session.add(run)
            emit(session, kind, run, actor=SYSTEM, data={"number": number})


def marks():
    with unit_of_work() as session:
        return session.scalar(select(func.count()).where(JobRun.trigger == "mark"))


def mark(session, event):
    """A listener whose effect can be counted."""
    session.add(JobRun(name=f"mark-{event.id}", due_at=clock.now(), trigger="mark"))


def mark_too(session, event):
    session.add(JobRun(name=f"too-{event.id}", due_at=clock.now(), trigger="mark"))


def fail(session, event):
    mark(session, event)
    session.flush()
    raise ZeroDivisionError


@pytest.fixture
def listeners(monkeypatch):
    """Let a test say who listens."""

    def listen(**kinds):
        listening = {f"tests.{kind}": told for kind, told in kinds.items()}
        monkeypatch.setattr(oversight, "LISTENERS", listening)

    return listen


class TestDispatch:
    def test_eight_at_once_tell_each_listener_once(self, committed, listeners):
        listeners(happened=(mark, mark_too))
        tell(120)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: oversight.dispatch(), range(8)))

        assert marks() == 240
        with unit_of_work() as session:
            assert not has_waiting_events(session, now=clock.now())

    def test_twice_tells_once(self, committed, listeners):
        listeners(happened=(mark,))
        tell(3)

        assert [oversight.dispatch()["told"] for _ in range(2)] == [3, 0]
        assert marks() == 3

    def test_one_that_fails_stops_nobody_and_leaves_nothing(self, committed, listeners, now):
        listeners(happened=(fail, mark_too))
        tell(2)

        assert oversight.dispatch() == {"told": 0, "errors": 2}

        assert marks() == 2
        with unit_of_work() as session:
            event = session.scalars(select(OutboxEvent)).first()
            assert event.attempts == 1
            assert "fail: ZeroDivisionError" in event.last_error

    def test_a_failure_waits_then_only_the_failed_is_told_again(self, committed, listeners, now):
        listeners(happened=(fail, mark_too))
        tell(1)
        oversight.dispatch()
        assert oversight.dispatch() == {"told": 0, "errors": 0}

        def works_now(session, event):
            mark(session, event)

        works_now.__name__ = "fail"
        listeners(happened=(works_now, mark_too))
        clock.advance(timedelta(seconds=11))
        assert oversight.dispatch() == {"told": 1, "errors": 0}

        assert marks() == 2
        with unit_of_work() as session:
            assert session.scalar(select(func.count()).select_from(OutboxDelivery)) == 2

    def test_one_that_never_stops_failing_still_stops_nobody(self, committed, listeners, now):
        listeners(happened=(fail,), other=(mark,))
        tell(1)
        with unit_of_work() as session:
            event = session.scalars(select(OutboxEvent)).one()
            event.attempts = 1000
            emit(session, "tests.other", session.scalars(select(JobRun)).one(), actor=SYSTEM)

        assert oversight.dispatch() == {"told": 1, "errors": 1}

        with unit_of_work() as session:
            assert session.get(OutboxEvent, event.id).next_try_at == now + timedelta(hours=1)

    def test_what_nobody_listens_to_is_closed(self, committed, listeners):
        listeners(other=(mark,))
        tell(60)

        oversight.dispatch()

        with unit_of_work() as session:
            assert not has_waiting_events(session, now=clock.now())

    def test_an_event_under_way_elsewhere_is_left_to_it(self, committed, listeners):
        listeners(happened=(mark,))
        tell(1)

        with unit_of_work() as session:
            dispatch_events(session, oversight.LISTENERS, now=clock.now())
            with ThreadPoolExecutor(1) as pool:
                assert pool.submit(oversight.dispatch).result()["told"] == 0

        assert marks() == 1


def test_the_sweep_finds_what_no_queue_was_told(committed, listeners, sending):
    def away(name, args):
        raise ConnectionError

    listeners(happened=(mark,))
    sending(away)
    tell(1)

    assert oversight.sweep()["told"] == 1
    assert marks() == 1
