"""While no queue can be reached: what somebody waits for is done by whoever was asked."""

import threading

import pytest

from jobs import queue
from models.session import defer, unit_of_work
from models.settings import use_settings
from tests.processes import wait_for

NAME = "tests-somebody-waits"


@pytest.fixture
def asked(committed, settings, sending):
    """Gives a function that has a job asked for while Redis is away."""
    use_settings(settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"}))
    sending(queue.enqueue)

    def ask(function, **options):
        if NAME not in queue.JOBS:
            queue.job(NAME, **options)(function)
        with unit_of_work() as session:
            defer(session, NAME)

    yield ask
    queue.JOBS.pop(NAME, None)


def test_it_is_done_in_a_transaction_of_its_own(asked):
    done = []

    def act():
        with unit_of_work():
            done.append(threading.current_thread().name)

    asked(act, without_queue=True)

    wait_for(lambda: done, 10)
    assert done == ["without-queue"]


def test_what_can_wait_waits_for_the_sweep(asked):
    done = []
    asked(lambda: done.append(1))
    asked(lambda: done.append(1))
    assert done == []


def test_asked_again_meanwhile_it_is_done_once_more(asked):
    done, go_on = [], threading.Event()

    def act():
        go_on.wait(10)
        done.append(1)

    asked(act, without_queue=True)
    wait_for(lambda: any(each.name == "without-queue" for each in threading.enumerate()), 10)
    for _ in range(5):
        asked(act)
    go_on.set()

    wait_for(lambda: not any(each.name == "without-queue" for each in threading.enumerate()), 10)
    assert 2 <= len(done) <= 3


def test_a_crash_does_not_end_it(asked):
    done = []

    def act():
        done.append(1)
        raise ZeroDivisionError

    for number in (1, 2):
        asked(act, without_queue=True)
        wait_for(lambda number=number: len(done) == number, 10)


def test_with_a_queue_it_is_left_to_the_workers(queued):
    done = []
    queue.job(NAME, without_queue=True)(lambda: done.append(1))
    try:
        with unit_of_work() as session:
            defer(session, NAME)
        assert len(queue.Queue("default", connection=queued).job_ids) == 1
    finally:
        del queue.JOBS[NAME]
    assert done == []


def test_the_mail_that_lets_people_in_is_such_a_job():
    queue.load_jobs()
    assert queue.JOBS["oversight-send-mails"].without_queue
