"""Whatever fails on the way: one invoice, nothing charged twice, and the visitor told the truth."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from jobs.queue import enqueue
from models import clock
from models.affiliation import Commission
from models.affiliation.prove_ledger import prove_ledger
from models.billing import (
    AttemptOutcome,
    CaptureEndpoint,
    Customer,
    Invoice,
    PaymentAttempt,
    ProviderEvent,
)
from models.billing.begin_checkout import CALLBACK_PATH
from models.billing.expire_captures import expire_and_close
from models.billing.resolve_unknown import resolve_unknown
from models.session import send_with, staff_reading
from models.settings import current_settings, use_settings
from tests.checkouts import ANSWER_LOST, ASKS_BANK, DECLINED, GOOD
from tests.stored import count, one


def assert_sold_once(street):
    assert len(street.charges()) == 1
    assert count(Invoice) == count(Customer) == 1
    assert one(Invoice).number.endswith("-000001")
    with staff_reading() as session:
        outcomes = session.scalars(select(PaymentAttempt.outcome)).all()
        proof = prove_ledger(session)
    assert outcomes.count(AttemptOutcome.SUCCEEDED) == 1
    assert count(Commission) == 1
    assert (proof.ok, proof.transfers) == (True, 1)


def assert_nothing_sold(street):
    assert street.charges() == []
    assert count(Invoice) == count(Customer) == count(Commission) == 0


class Overheard:
    """The vault's callback, taken from its courier so that a test delivers it as it likes."""

    def __init__(self, street):
        self.street = street
        self.calls = []
        street.inside.courier.send = self.take

    def take(self, on, url, body, headers):
        if on == "vault_webhook":
            self.calls.append((url, body, dict(headers())))

    def deliver(self, number=0, **changes):
        url, body, headers = self.calls[number]
        return self.street.ask("POST", url, data=body, headers={**headers, **changes})


@pytest.fixture
def overheard(street):
    return Overheard(street)


class TestNothingFails:
    def test_a_purchase_from_the_button_to_the_invoice(self, street):
        begun = street.begin()
        street.type_card(begun, GOOD)

        assert street.wait_for(begun, "succeeded")["redirect_url"].endswith("/welcome")
        assert_sold_once(street)

    def test_declined_then_a_good_card(self, street):
        begun = street.begin()
        street.type_card(begun, DECLINED)
        assert street.wait_for(begun, "declined")["retry"]
        again = street.retry(begun).json()
        street.type_card(again, GOOD)

        street.wait_for(begun, "succeeded")
        assert_sold_once(street)

    @pytest.mark.parametrize(
        ("answer", "ends"), [("authorise", "succeeded"), ("refuse", "declined")]
    )
    def test_three_d_secure_there_and_back(self, street, answer, ends):
        begun = street.begin()
        street.type_card(begun, ASKS_BANK)
        bank = street.wait_for(begun, "action_required")["redirect_url"]
        street.ask("POST", bank, data={"answer": answer}, allow_redirects=False)
        street.ask("GET", f"{street.url}/checkout/return/{begun['id']}", allow_redirects=False)

        street.wait_for(begun, ends)
        if ends == "succeeded":
            assert_sold_once(street)
        else:
            assert_nothing_sold(street)


class TestVaultCallback:
    def test_twice(self, street, overheard):
        begun = street.begin()
        street.type_card(begun, GOOD)

        assert [overheard.deliver().status_code for _ in range(2)] == [200, 200]
        assert_sold_once(street)

    def test_twenty_at_once(self, street, overheard):
        begun = street.begin()
        street.type_card(begun, GOOD)

        with ThreadPoolExecutor(20) as threads:
            answers = [threads.submit(overheard.deliver) for _ in range(20)]
        assert {answer.result().status_code for answer in answers} == {200}
        street.wait_for(begun, "succeeded")
        assert_sold_once(street)
        with staff_reading() as session:
            vault = select(ProviderEvent).where(ProviderEvent.source == "vault")
            assert session.scalars(vault).one().repeats == 19

    def test_late_is_told_that_the_checkout_is_gone(self, street, overheard):
        begun = street.begin()
        street.type_card(begun, GOOD)
        clock.advance(timedelta(minutes=16))

        assert overheard.deliver().status_code == 410
        expire_and_close()
        assert overheard.deliver().status_code == 410
        assert street.status(begun)["status"] == "expired"
        assert_nothing_sold(street)

    def test_late_but_in_time(self, street, overheard):
        begun = street.begin()
        street.type_card(begun, GOOD)
        clock.advance(timedelta(minutes=14))

        assert overheard.deliver().status_code == 200
        street.wait_for(begun, "succeeded")
        assert_sold_once(street)

    def test_out_of_order(self, street, overheard):
        begun = street.begin()
        street.type_card(begun, DECLINED)
        overheard.deliver()
        street.wait_for(begun, "declined")
        again = street.retry(begun).json()
        street.type_card(again, GOOD)

        assert overheard.deliver(1).status_code == 200
        assert overheard.deliver(0).status_code == 200  # the older card's word, once more
        street.wait_for(begun, "succeeded")
        assert_sold_once(street)

    @pytest.mark.parametrize(("secret", "status"), [("wrong", 403), ("", 401)])
    def test_a_wrong_secret_then_the_right_one(self, street, overheard, secret, status):
        begun = street.begin()
        street.type_card(begun, GOOD)
        header = {"X-PCIVault-Webhook-Secret": secret}

        assert overheard.deliver(**header).status_code == status
        assert_nothing_sold(street)
        assert street.status(begun)["status"] == "pending"
        assert overheard.deliver().status_code == 200
        assert_sold_once(street)

    def test_an_unknown_checkout(self, street, overheard):
        begun = street.begin()
        street.type_card(begun, GOOD)
        url, body, headers = overheard.calls[0]
        other = body.replace(begun["id"][-12:].encode(), b"000000000000")

        assert street.ask("POST", url, data=other, headers=headers).status_code == 410
        assert_nothing_sold(street)

    def test_never_leaves_the_visitor_waiting_for_nothing(self, street, overheard):
        begun = street.begin()
        street.type_card(begun, GOOD)
        clock.advance(timedelta(minutes=16))

        assert street.status(begun)["status"] == "expired"


class TestPsp:
    @pytest.mark.parametrize("what", ["timeout_after", "close_after", "500_after"])
    def test_charged_and_the_answer_lost(self, street, what):
        street.fault("psp_webhook", "drop", times=9)
        street.fault("payment_intents", what)
        begun = street.begin()
        street.type_card(begun, GOOD)
        assert street.wait_for(begun, "processing", "error")
        street.outwait_silence()
        clock.advance(timedelta(seconds=11))

        street.wait_for(begun, "succeeded")
        assert_sold_once(street)

    @pytest.mark.parametrize("what", ["timeout_before", "500", "close_before"])
    def test_not_charged_and_no_answer(self, street, what):
        street.fault("payment_intents", what)
        begun = street.begin()
        street.type_card(begun, GOOD)
        street.wait_for(begun, "processing", "error")
        assert street.retry(begun).status_code == 409
        street.outwait_silence()
        clock.advance(timedelta(minutes=4))
        resolve_unknown()

        state = street.status(begun)
        assert (state["status"], state["retry"]) == ("declined", True)
        assert_nothing_sold(street)
        street.type_card(street.retry(begun).json(), GOOD)
        street.wait_for(begun, "succeeded")
        assert_sold_once(street)

    def test_the_card_that_is_charged_in_silence(self, street):
        street.fault("psp_webhook", "drop", times=9)
        begun = street.begin()
        street.type_card(begun, ANSWER_LOST)
        street.outwait_silence()
        clock.advance(timedelta(minutes=20))
        assert expire_and_close()["expired"] == 0
        resolve_unknown()

        assert street.status(begun)["status"] == "succeeded"
        assert_sold_once(street)

    def test_the_webhook_twice_and_before_the_answer(self, street):
        street.fault("psp_webhook", "duplicate", times=9)
        street.fault("payment_intents", "delay", seconds=0.6)
        begun = street.begin()
        street.type_card(begun, GOOD)

        street.wait_for(begun, "succeeded")
        time.sleep(0.7)
        assert_sold_once(street)

    @pytest.mark.parametrize("what", ["timeout_before", "500", "timeout_after", "close_after"])
    def test_the_vaults_proxy_fails(self, street, what):
        street.fault("proxy", what)
        begun = street.begin()
        street.type_card(begun, GOOD)

        state = street.wait_for(begun, "declined")
        assert state["retry"]
        assert_nothing_sold(street)
        street.type_card(street.retry(begun).json(), GOOD)
        street.wait_for(begun, "succeeded")
        assert_sold_once(street)

    def test_the_vault_away_at_the_start(self, street):
        street.fault("capture", "500")
        body = {"button_key": street.key, "email": "b@example.org", "consent": True}
        answer = street.ask("POST", f"{street.url}/api/payments/initiate", json=body)

        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "payment_unavailable")
        street.begin("b@example.org")


class TestKilled:
    """The process that charges is killed; another one finds out and ends it."""

    def kill(self, begun, where):
        settings = current_settings()
        names = ("database_url", "redis_url", "pcivault_base_url", "psp_base_url", "data_dir")
        told = {name.upper(): str(getattr(settings, name)) for name in names}
        done = subprocess.run(
            [sys.executable, "-m", "tests.faults.dies_while_charging", begun["id"], where],
            env={**os.environ, **told, "ENV": "test", "PSP_TIMEOUT_SECONDS": "5"},
            capture_output=True,
            timeout=60,
        )
        assert done.returncode == -signal.SIGKILL, done.stderr

    @pytest.mark.parametrize(
        ("where", "charged"),
        [
            ("before_register", False),
            ("after_register", False),
            ("before_charge", False),
            ("after_charge", True),
        ],
    )
    def test_at_every_step(self, street, where, charged):
        street.fault("psp_webhook", "drop", times=20)
        send_with(lambda job, args: None)  # the job is queued and its worker will be killed
        begun = street.begin()
        street.type_card(begun, GOOD)
        street.wait_for(begun, "processing")
        self.kill(begun, where)
        assert len(street.charges()) == int(charged)
        send_with(None)
        clock.advance(timedelta(minutes=4))
        resolve_unknown()

        if not charged:
            assert_nothing_sold(street)
            assert street.status(begun)["retry"]
            street.type_card(street.retry(begun).json(), GOOD)
        street.wait_for(begun, "succeeded")
        assert_sold_once(street)


class TestRedisDown:
    def test_the_purchase_ends_without_a_queue(self, street):
        use_settings(current_settings().model_copy(update={"redis_url": "redis://127.0.0.1:9/0"}))
        send_with(enqueue)
        begun = street.begin()
        street.type_card(begun, GOOD)

        street.wait_for(begun, "succeeded")
        assert_sold_once(street)


class TestBrowserClosed:
    def test_right_after_paying(self, street):
        begun = street.begin()
        street.type_card(begun, GOOD)  # and nobody asks for the status any more
        until = time.monotonic() + 30
        while not count(Invoice) and time.monotonic() < until:
            time.sleep(0.05)

        assert_sold_once(street)
        assert one(CaptureEndpoint).completed_at is not None

    def test_at_the_banks_page_after_saying_yes(self, street):
        street.fault("psp_webhook", "drop", times=20)
        begun = street.begin()
        street.type_card(begun, ASKS_BANK)
        bank = street.wait_for(begun, "action_required")["redirect_url"]
        street.ask("POST", bank, data={"answer": "authorise"}, allow_redirects=False)
        clock.advance(timedelta(minutes=5))
        resolve_unknown()

        assert_sold_once(street)


def test_the_callbacks_address_is_what_the_vault_was_given(street, overheard):
    begun = street.begin()
    street.type_card(begun, GOOD)

    assert overheard.calls[0][0] == street.url + CALLBACK_PATH
