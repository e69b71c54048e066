"""Logs: what comes out of them, whoever wrote in, and what never does."""

import io
import json
import logging

import pytest
import structlog

from models.clean_text import clean_text
from models.oversight.logs import configure_logging
from models.settings import Settings


@pytest.fixture
def lines(monkeypatch):
    """The lines logged so far, read as JSON; logging is put back afterwards."""
    handlers, level = logging.root.handlers[:], logging.root.level
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    configure_logging(Settings(_env_file=None, log_format="json", log_level="DEBUG"))
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()


class TestWhatComesOut:
    def test_both_kinds_of_logger_give_the_same_fields(self, lines):
        with structlog.contextvars.bound_contextvars(request_id="r-1"):
            structlog.get_logger("ours").info("sold", amount=4900)
            logging.getLogger("theirs").warning("slow %s", "query", extra={"ms": 12})

        ours, theirs = lines()

        assert ours["event"] == "sold"
        assert (ours["amount"], ours["level"], ours["logger"]) == (4900, "info", "ours")
        assert theirs["event"] == "slow query"
        assert (theirs["ms"], theirs["level"], theirs["logger"]) == (12, "warning", "theirs")
        assert ours["request_id"] == theirs["request_id"] == "r-1"

    def test_a_crash_brings_its_trace_cleaned(self, lines):
        try:
            raise LookupError("card 4242 4242 4242 4242 of bob@example.org")
        except LookupError:
            logging.getLogger("theirs").exception("crashed")

        (line,) = lines()

        assert "LookupError: card [hidden] of b…@example.org" in line["exception"]


class TestWhatNeverDoes:
    @pytest.mark.parametrize(
        "text",
        [
            "4242424242424242",
            "paid with 4000-0025-0000-3155 today",
            "378282246310005",
            "sk_test_abcdefgh12345678",
            "Authorization: Bearer abcdefghijkl.mnop",
            "https://vault/v1/proxy?user=u&passphrase=hunter2hunter2",
            "https://weokto.localhost/verify?token=Zm9vYmFyYmF6",
            "client_secret=pi_1_secret_Zm9vYmFy",
            "?access_token=Zm9vYmFy&x=1",
            '{"token": "Zm9vYmFyYmF6", "n": 1}',
            "{'capture_secret': 'hunter2'}",
            "X-PCIVault-Webhook-Secret: hunter2",
            "whsec_abcdefgh+/Zm9vYmFy=",
            "postgresql+psycopg2://ws_staff:hunter2@db/weokto",
            "smtp://user:hunter2@mail.example.org:587",
        ],
    )
    def test_secrets_and_cards_leave_the_text(self, text):
        assert "[hidden]" in clean_text(text)
        for secret in ("4242", "3155", "0005", "abcdefgh", "hunter2", "Zm9vYmFy"):
            assert secret not in clean_text(text)

    @pytest.mark.parametrize(
        ("address", "hint"),
        [
            ("_jean@ex.fr", "_…@ex.fr"),
            ("-jean@ex.fr", "-j…@ex.fr"),
            ("jean@exämple.fr", "j…@exämple.fr"),
            ("élodie.b+x@ex.fr", "é…@ex.fr"),
        ],
    )
    def test_of_an_address_a_hint_is_left(self, address, hint):
        assert clean_text(f"to {address}, now") == f"to {hint}, now"

    def test_a_long_text_is_read_in_one_go(self):
        assert clean_text("token" * 40_000 + "a." * 40_000)

    @pytest.mark.parametrize(
        "text",
        [
            "01936b2c-1111-7222-8333-444455556666",
            "4242424242424241",
            "2026-11-20T08:51:09.207671Z",
            "WEO-2026-000123 is 49,00 €",
            "http://127.0.0.1:8000/readyz of the house",
            "two tokens were left, the secret was wrong",
        ],
    )
    def test_what_only_looks_alike_stays(self, text):
        assert clean_text(text) == text

    def test_fields_by_their_names_and_inside_others(self, lines):
        structlog.get_logger("ours").info(
            "signed in",
            session_token="abc",
            headers={"Cookie": "weokto_session=abc"},
            mails=["bob@example.org"],
            number=4242424242424242,
        )

        (line,) = lines()

        assert line["session_token"] == "[hidden]"
        assert line["headers"] == {"Cookie": "[hidden]"}
        assert line["mails"] == ["b…@example.org"]
        assert line["number"] == "[hidden]"

    def test_an_address_is_readable_at_debug_only(self, lines):
        structlog.get_logger("ours").debug("looked up", email="bob@example.org")
        structlog.get_logger("ours").info("looked up", email="bob@example.org")

        assert [line["email"] for line in lines()] == ["bob@example.org", "b…@example.org"]
