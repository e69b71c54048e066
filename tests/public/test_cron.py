"""The outside clock's endpoint."""

import pytest
from rq import Queue
from sqlalchemy import select

import jobs
from models.oversight import JobRun
from models.session import unit_of_work
from models.settings import use_settings

SECRET = {"Authorization": "Bearer the-cron-secret"}


@pytest.fixture
def clocked(client, app, settings):
    jobs.install(app)
    use_settings(settings.model_copy(update={"cron_secret": "the-cron-secret"}))
    return client


def runs():
    with unit_of_work() as session:
        return [(run.name, run.trigger) for run in session.scalars(select(JobRun))]


class TestCron:
    def test_queues_the_job_under_a_row(self, clocked, redis):
        answer = clocked.get("/api/cron/oversight-sweep", headers=SECRET)

        assert answer.status_code == 200
        assert answer.json["job"] == "oversight-sweep"
        assert runs() == [("oversight-sweep", "cron")]
        assert Queue("outbox", connection=redis).count >= 1

    @pytest.mark.parametrize(
        "headers",
        [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic the-cron-secret"}],
    )
    @pytest.mark.parametrize("job", ["oversight-sweep", "no-such-job"])
    def test_without_the_secret_tells_nothing(self, clocked, headers, job):
        answer = clocked.get(f"/api/cron/{job}", headers=headers)

        assert answer.status_code == 401
        assert runs() == []

    def test_an_unset_secret_opens_to_nobody(self, client):
        answer = client.get("/api/cron/oversight-sweep", headers={"Authorization": "Bearer "})

        assert answer.status_code == 401

    def test_an_unknown_job_is_missing(self, clocked):
        answer = clocked.get("/api/cron/no-such-job", headers=SECRET)

        assert answer.status_code == 404
        assert answer.json["error"]["code"] == "unknown_job"
