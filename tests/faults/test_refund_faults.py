"""Whatever fails while money goes back: it goes back once, with one credit note."""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from sqlalchemy import select

from models import clock
from models.affiliation import Commission
from models.affiliation.prove_ledger import prove_ledger
from models.billing import CreditNote, Invoice, InvoiceStatus, Refund, RefundStatus
from models.billing.choose_provider import current_provider
from models.billing.provider import PaymentOutcome, RefundRequest
from models.billing.send_refunds import LEASE, send_refunds
from models.ledger import LedgerTransfer, TransferType
from models.session import staff_reading
from models.settings import current_settings
from tests.checkouts import GOOD
from tests.refunds import give_back
from tests.stored import count, one

KILLS = [
    ("before_commit", 1, 0),  # nothing was written down
    ("after_commit", 1, 0),  # written down that it is about to be sent
    ("before_call", 0, 0),
    ("after_call", 0, 1),
    ("before_commit", 2, 1),  # sent, and what came of it is about to be kept
    ("after_commit", 2, 1),
    ("before_commit", 3, 1),  # nothing is left to send
    ("after_commit", 3, 1),
]


@pytest.fixture
def bought(street):
    """A purchase over HTTP, its invoice about to be refunded."""
    begun = street.begin()
    street.type_card(begun, GOOD)
    street.wait_for(begun, "succeeded")
    with staff_reading() as session:
        return session.scalars(select(Invoice)).one()


def given_back(street):
    """The refunds that the provider made."""
    headers = {"Authorization": f"Bearer {current_settings().psp_secret_key}"}
    answer = street.ask("GET", f"{street.sandbox_url}/psp/v1/refunds", headers=headers)
    return answer.json()["data"]


def assert_given_back_once(street):
    [made] = given_back(street)
    refund = one(Refund)
    assert (made["amount"], made["id"]) == (4900, refund.psp_refund_id)
    assert made["metadata"]["refund_key"] == f"ref_{refund.id}"
    assert refund.status is RefundStatus.PROCESSED
    assert one(Invoice).status is InvoiceStatus.REFUNDED
    assert one(CreditNote).number.endswith("-000001")
    assert one(Commission).clawed_back_amount == one(Commission).total_amount
    taken = LedgerTransfer.type == TransferType.COMMISSION_CLAWED_BACK
    assert count(LedgerTransfer, taken) == 1
    with staff_reading() as session:
        assert prove_ledger(session).ok


class TestKilled:
    @pytest.mark.parametrize(
        ("where", "number", "made"), KILLS, ids=[f"{w}-{n}" for w, n, _ in KILLS]
    )
    def test_at_every_step(self, street, bought, where, number, made):
        street.fault("psp_webhook", "drop", times=20)
        give_back(bought.id)
        self.kill(where, number)
        assert len(given_back(street)) == made

        clock.advance(LEASE)
        send_refunds()
        clock.advance(LEASE)
        assert send_refunds()["sent"] == 0
        assert_given_back_once(street)

    @pytest.mark.parametrize("where", ["before_commit", "after_commit"])
    def test_each_commit_has_its_kills(self, street, bought, where):
        give_back(bought.id)
        seen = json.loads(self.kill(where, 99, status=0))

        killed = [number for each, number, _made in KILLS if each == where]
        assert killed == list(range(1, seen[where] + 1))

    def kill(self, where, number, status=-signal.SIGKILL):
        settings = current_settings()
        told = {
            name: str(getattr(settings, name.lower()))
            for name in (
                "DATABASE_URL",
                "DATABASE_MEMBER_URL",
                "DATABASE_OWNER_URL",
                "REDIS_URL",
                "PSP_BASE_URL",
                "PCIVAULT_BASE_URL",
                "DATA_DIR",
            )
        }
        done = subprocess.run(
            [sys.executable, "-m", "tests.faults.dies_while_refunding", where, str(number)],
            env={**os.environ, **told, "ENV": "test", "PSP_TIMEOUT_SECONDS": "5"},
            capture_output=True,
            timeout=60,
        )
        assert done.returncode == status, done.stderr
        return done.stdout


class TestProviderFails:
    @pytest.mark.parametrize(
        "what",
        [
            "500",
            "503",
            "429",
            "500_after",
            "timeout_before",
            "timeout_after",
            "close_before",
            "close_after",
        ],
    )
    def test_and_it_still_goes_back_once(self, street, bought, what):
        street.fault("psp_webhook", "drop", times=20)
        refund = give_back(bought.id)
        street.fault("refunds", what)

        assert send_refunds()["processed"] == 0
        assert one(Refund).status is RefundStatus.APPROVED
        assert one(Refund).last_error
        clock.advance(timedelta(minutes=6))
        assert send_refunds()["processed"] == 1

        [made] = given_back(street)
        assert made["amount"] == 4900
        assert made["metadata"]["refund_id"] == str(refund.id)
        assert count(CreditNote) == 1

    def test_the_webhook_alone_brings_the_word(self, street, bought):
        give_back(bought.id)
        street.fault("refunds", "timeout_after")
        send_refunds()
        wait_until(lambda: one(Refund).status is RefundStatus.PROCESSED)
        assert_given_back_once(street)

    def test_pending_then_refused_by_the_bank_is_sent_anew(self, street, bought):
        street.fault("psp_webhook", "drop", times=20)
        refund = give_back(bought.id)
        set_next(street, "pending")
        assert send_refunds()["waiting"] == 1
        [made] = given_back(street)
        settle(street, made["id"], "failed")
        clock.advance(timedelta(minutes=6))
        assert send_refunds()["failed"] == 1
        clock.advance(timedelta(hours=1))
        assert send_refunds()["processed"] == 1
        keys = {each["metadata"]["refund_key"]: each["status"] for each in given_back(street)}
        assert keys == {f"ref_{refund.id}": "failed", f"ref_{refund.id}_2": "succeeded"}

    def test_what_it_holds_no_payment_of_it_says_so(self, street):
        answer = current_provider().refund(RefundRequest("ref_x", "pi_nowhere", 100))
        assert answer.outcome is PaymentOutcome.ERROR
        found = current_provider().look_up_refund("ref_x", payment_id="pi_nowhere")
        assert found.outcome is PaymentOutcome.NOT_FOUND
        found = current_provider().look_up_refund("ref_x", payment_id="pi_1", refund_id="re_no")
        assert found.outcome is PaymentOutcome.NOT_FOUND


def wait_until(come, seconds=30):
    """Look ever more patiently until it has come."""
    until, pause = time.monotonic() + seconds, 0.05
    while not come():
        assert time.monotonic() < until
        time.sleep(pause)
        pause = min(1.0, pause * 1.3)


def set_next(street, status):
    answer = street.ask("POST", f"{street.sandbox_url}/psp/_refunds/next", json={"status": status})
    assert answer.status_code == 200, answer.text


def settle(street, refund_id, status):
    address = f"{street.sandbox_url}/psp/_refunds/{refund_id}"
    assert street.ask("POST", address, json={"status": status}).status_code == 200
