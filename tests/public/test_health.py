"""The pages about the machine, request ids, error answers, and the headers on everything."""

import socket

import pytest
import structlog

from models import embedded, session
from models.accounts import Platform
from models.settings import current_settings, use_settings
from tests.visitors import Visitor, committed_user


def with_settings(**changes):
    use_settings(current_settings().model_copy(update=changes))


class TestReady:
    def test_all_is_well(self, client):
        assert client.get("/healthz").json == {"ok": True}
        assert client.get("/readyz").json == {"ok": True, "wrong": []}

    def test_redis_away_is_named(self, client):
        with_settings(redis_url="unix:///nowhere/redis.sock")

        answer = client.get("/readyz")

        assert answer.status_code == 503
        assert answer.json == {"ok": False, "wrong": ["redis"]}
        assert client.get("/healthz").status_code == 200

    def test_database_away_is_named(self, client, settings):
        away = settings.model_copy(
            update={"database_url": "postgresql+psycopg2://ws_staff@/weokto?host=/nowhere"}
        )
        session.dispose()
        session.bind_from(away)
        try:
            assert client.get("/readyz").json["wrong"] == ["database", "migrations"]
            assert client.get("/status").status_code == 503
        finally:
            session.dispose()
            session.bind_from(settings)

    def test_a_database_that_answers_nothing_is_away(self, client, settings):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            port = silent.getsockname()[1]
            away = settings.model_copy(
                update={"database_url": f"postgresql+psycopg2://ws_staff@127.0.0.1:{port}/weokto"}
            )
            session.dispose()
            session.bind_from(away)
            try:
                assert client.get("/readyz").status_code == 503
            finally:
                session.dispose()
                session.bind_from(settings)

    def test_a_schema_that_is_behind_is_named(self, client, settings, database):
        database.running.create_database("behind")
        session.dispose()
        session.bind_from(
            settings.model_copy(update={"database_url": database.running.staff_url("behind")})
        )
        try:
            assert client.get("/readyz").json["wrong"] == ["migrations"]
        finally:
            session.dispose()
            session.bind_from(settings)
            database.running.drop_database("behind")


class TestMetrics:
    def test_nothing_is_there_without_the_token(self, client):
        assert client.get("/metrics").status_code == 404
        with_settings(metrics_token="figures")
        assert client.get("/metrics").status_code == 404
        wrong = {"Authorization": "Bearer figure"}
        assert client.get("/metrics", headers=wrong).status_code == 404

    def test_requests_are_counted(self, client):
        with_settings(metrics_token="figures")
        client.get("/healthz")

        answer = client.get("/metrics", headers={"Authorization": "Bearer figures"})

        assert 'endpoint="health.healthz",method="GET",status="200"' in answer.text

    def test_methods_that_strangers_make_up_are_one(self, client):
        with_settings(metrics_token="figures")
        for number in range(3):
            client.open("/healthz", method=f"MADEUP{number}")
            client.open("/", method=f"MADEUP{number}", headers={"Host": "evil.example"})

        told = client.get("/metrics", headers={"Authorization": "Bearer figures"}).text

        assert "MADEUP" not in told
        assert 'endpoint="none",method="other"' in told


class TestRequestIds:
    @pytest.mark.parametrize("given", ["", "short", "x" * 65, "has space in it", "héé-aaaaaaa"])
    def test_one_that_is_not_sane_is_replaced(self, client, given):
        answer = client.get("/healthz", headers={"X-Request-ID": given} if given else {})

        assert len(answer.headers["X-Request-ID"]) == 32

    def test_a_sane_one_is_kept(self, client):
        answer = client.get("/healthz", headers={"X-Request-ID": "proxy-0123456789"})

        assert answer.headers["X-Request-ID"] == "proxy-0123456789"


class TestAccessLines:
    def test_say_who_asked(self, app, committed, redis):
        person = committed_user("ada@example.org", Platform.STAM)
        ada = Visitor(app, Platform.STAM)
        ada.sign_in()

        with structlog.testing.capture_logs(
            processors=[structlog.contextvars.merge_contextvars]
        ) as lines:
            ada.get("/dashboard")
            ada.get("/healthz")

        known, unknown = [line for line in lines if line["event"] == "request"]
        assert known["user_id"] == str(person.id)
        assert "user_id" not in unknown


class TestErrors:
    def test_a_program_gets_a_code(self, client):
        answer = client.get("/api/nothing")

        assert answer.status_code == 404
        assert answer.json["error"]["code"] == "not_found"
        assert answer.json["error"]["message"]

    def test_a_person_gets_a_page(self, client):
        answer = client.get("/nothing", headers={"Accept": "text/html"})

        assert answer.status_code == 404
        assert answer.mimetype == "text/html"
        assert answer.headers["X-Request-ID"] in answer.text


def test_every_answer_carries_the_strict_headers(client):
    answer = client.get("/status")

    policy = answer.headers["Content-Security-Policy"]
    nonce = policy.split("'nonce-")[1].split("'")[0]
    assert f'<style nonce="{nonce}">' in answer.text
    assert "unsafe-inline" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert client.get("/status").headers["Content-Security-Policy"] != policy


def test_the_front_end_libraries_are_the_named_ones_only(client):
    assert client.get("/libraries/../../app.py").status_code == 404
    assert client.get("/libraries/unknown.js").status_code == 404


def test_settings_that_name_both_servers_start_none(settings, tmp_path):
    elsewhere = settings.model_copy(update={"data_dir": str(tmp_path / "none")})

    assert embedded.settings_with(elsewhere) == elsewhere
    assert not (tmp_path / "none").exists()
