"""Webhooks of payment buttons: signed, only to public addresses, tried again, closed when gone."""

import json
import socket
import threading
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask, request
from sqlalchemy import select
from standardwebhooks import Webhook

from jobs.listeners import LISTENERS
from jobs.webhooks import send_webhooks
from models import clock
from models.billing import Customer, CustomerStatus
from models.catalog import PaymentButton, WebhookDelivery, WebhookStatus
from models.catalog.send_webhook import LEASE, WAITS, queue_webhook, take_due_webhook
from models.catalog.webhook_client import deliver, is_public
from models.ids import new_id
from models.oversight import SYSTEM, AuditEvent, emit
from models.oversight.dispatch import dispatch_events
from models.secrets import new_signing_secret
from models.session import unit_of_work
from models.settings import Settings, use_settings
from tests.factories import Make
from tests.running_sandbox import serving


class Endpoint:
    """Somebody's server: keeps what came, answers what it is told to."""

    def __init__(self):
        self.came, self.answers, self.url, self.headers = [], [], "", {}

    def app(self):
        app = Flask("endpoint")

        @app.route("/hook", methods=["GET", "POST"])
        def hook():
            self.came.append((dict(request.headers), request.get_data()))
            return "words", self.answers.pop(0) if self.answers else 204, self.headers

        return app


def anywhere(settings):
    """Settings under which webhooks may go to this machine."""
    return settings.model_copy(update={"webhooks_to_private_addresses": True})


def tell(settings, url, now, **options):
    """What came of telling an address of one sale, without a queue or rows."""
    return deliver(
        settings,
        url=url,
        secret=new_signing_secret(),
        event_id=new_id(),
        kind="purchase.made",
        data={},
        happened_at=now,
        now=now,
        **options,
    )


@pytest.fixture
def endpoint(settings):
    endpoint = Endpoint()
    with serving(endpoint.app()) as url:
        endpoint.url = f"{url}/hook?x=1"
        use_settings(anywhere(settings))
        yield endpoint


@pytest.fixture
def told(committed, endpoint, now):
    """One delivery that waits for the endpoint; gives its button's key."""
    with unit_of_work() as session:
        button = Make(session).button(webhook_url=endpoint.url, webhook_secret=new_signing_secret())
        for _ in range(2):
            queue_webhook(
                session,
                button,
                event_id=button.id,
                kind="purchase.made",
                data={"amount": 4900},
                happened_at=now,
                now=now,
            )
    return button


def kept():
    with unit_of_work() as session:
        return session.scalars(select(WebhookDelivery)).one()


class TestDelivery:
    def test_arrives_once_signed_as_the_standard_says(self, told, endpoint):
        clock.release()
        clock.move_to(datetime.now(UTC))  # the verifier reads the system's clock
        assert [send_webhooks()["delivered"] for _ in range(2)] == [1, 0]

        ((headers, body),) = endpoint.came
        assert Webhook(told.webhook_secret).verify(body, {k.lower(): v for k, v in headers.items()})
        assert json.loads(body)["type"] == "purchase.made"
        assert kept().status is WebhookStatus.DELIVERED

    def test_tried_again_under_the_same_id_then_given_up(self, told, endpoint):
        endpoint.answers = [500] * (len(WAITS) + 1)
        for wait in WAITS:
            assert send_webhooks()["later"] == 1
            clock.advance(wait * 1.2)
        assert send_webhooks()["given_up"] == 1

        assert len({headers["Webhook-Id"] for headers, _ in endpoint.came}) == 1
        assert len({headers["Webhook-Timestamp"] for headers, _ in endpoint.came}) > 1
        assert kept().answer_status == 500

    def test_one_that_is_gone_is_closed(self, told, endpoint):
        endpoint.answers = [410]
        assert send_webhooks()["given_up"] == 1

        with unit_of_work() as session:
            assert PaymentButton.get(session, told.id).webhook_url is None
            actions = session.scalars(select(AuditEvent.action)).all()
        assert "catalog.webhook_closed" in actions

    def test_a_redirect_is_a_failure_and_is_not_followed(self, told, endpoint):
        endpoint.answers, endpoint.headers = [302], {"Location": endpoint.url}
        assert send_webhooks()["later"] == 1

        assert len(endpoint.came) == 1

    def test_retry_after_is_honoured(self, told, endpoint, now):
        endpoint.answers, endpoint.headers = [429], {"Retry-After": "4000"}
        send_webhooks()

        assert kept().next_try_at == now + timedelta(seconds=4000)

    def test_nobody_there_is_tried_again(self, told, endpoint):
        with unit_of_work() as session:
            session.scalars(select(WebhookDelivery)).one().url = "http://127.0.0.1:1/"
        assert send_webhooks()["later"] == 1

        assert kept().last_error

    def test_one_whose_answers_are_never_written_down_is_given_up(self, told, endpoint):
        for wait in (*WAITS, LEASE):  # each time, the worker that has it is killed
            with unit_of_work() as session:
                assert take_due_webhook(session, now=clock.now()) is not None
            assert send_webhooks() == {"delivered": 0, "later": 0, "given_up": 0}
            clock.advance(max(wait, LEASE))

        assert sum(send_webhooks().values()) == 0
        assert kept().status is WebhookStatus.FAILED
        assert kept().last_error
        assert endpoint.came == []


TOO_SLOW = (None, "no whole answer within 1.5 s")
DRIPS = {
    "handshake": ("https", b"\x16\x03\x03\x40\x00" + b"x" * 500, TOO_SLOW),
    "headers": ("http", b"HTTP/1.1 200 OK\r\nX: " + b"x" * 500, TOO_SLOW),
    "body": (
        "http",
        b"HTTP/1.1 410 Gone\r\nContent-Length: 500\r\n\r\n" + b"x" * 500,
        (410, ""),
    ),
}


@contextmanager
def dripping(told):
    """A server that says one byte every fiftieth of a second, for as long as it has any."""
    over = threading.Event()

    def drip(line):
        with line, suppress(OSError):
            for byte in told:
                if over.wait(0.02):
                    return
                line.sendall(bytes([byte]))

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=lambda: drip(server.accept()[0]))
        thread.start()
        yield server.getsockname()[1]
        over.set()
        thread.join()


class TestDeadline:
    @pytest.mark.parametrize("where", DRIPS)
    def test_an_endpoint_that_answers_by_the_byte_is_left(self, settings, where, now):
        scheme, told, expected = DRIPS[where]
        with dripping(told) as port:
            answered = tell(anywhere(settings), f"{scheme}://127.0.0.1:{port}/", now, seconds=1.5)

        assert (answered.status, answered.error) == expected

    def test_a_yes_is_one_whatever_comes_after_it(self, settings, now):
        yes = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"
        with dripping(yes + b"x" * 500) as port:
            answered = tell(anywhere(settings), f"http://127.0.0.1:{port}/", now)

        assert answered.is_fine


class TestWhereTo:
    @pytest.mark.parametrize(
        "address",
        [
            "127.0.0.1",
            "10.1.2.3",
            "169.254.169.254",
            "192.168.1.1",
            "100.64.0.1",
            "0.0.0.0",
            "::1",
            "fd00::1",
            "fe80::1%eth0",
            "fec0::1",
            "64:ff9b::7f00:1",
            "::ffff:127.0.0.1",
            "2002:7f00:1::",
            "224.0.0.1",
            "255.255.255.255",
        ],
    )
    def test_our_own_network_is_refused(self, address):
        assert not is_public(address)

    @pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"])
    def test_the_internet_is_not(self, address):
        assert is_public(address)

    @pytest.mark.parametrize(
        "url",
        [
            "https://127.0.0.1:9/",
            "https://localhost/",
            "http://93.184.216.34/",
            "ftp://93.184.216.34/",
            "https://[::1]/",
            "https:///nowhere",
            "https://user@[bad/",
        ],
    )
    def test_nothing_is_sent_there(self, settings, url, now):
        answered = tell(settings, url, now)

        assert answered.status is None
        assert answered.error

    def test_production_never_allows_it(self, settings, now):
        open_wide = Settings.model_construct(
            **{**settings.model_dump(), "env": "production", "webhooks_to_private_addresses": True}
        )
        answered = tell(open_wide, "http://127.0.0.1:9/", now)

        assert answered.error == "a webhook needs an https address"


class TestListener:
    def test_a_sale_is_told_to_its_buttons_endpoint_once(self, session, make, now):
        button = make.button(
            webhook_url="https://example.org/hook", webhook_secret=new_signing_secret()
        )
        customer = make.add(
            Customer(
                user=make.user("ann@example.org"),
                product=button.product,
                current_plan=button.plan,
                status=CustomerStatus.ACTIVE,
            )
        )
        facts = {"button_id": button.id, "customer_id": customer.id, "invoice_id": None}
        emit(session, "billing.purchase_made", customer, actor=SYSTEM, data=facts)
        session.flush()
        session.expunge_all()
        for _ in range(2):
            assert dispatch_events(session, LISTENERS, now=now)["errors"] == 0

        (delivery,) = session.scalars(select(WebhookDelivery)).all()
        assert delivery.kind == "purchase.made"
        assert delivery.data["email"] == "ann@example.org"
        assert delivery.data["button_key"] == button.button_key

    def test_a_button_without_an_endpoint_tells_nobody(self, session, make, now):
        button = make.button()
        queue_webhook(
            session, button, event_id=new_id(), kind="k", data={}, happened_at=now, now=now
        )

        assert session.scalars(select(WebhookDelivery)).all() == []
