"""Jobs: asked for by name after the commit, performed in a worker, safe without Redis."""

import time
import uuid
from datetime import timedelta

import pytest
from rq import Queue, SimpleWorker
from rq.job import Job

from jobs import queue
from jobs.perform import perform, perform_here
from jobs.worker import Worker
from models import clock
from models.errors import Missing
from models.oversight import SYSTEM, JobRun
from models.oversight.run_job import begin_run, run_now
from models.session import defer, unit_of_work
from models.settings import use_settings


@pytest.fixture
def job_called():
    """Register a job for one test."""

    def register(name, function, **options):
        queue.job(name, **options)(function)
        names.append(name)

    names = []
    yield register
    for name in names:
        del queue.JOBS[name]


def work(redis):
    SimpleWorker([Queue(name, connection=redis) for name in queue.QUEUES], connection=redis).work(
        burst=True, logging_level="WARNING"
    )


class TestDeferred:
    def test_runs_in_a_worker_after_the_commit_with_ids_as_text(self, queued, job_called):
        seen = []
        job_called("tests-note-it", seen.append, queue="money")
        key = uuid.uuid4()

        with unit_of_work() as session:
            defer(session, "tests-note-it", key)
            assert not Queue("money", connection=queued).job_ids
        work(queued)

        assert seen == [str(key)]

    def test_rolled_back_asks_for_nothing(self, queued, job_called):
        job_called("tests-note-it", print)

        def break_off():
            with unit_of_work() as session:
                defer(session, "tests-note-it")
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            break_off()

        assert not Queue("default", connection=queued).job_ids

    def test_without_redis_the_commit_stands_and_costs_little(self, committed, settings, sending):
        use_settings(settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"}))
        sending(queue.enqueue)
        started = time.monotonic()
        with unit_of_work() as session:
            defer(session, "oversight-dispatch")
            defer(session, "oversight-sweep")

        assert time.monotonic() - started < 1


class TestPerform:
    def test_a_refusal_ends_the_job(self, job_called):
        def refuse():
            raise Missing

        job_called("tests-refuse", refuse)

        assert perform("tests-refuse") is None

    def test_a_crash_goes_on_to_the_queue(self, job_called):
        def crash():
            raise ZeroDivisionError

        job_called("tests-crash", crash)

        with pytest.raises(ZeroDivisionError):
            perform("tests-crash")

    def test_a_crash_is_tried_again_later_then_kept_as_failed(self, queued, job_called):
        tries = []

        def crash():
            tries.append(1)
            raise ZeroDivisionError

        job_called("tests-crash", crash, retry=())
        queue.enqueue("tests-crash")
        work(queued)

        assert len(tries) == 1
        assert Queue("default", connection=queued).failed_job_registry.count == 1

    def test_a_worker_leaves_a_clean_traceback_behind(self, queued, job_called):
        def crash():
            raise LookupError("card 4242424242424242 of bob@example.org")

        job_called("tests-crash", crash, retry=())
        queue.enqueue("tests-crash")
        Worker([Queue("default", connection=queued)], connection=queued).work(
            burst=True, logging_level="WARNING"
        )

        (job_id,) = Queue("default", connection=queued).failed_job_registry.get_job_ids()
        left = Job.fetch(job_id, connection=queued).latest_result().exc_string
        assert "LookupError: card [hidden] of b…@example.org" in left
        assert "4242" not in left

    def test_here_means_in_this_process(self, job_called):
        seen = []
        job_called("tests-note-it", seen.append)

        perform_here("tests-note-it", ("a",))

        assert seen == ["a"]


def test_two_jobs_cannot_have_one_name():
    queue.load_jobs()
    with pytest.raises(KeyError):
        queue.job("oversight-sweep")(print)


class TestARunWhoseWorkerDied:
    @pytest.mark.parametrize(("repeated", "ends"), [(True, "DONE"), (False, "RUNNING")])
    def test_is_taken_over_by_the_job_that_runs_again(self, queued, repeated, ends):
        with unit_of_work() as session:
            run = run_now(session, "affiliation-mature", actor=SYSTEM)
        with unit_of_work() as session:
            assert begin_run(session, run.id, now=clock.now(), longest=timedelta(hours=1))
        waiting = Queue("money", connection=queued)
        job = waiting.fetch_job(waiting.job_ids[0])
        job.retries_left -= int(repeated)
        job.save()

        work(queued)

        with unit_of_work() as session:
            assert JobRun.get(session, run.id).status == ends
