"""Crash reports as they arrive at a Sentry of our own, from a process of its own."""

import gzip
import json
import os
import subprocess
import sys
import threading

import pytest
from flask import Flask, request

from tests.processes import ROOT
from tests.running_sandbox import serving

CRASHES = """
import logging
import warnings
warnings.filterwarnings("ignore")
{first}
import structlog
from app import prepared
prepared()
def sell(card_holder):
    raise LookupError(f"card 4242 4242 4242 4242 of {{card_holder}}, key sk_live_abcdefgh12345678")
with structlog.contextvars.bound_contextvars(request_id="request-1"):
    try:
        sell("bob.smith@example.org")
    except LookupError:
        logging.getLogger("shop").exception(
            "sale of bob.smith@example.org", extra={{"token": "very-secret", "amount": 4900}}
        )
    logging.getLogger("shop").warning("no crash")
"""


class Sentry:
    """Keeps the envelopes that it is sent."""

    def __init__(self):
        self.envelopes = []
        self.came = threading.Event()

    def app(self):
        app = Flask("sentry")

        @app.post("/api/7/envelope/")
        def envelope():
            raw = request.get_data()
            zipped = request.headers.get("Content-Encoding") == "gzip"
            self.envelopes.append(gzip.decompress(raw) if zipped else raw)
            return {}

        return app


@pytest.fixture
def sentry():
    sentry = Sentry()
    with serving(sentry.app()) as url:
        sentry.dsn = url.replace("http://", "http://abc123@") + "/7"
        yield sentry


def run(settings, tmp_path, first="", **changes):
    """A process that is prepared as all of ours are, crashes once and ends."""
    own = {
        "DATABASE_URL": settings.database_url,
        "DATABASE_MEMBER_URL": settings.database_member_url,
        "DATABASE_OWNER_URL": settings.database_owner_url,
        "REDIS_URL": settings.redis_url,
        "DATA_DIR": str(tmp_path),
    }
    return subprocess.run(
        [sys.executable, "-c", CRASHES.format(first=first)],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **own, **changes},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )


@pytest.mark.usefixtures("committed")
class TestReports:
    @pytest.mark.parametrize("first", ["", "import eventlet; eventlet.monkey_patch()"])
    def test_a_crash_arrives_once_without_what_must_not_leave(
        self, settings, sentry, tmp_path, first
    ):
        run(settings, tmp_path, first, SENTRY_DSN=sentry.dsn)

        (envelope,) = sentry.envelopes
        for secret in ("4242", "bob.smith", "sk_live_abc", "very-secret", "vars"):
            assert secret.encode() not in envelope, secret
        event = json.loads(envelope.splitlines()[2])
        (crash,) = event["exception"]["values"]
        assert crash["type"] == "LookupError"
        assert crash["value"].startswith("card [hidden] of b…@example.org")
        assert crash["stacktrace"]["frames"][-1]["function"] == "sell"
        assert event["tags"]["request_id"] == "request-1"
        assert event["extra"]["amount"] == 4900
        assert event["environment"] == "development"
        assert "request" not in event
        assert "user" not in event

    def test_without_an_address_nothing_is_sent(self, settings, sentry, tmp_path):
        run(settings, tmp_path)

        assert sentry.envelopes == []
