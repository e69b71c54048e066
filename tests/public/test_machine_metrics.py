"""The figures of the whole house on /metrics, as a scrape reads them."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families
from rq import Queue
from rq.utils import utcformat

from jobs.perform import run_periodic
from jobs.queue import enqueue
from models import clock
from models import session as boundary
from models.oversight import SYSTEM, JobRun, OutboxEvent, RunStatus, emit
from models.oversight.figures import last_ended_runs, outbox_lag
from models.session import unit_of_work
from models.settings import use_settings
from tests.checkouts import DECLINED, GOOD, buy, put_on_sale
from tests.factories import Make


@pytest.fixture
def scrape(client, settings):
    """Reads /metrics once: a function of a figure's name and labels, None where there is none."""

    def once(**changes):
        use_settings(settings.model_copy(update={"metrics_token": "figures", **changes}))
        text = client.get("/metrics", headers={"Authorization": "Bearer figures"}).text
        read = {
            (sample.name, *sorted(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
        return lambda name, **labels: read.get((name, *sorted(labels.items())))

    return once


class TestQueues:
    def test_are_empty(self, scrape):
        figure = scrape()

        for queue in ("money", "outbox", "mail", "default"):
            assert figure("queue_depth", queue=queue) == 0
            assert figure("queue_oldest_seconds", queue=queue) == 0

    def test_tell_how_many_wait_and_since_when(self, scrape, redis):
        for _ in range(3):
            enqueue("catalog-send-webhooks")
        first = Queue("mail", connection=redis).get_jobs(0, 1)[0]
        long_ago = datetime.fromtimestamp(time.time() - 500, UTC)
        redis.hset(first.key, "enqueued_at", utcformat(long_ago))

        figure = scrape()

        assert figure("queue_depth", queue="mail") == 3
        assert 500 <= figure("queue_oldest_seconds", queue="mail") < 560
        assert figure("queue_depth", queue="money") == 0

    def test_a_job_that_is_gone_has_no_age(self, scrape, redis):
        enqueue("catalog-send-webhooks")
        redis.delete(Queue("mail", connection=redis).get_jobs(0, 1)[0].key)

        assert scrape()("queue_oldest_seconds", queue="mail") == 0


class TestOutbox:
    def test_tells_how_many_wait_and_since_when(self, scrape, now):
        assert scrape()("outbox_lag_seconds") == 0
        with unit_of_work() as session:
            user = Make(session).user("ann@example.org")
            emit(session, "accounts.told", user, actor=SYSTEM)
        clock.advance(timedelta(seconds=90))

        figure = scrape()

        assert figure("outbox_waiting") == 1
        assert figure("outbox_lag_seconds") == 90

    def test_is_counted_up_to_a_limit(self, session, make):
        for number in range(3):
            make.add(OutboxEvent(kind="k", subject_table="t", subject_id=str(number)))

        assert outbox_lag(session, most=2)[0] == 2


class TestCharges:
    def test_are_counted_by_outcome_for_an_hour(self, scrape, twin, now):
        key = put_on_sale()
        for number, card in enumerate((GOOD, GOOD, DECLINED)):
            buy(twin, key, f"buyer{number}@example.org", card)

        figure = scrape()

        assert figure("charges_last_hour", outcome="SUCCEEDED") == 2
        assert figure("charges_last_hour", outcome="DECLINED") == 1
        assert figure("charges_last_hour", outcome="PENDING") == 0
        clock.advance(timedelta(hours=1, seconds=1))
        assert scrape()("charges_last_hour", outcome="SUCCEEDED") == 0


class TestJobRuns:
    def test_tell_of_the_last_hour_and_the_last_end(self, scrape, now):
        for minutes in (0, 1):
            clock.move_to(now + timedelta(minutes=minutes))
            run_periodic("oversight-sweep", clock.now())

        figure = scrape()

        assert figure("job_runs_last_hour", job="oversight-sweep", status="DONE") == 2
        ended = figure("job_last_end_timestamp_seconds", job="oversight-sweep")
        assert ended == (now + timedelta(minutes=1)).timestamp()
        assert figure("job_last_run_errors", job="oversight-sweep") == 0
        assert figure("job_last_run_seconds", job="oversight-sweep") == 0
        assert figure("job_last_end_timestamp_seconds", job="accounts-tidy") is None

    def test_the_last_end_is_no_dry_run_and_none_at_work(self, session, make, now):
        for days, more in enumerate(
            (
                {"ended_at": now, "errors": 1, "status": RunStatus.FAILED},
                {"ended_at": now, "dry_run": True, "status": RunStatus.DONE},
                {"status": RunStatus.RUNNING},
            )
        ):
            due_at = now + timedelta(days=days)
            make.add(JobRun(name="billing-renew-due", due_at=due_at, started_at=now, **more))

        (run,) = last_ended_runs(session, ["billing-renew-due", "ledger-verify"])
        assert run.errors == 1


class TestLedger:
    def test_is_unknown_before_its_first_proof(self, scrape):
        assert scrape()("ledger_holds") is None

    def test_tells_how_its_last_proof_ended(self, scrape, now):
        run_periodic("ledger-verify", now)
        assert scrape()("ledger_holds") == 1

        with unit_of_work() as session:
            clock.advance(timedelta(days=1))
            Make(session).add(
                JobRun(
                    name="ledger-verify",
                    due_at=clock.now(),
                    started_at=clock.now(),
                    ended_at=clock.now(),
                    status=RunStatus.DONE,
                    counts={"differences": 1},
                )
            )
        assert scrape()("ledger_holds") == 0


class TestSources:
    @pytest.mark.parametrize("address", ["unix:///nowhere/redis.sock", ""])
    def test_redis_that_is_away_costs_its_own_figures_only(self, scrape, address):
        figure = scrape(redis_url=address)

        assert figure("metrics_source_up", source="redis") == 0
        assert figure("metrics_source_up", source="database") == 1
        assert figure("queue_depth", queue="mail") is None
        assert figure("outbox_waiting") == 0

    def test_so_does_a_database(self, scrape, settings):
        boundary.dispose()
        boundary.bind_from(
            settings.model_copy(
                update={"database_url": "postgresql+psycopg2://ws_staff@/weokto?host=/nowhere"}
            )
        )
        try:
            figure = scrape()
        finally:
            boundary.dispose()
            boundary.bind_from(settings)

        assert figure("metrics_source_up", source="database") == 0
        assert figure("metrics_source_up", source="redis") == 1
        assert figure("outbox_waiting") is None
        assert figure("queue_depth", queue="mail") == 0
