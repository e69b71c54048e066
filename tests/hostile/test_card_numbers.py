"""Card numbers typed wherever something can be typed: no trace in the database, Redis or logs."""

import hashlib
import hmac
import io
import json
import logging
import re
import time
from itertools import cycle

import pytest
import redis as redis_library
import structlog
from sqlalchemy import text

from models.accounts import Platform, UserType
from models.affiliation.store_clicks import store_waiting_clicks
from models.billing.choose_provider import use_provider
from models.billing.http_provider import HttpProvider
from models.oversight import keep_logs
from models.oversight.logs import configure_logging
from models.session import staff_reading, unit_of_work
from models.settings import current_settings
from models.tables import metadata
from tests.checkouts import begin, typed_card
from tests.hostile.attackers import assert_told, rows, signed_in
from tests.hostile.forms import posts_on
from tests.hostile.test_forms import pages
from tests.hostile.test_json import operations

NUMBERS = (
    "4000000000006",
    "30569309025904",
    "378282246310005",
    "4242424242424242",
    "5555555555554444",
    "67597777777777773",
    "675977777777777773",
    "6304000000000000000",
)
BETWEEN = re.compile(r"(?<=\d)(?:[\s.\-–—_/+]|%20|%2D)+(?=\d)", re.IGNORECASE)


def fours(number, between):
    return between.join(number[start : start + 4] for start in range(0, len(number), 4))


WRITTEN = [
    way(number)
    for number in NUMBERS
    for way in (
        str,
        lambda number: fours(number, " "),
        lambda number: fours(number, "-"),
        lambda number: f"ma carte{number}, merci",
        lambda number: f"bob{number}@example.org",
    )
]
_turns = cycle(WRITTEN)


def a_card():
    """The next number in the next way of writing it."""
    return next(_turns)


def traces(kept):
    """Which of the numbers stand in a text, however they are written there."""
    bare = BETWEEN.sub("", kept)
    return {number for number in NUMBERS if number in bare}


def everything():
    """Every row of every table, and every value in Redis, as text."""
    with staff_reading() as session:
        for name in sorted(metadata.tables):
            for (row,) in session.execute(text(f"SELECT t::text FROM {name} t")):
                yield name, row
    with redis_library.Redis.from_url(current_settings().redis_url) as redis:
        for key in redis.scan_iter():
            kind = redis.type(key)
            reads = {b"string": redis.get, b"list": lambda key: redis.lrange(key, 0, -1)}
            yield "redis", repr((key, reads.get(kind, lambda key: "")(key)))


@pytest.fixture(scope="module")
def logged(shop, settings):
    """Every log line of this file's tests, at DEBUG, through the pipeline that production has."""
    handlers, level = logging.root.handlers[:], logging.root.level
    configure_logging(settings.model_copy(update={"log_level": "DEBUG", "log_format": "json"}))
    logging.root.handlers[0].setStream(lines := io.StringIO())
    keep_logs._waiting.clear()
    keep_logs._started.set()
    yield lines
    keep_logs._started.clear()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def leaves_no_trace(logged):
    """After every test here: nothing anywhere holds any of the numbers."""
    logging.getLogger("a test").warning("begins")
    yield
    with unit_of_work() as session:
        store_waiting_clicks(session)
    keep_logs.write_waiting()
    found = [(where, row) for where, row in everything() if traces(row)]
    assert not found
    assert "begins" in logged.getvalue()
    assert not traces(logged.getvalue())


class TestTyped:
    def test_in_every_json_field(self, app, stranger):
        description = stranger().get("/api/openapi.json").json
        for method, path, fields, has_body in operations(description):
            for name in fields:
                for card in (*WRITTEN[:5], a_card()):
                    send = {"json" if has_body else "query_string": {name: card}}
                    answer = stranger().ask(method, path, **send)
                    assert_told(answer, refused=True)
                    assert answer.json["error"]["code"] == "card_number"
            answer = stranger().ask(method, path, json={a_card(): 1, "x": [int(NUMBERS[3])]})
            assert_told(answer)

    @pytest.mark.parametrize("name", ["key", "page", "price", "keeps_ref", "more"])
    def test_in_a_buttons_sighting(self, stranger, name):
        for card in (*WRITTEN, int(NUMBERS[3])):
            report = {"key": "academy-premium-monthly", "page": "https://x.example/", name: card}
            if name == "page":
                report["page"] = f"https://x.example/{str(card).replace(' ', '-')}/?c={card}"
            answer = stranger().post("/api/payments/button-seen", data=json.dumps(report))
            assert answer.status_code in (204, 422)

    @pytest.mark.parametrize(
        ("site", "email", "user_type"),
        [
            ("weokto", None, None),
            ("stam", "client@example.org", UserType.CLIENT),
            ("weokto", "owner@weokto.localhost", UserType.OWNER),
        ],
    )
    def test_in_every_form_field(self, app, stranger, site, email, user_type):
        visitor = stranger(site)
        if email:
            signed_in(visitor, email, Platform(site.upper()), user_type=user_type)
        forms = posts_on(visitor, pages(app))
        before = rows()
        for form in forms:
            for name in form.typed:
                for _ in range(3):
                    answer = visitor.post(form.action, data={**form.fields, name: a_card()})
                    assert_told(answer, refused=True)
                    assert answer.status_code == 422
        assert rows() == before

    def test_as_a_forms_fields_name_and_in_its_files(self, stranger):
        for card in NUMBERS:
            assert stranger().post("/consent", data={card: "x"}).status_code == 422
            upload = (io.BytesIO(card.encode()), f"{card}.png")
            assert_told(stranger().post("/login", data={"avatar": upload, "email": "x"}))


class TestSaidByBrowsers:
    def test_in_queries_and_paths_of_every_page(self, app, stranger):
        for path in pages(app):
            card = a_card()
            query = {"ref": "bob", "utm_source": card, "utm_campaign": a_card(), "next": card}
            query |= {"click": a_card(), "search": card, "page": card, card: card, "token": card}
            assert_told(stranger("stam").get(path, query_string=query))
        for head in ("/p/", "/checkout/", "/legal/", "/checkout/pay/", "/api/cron/", "/"):
            for card in WRITTEN:
                assert_told(stranger().get(f"{head}{card}?ref=bob"), refused=True)

    def test_a_campaign_whose_number_looks_like_one_costs_nobody_the_page(self, stranger):
        query = {"ref": "bob", "utm_campaign": "675977777777777773", "utm_source": "ads"}
        assert stranger().get("/", query_string=query).status_code == 200

    @pytest.mark.parametrize(
        "name",
        [
            "User-Agent", "Referer", "X-Request-ID", "Accept-Language", "Authorization", "Origin",
            "X-Forwarded-For", "X-Forwarded-Host", "X-CSRF-Token", "If-None-Match", "Purpose",
        ],
    )  # fmt: skip
    def test_in_headers(self, stranger, name):
        for card in WRITTEN[::3]:
            told = {name: card if name != "Referer" else f"https://x.example/?c={card}"}
            assert_told(stranger().get("/?ref=bob", headers=told))
            body = {"button_key": "academy-premium-monthly", "consent": True}
            body["email"] = "person@example.org"
            assert_told(stranger().post("/api/payments/initiate", json=body, headers=told))
            asked = {"email": f"person-{len(told[name])}@example.org"}
            assert_told(stranger().post("/api/auth/magic-link/send", json=asked, headers=told))

    @pytest.mark.parametrize("between", ["+", "%20", "%2D", "-", "."])
    def test_in_the_address_of_the_page_before(self, stranger, between):
        for number in NUMBERS:
            address = f"https://x.example/search?q={fours(number, between)}&y=1"
            assert_told(stranger().get("/?ref=bob", headers={"Referer": address}))

    def test_in_cookies(self, stranger):
        for card in WRITTEN[::3]:
            visitor = stranger()
            for name in ("weokto_aff_ref", "weokto_session", "session", "lang", "consent", card):
                visitor.browser.set_cookie(name.split("@")[0].split()[0], card)
            assert_told(visitor.get("/?ref=bob"))
            body = {"button_key": "academy-premium-monthly", "consent": True}
            body["email"] = "person@example.org"
            assert_told(visitor.post("/api/payments/initiate", json=body))

    def test_in_the_browsers_name_of_a_session(self, stranger):
        for card in NUMBERS:
            visitor = signed_in(stranger(), "owner@weokto.localhost", Platform.WEOKTO)
            assert_told(visitor.get("/profile", headers={"User-Agent": f"Mozilla/{card}"}))


class TestSaidByProviders:
    WHERE = ("reference", "stored_at", "token")
    SHOWN = ("card_holder", "last_four", "card_type", "expiry", "first_six")

    @pytest.mark.parametrize("secret", ["right", "wrong"])
    @pytest.mark.parametrize("field", [*WHERE, *SHOWN, "try_no", "checkout_id", "more"])
    def test_in_the_vaults_callback(self, stranger, twin, field, secret):
        for number in NUMBERS[::3]:
            begun = begin("academy-premium-monthly", "person@example.org")
            raw, right = typed_card(twin, begun.form.capture_id, NUMBERS[3])
            body = json.loads(raw)
            shown = json.loads(body["token_info"]["safe_data"])
            place = {
                **dict.fromkeys(self.WHERE, body["token_info"]),
                **dict.fromkeys(self.SHOWN, shown),
                **dict.fromkeys(("try_no", "checkout_id"), body["metadata"]),
            }.get(field, body)
            place[field] = int(number) if field == "try_no" else number
            body["token_info"]["safe_data"] = json.dumps(shown)
            answer = stranger().post(
                "/api/payments/pci-vault/callback",
                data=json.dumps(body),
                headers={"X-PCIVault-Webhook-Secret": right if secret == "right" else number},
            )
            assert_told(answer)

    @pytest.mark.parametrize("kind", ["payment_intent.payment_failed", "charge.updated", "x"])
    def test_in_the_psps_webhook(self, stranger, twin, kind):
        use_provider(HttpProvider())
        for number in NUMBERS:
            thing = {
                "object": "payment_intent",
                "id": f"pi_{number}",
                "status": "requires_payment_method",
                "metadata": {"attempt_key": number, number: number, "n": int(number)},
                "last_payment_error": {"decline_code": number, "message": f"card{number}"},
                "description": fours(number, " "),
            }
            event = {"id": f"evt_{number[:9]}", "type": kind, "data": {"object": thing}}
            raw = json.dumps(event).encode()
            answer = stranger().post(
                "/api/payments/psp/webhook", data=raw, headers={"Stripe-Signature": signed(raw)}
            )
            assert_told(answer, refused=False)
        use_provider(twin)


def signed(raw):
    """A body's signature as the PSP makes it."""
    at = int(time.time())
    secret = current_settings().psp_webhook_secret.encode()
    seal = hmac.new(secret, f"{at}.".encode() + raw, hashlib.sha256).hexdigest()
    return f"t={at},v1={seal}"
