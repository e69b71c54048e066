"""The schedule: hours of Paris through both clock changes, one run per tick, no leftovers."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from jobs import schedule
from jobs.perform import perform, run_periodic
from jobs.queue import JOBS, QUEUES, load_jobs
from models import clock
from models.oversight import SYSTEM, AuditEvent, JobRun, OutboxEvent, RunStatus
from models.oversight.periodic import Periodic, UnknownJob, scheduled_jobs, use_schedule
from models.oversight.run_job import NoDryRun, ask_again, begin_run, run_now, tick
from models.session import unit_of_work


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


def dues(cron, after, count):
    line = Periodic("tests", cron, "default", "")
    found = []
    for _ in range(count):
        after = line.due_after(after)
        found.append(after)
    return found


@pytest.fixture
def scheduled():
    """The real schedule, put back after a test that replaces it."""
    load_jobs()
    yield
    use_schedule(schedule.PERIODIC)


def runs():
    with unit_of_work() as session:
        return session.scalars(select(JobRun).order_by(JobRun.id)).all()


class TestDue:
    def test_spring_night_runs_once_an_hour_on(self):
        assert dues("0 2 * * *", utc(2026, 3, 28, 12), 2) == [
            utc(2026, 3, 29, 1),  # 03:00 in Paris, whose clocks have no 02:00 that night
            utc(2026, 3, 30, 0),
        ]

    def test_autumn_night_runs_once_at_the_first_of_both_hours(self):
        assert dues("30 2 * * *", utc(2026, 10, 24, 12), 2) == [
            utc(2026, 10, 25, 0, 30),
            utc(2026, 10, 26, 1, 30),
        ]

    @pytest.mark.parametrize("night", [utc(2026, 3, 28, 23), utc(2026, 10, 24, 23)])
    def test_every_minute_goes_on_through_the_night(self, night):
        assert dues("* * * * *", night, 300) == [
            night + timedelta(minutes=minute) for minute in range(1, 301)
        ]

    @pytest.mark.parametrize("day", [28, 29, 30])
    @pytest.mark.parametrize("cron", ["0 2 * * *", "45 2 * * *", "*/5 * * * *", "15 * * * *"])
    @pytest.mark.parametrize("month", [3, 10])
    def test_the_last_is_the_one_before_the_next(self, month, day, cron):
        line = Periodic("tests", cron, "default", "")
        for minutes in range(0, 24 * 60, 13):
            at = utc(2026, month, day - (4 if month == 10 else 0)) + timedelta(minutes=minutes)
            last = line.due_until(at)
            assert last <= at < line.due_after(at)
            assert line.due_after(last) == line.due_after(at)
            assert line.due_until(last) == last

    def test_every_line_is_a_registered_job_on_a_known_queue(self):
        load_jobs()
        for periodic in scheduled_jobs().values():
            assert periodic.name in JOBS
            assert periodic.queue in QUEUES
            assert JOBS[periodic.name].queue == periodic.queue
            assert periodic.words


class TestTick:
    def test_several_schedulers_ask_once(self, queued, scheduled):
        at = utc(2026, 3, 10, 11, 0, 20)
        clock.move_to(at)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(schedule.tick_now, ["oversight-sweep"] * 8))

        assert [run.due_at for run in runs()] == [utc(2026, 3, 10, 11)]

    def test_what_was_missed_is_caught_up_once(self, queued, scheduled):
        clock.move_to(utc(2026, 3, 10, 8))
        schedule.tick_now("oversight-sweep")
        clock.move_to(utc(2026, 3, 10, 11))
        schedule.tick_now("oversight-sweep")

        assert len(runs()) == 2

    def test_unknown_is_refused(self, session):
        with pytest.raises(UnknownJob):
            tick(session, "no-such-job", now=clock.now())


class TestSync:
    def test_makes_redis_hold_the_schedule_and_asks_for_what_was_missed(self, queued, scheduled):
        for _ in range(2):
            schedule.sync_schedule(queued)

        held = {job.args[0] for job in schedule.make_clock(queued).get_jobs()}
        assert held == set(scheduled_jobs())
        assert {run.name for run in runs()} == held

    def test_removes_what_is_no_longer_listed(self, queued, scheduled):
        schedule.sync_schedule(queued)
        use_schedule(schedule.PERIODIC[:1])
        schedule.sync_schedule(queued)

        jobs = list(schedule.make_clock(queued).get_jobs())
        assert [job.args[0] for job in jobs] == [schedule.PERIODIC[0].name]
        assert len(queued.keys("rq:job:periodic-*")) == 1

    def test_the_clock_ticks_what_is_due_and_notes_the_next(self, queued, scheduled):
        schedule.sync_schedule(queued)
        scheduler = schedule.make_clock(queued)
        job = next(iter(scheduler.get_jobs()))
        before = len(runs())
        clock.move_to(clock.now() + timedelta(days=1))

        scheduler.enqueue_job(job)

        assert len(runs()) == before + 1
        (noted,) = [at for one, at in scheduler.get_jobs(with_times=True) if one.id == job.id]
        assert noted.replace(tzinfo=UTC) > clock.now()


@pytest.fixture
def sweep_does(monkeypatch):
    """Has the sweep do something else for one test."""

    def instead(function):
        job = replace(JOBS["oversight-sweep"], function=function, retry=())
        monkeypatch.setitem(JOBS, job.name, job)

    return instead


class TestRuns:
    def test_in_process_once_per_instant(self, committed, scheduled):
        at = utc(2026, 3, 10, 11)
        assert run_periodic("oversight-sweep", at)

        (run,) = runs()
        assert run.status is RunStatus.DONE
        assert run.counts == {"told": 0, "asked_again": 0}
        assert not run_periodic("oversight-sweep", at)

    def test_a_worker_keeps_the_row_and_runs_it_once(self, queued, scheduled):
        with unit_of_work() as session:
            run = run_now(session, "oversight-sweep", actor=SYSTEM)
        for _ in range(2):
            perform("oversight-sweep", str(run.id))

        (kept,) = runs()
        assert kept.status is RunStatus.DONE
        assert kept.trigger == "manual"
        assert kept.ended_at >= kept.started_at

    def test_a_crash_is_written_down_and_may_run_again(self, queued, scheduled, sweep_does):
        crashes = [True, False]

        def sometimes():
            if crashes.pop(0):
                raise ZeroDivisionError
            return {"done": 3, "errors": 1}

        sweep_does(sometimes)
        with unit_of_work() as session:
            run = run_now(session, "oversight-sweep", actor=SYSTEM)
        with pytest.raises(ZeroDivisionError):
            perform("oversight-sweep", str(run.id))
        (failed,) = runs()
        assert failed.status is RunStatus.FAILED
        assert "ZeroDivisionError" in failed.error

        perform("oversight-sweep", str(run.id))

        (kept,) = runs()
        assert (kept.status, kept.counts, kept.errors) == (RunStatus.DONE, {"done": 3}, 1)
        with unit_of_work() as session:
            told = session.scalars(select(OutboxEvent.kind).order_by(OutboxEvent.id)).all()
        assert told.count("oversight.job_failed") == 2

    def test_a_crash_s_words_are_kept_clean(self, queued, scheduled, sweep_does):
        def crash():
            raise LookupError("card 4242 4242 4242 4242 of bob@example.org, token=abcdef")

        sweep_does(crash)
        with unit_of_work() as session:
            run = run_now(session, "oversight-sweep", actor=SYSTEM)
        with pytest.raises(LookupError):
            perform("oversight-sweep", str(run.id))

        (failed,) = runs()
        words = "LookupError: card [hidden] of b…@example.org, token=[hidden]"
        assert failed.error.strip().endswith(words)
        with unit_of_work() as session:
            (trail,) = session.scalars(
                select(AuditEvent).where(AuditEvent.action == "oversight.job_failed")
            )
            assert trail.after["error"].strip().endswith(words)

    def test_twice_in_one_instant_runs_once(self, session, scheduled, now):
        first = run_now(session, "oversight-sweep", actor=SYSTEM)

        assert run_now(session, "oversight-sweep", actor=SYSTEM) is first

    def test_a_dry_run_must_exist(self, session, scheduled):
        with pytest.raises(NoDryRun):
            run_now(session, "oversight-sweep", actor=SYSTEM, dry_run=True)

    def test_one_at_work_is_left_alone_until_it_must_be_dead(self, session, scheduled, now):
        run = run_now(session, "oversight-sweep", actor=SYSTEM)
        session.flush()
        longest = timedelta(minutes=2)

        assert begin_run(session, run.id, now=now, longest=longest)
        assert not begin_run(session, run.id, now=now + timedelta(minutes=1), longest=longest)
        assert begin_run(session, run.id, now=now + timedelta(minutes=3), longest=longest)

    def test_one_that_the_queue_lost_is_asked_for_again(self, session, scheduled, now):
        run_now(session, "oversight-sweep", actor=SYSTEM)
        session.flush()

        assert ask_again(session, now=now + timedelta(minutes=1)) == 0
        assert ask_again(session, now=now + timedelta(minutes=4)) == 1
