"""The worker's process: killed in the middle of a job, and told to stop."""

import time
from contextlib import suppress

import psutil
import pytest
from rq import Queue, Retry

from tests.processes import family, start, wait_for


@pytest.fixture
def worker(database, settings, redis, tmp_path):
    """A supervised worker on this test's Redis."""
    process = start(
        "worker",
        data_dir=tmp_path,
        port=8000,
        DATABASE_URL=settings.database_url,
        DATABASE_MEMBER_URL=settings.database_member_url,
        REDIS_URL=settings.redis_url,
    )
    yield process
    process.terminate()
    process.communicate(timeout=60)


def one_that_works(worker):
    """The pid of the worker below the supervisor, once it is one: what Python asks a shell for
    while it starts is below it too, for a moment."""
    for each in family(worker.pid)[1:]:
        with suppress(psutil.NoSuchProcess):
            if "--alone" in each.cmdline():
                return each.pid
    return None


def lines_of(path):
    return path.read_text().count("\n") if path.exists() else 0


def test_a_killed_one_is_replaced_and_goes_on(worker, redis, tmp_path):
    killed = wait_for(lambda: one_that_works(worker))
    family(killed)[0].kill()
    wait_for(lambda: one_that_works(worker) not in (None, killed))

    job = Queue("money", connection=redis).enqueue("time.monotonic")

    wait_for(lambda: job.get_status(refresh=True) == "finished")


def test_stopping_lets_nothing_behind(worker):
    wait_for(lambda: one_that_works(worker))
    everyone = family(worker.pid)

    worker.terminate()
    worker.communicate(timeout=60)

    assert worker.returncode == 0
    assert not any(each.is_running() and each.status() != "zombie" for each in everyone)


@pytest.mark.soak
def test_a_job_killed_with_its_worker_runs_again_within_90_seconds(worker, redis, tmp_path):
    marks = tmp_path / "marks"
    Queue("money", connection=redis).enqueue(
        "tests.jobs.leave_a_mark.leave_a_mark", str(marks), retry=Retry(3), job_timeout=180
    )
    wait_for(lambda: lines_of(marks) == 1)
    time.sleep(6)

    began = time.monotonic()
    family(one_that_works(worker))[0].kill()

    wait_for(lambda: lines_of(marks) == 2, seconds=90)
    assert time.monotonic() - began < 90
