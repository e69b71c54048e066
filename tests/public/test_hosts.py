"""Hosts: which platform they are, and what a host of neither site gets."""

import pytest
from flask import Flask, g

from models.accounts import Platform
from models.settings import Settings, use_settings
from public import hosts


@pytest.fixture(scope="module")
def small(settings: Settings) -> Flask:
    app = Flask("small")
    hosts.install(app)

    @app.get("/which")
    def which() -> str:
        return str(g.platform)

    @app.get("/guilds")
    @hosts.only(Platform.WEOKTO)
    def guilds() -> str:
        """Guilds are WEOKTO's."""
        return "guilds"

    return app


class TestPlatform:
    @pytest.mark.parametrize(
        ("host", "platform"),
        [
            ("weokto.localhost", "WEOKTO"),
            ("weokto.localhost:8000", "WEOKTO"),
            ("WEOKTO.localhost", "WEOKTO"),
            ("localhost", "WEOKTO"),
            ("127.0.0.1:9999", "WEOKTO"),
            ("stam.localhost", "STAM"),
            ("stam.localhost:1", "STAM"),
        ],
    )
    def test_is_decided_by_the_exact_host(self, small, host, platform):
        assert small.test_client().get("/which", headers={"Host": host}).text == platform

    @pytest.mark.parametrize(
        "host",
        [
            "evil.example",
            "weokto.localhost.evil.example",
            "sub.weokto.localhost",
            "weokto.localhost.",
            "",
            "weokto.localhost@evil.example",
            "[::1]",
            "stam.localhost weokto.localhost",
        ],
    )
    def test_a_host_of_neither_is_404_without_content(self, small, host):
        answer = small.test_client().get("/which", headers={"Host": host})

        assert (answer.status_code, answer.data) == (404, b"")

    def test_the_whole_application_says_the_same(self, app):
        for path in ("/", "/login", "/api/auth/me", "/static/css/base.css", "/status", "/metrics"):
            answer = app.test_client().get(path, headers={"Host": "evil.example"})
            assert (answer.status_code, answer.data) == (404, b"")

    def test_the_pages_about_the_machine_answer_under_every_name(self, app, settings):
        use_settings(settings.model_copy(update={"metrics_token": "figures"}))
        for path in ("/healthz", "/readyz", "/metrics"):
            answer = app.test_client().get(
                path,
                headers={"Host": "10.0.0.7:8001", "Authorization": "Bearer figures"},
                query_string={"ref": "ann", "click": "x"},
            )
            assert answer.status_code == 200
            assert "Set-Cookie" not in answer.headers

    def test_the_names_in_the_settings_know_no_case(self, small):
        use_settings(Settings(_env_file=None, weokto_hosts="Weokto.COM", stam_hosts="Be-Stam.com"))

        asked = {
            host: small.test_client().get("/which", headers={"Host": host}).text
            for host in ("weokto.com", "BE-STAM.com")
        }
        assert asked == {"weokto.com": "WEOKTO", "BE-STAM.com": "STAM"}


class TestOnly:
    def test_a_page_of_one_platform_is_nothing_on_the_other(self, small):
        browser = small.test_client()

        assert browser.get("/guilds", headers={"Host": "weokto.localhost"}).status_code == 200
        assert browser.get("/guilds", headers={"Host": "stam.localhost"}).status_code == 404
