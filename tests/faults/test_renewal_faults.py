"""Renewals cut short at every step: resuming charges nobody twice and loses nobody."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from contextlib import nullcontext
from datetime import timedelta

import pytest
from rq import Queue, SimpleWorker
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from jobs import queue
from jobs.oversight import sweep
from jobs.schedule import tick_now
from models import clock, embedded
from models import session as boundary
from models.affiliation.prove_ledger import prove_ledger
from models.billing import (
    AttemptOutcome,
    Customer,
    CustomerStatus,
    Invoice,
    InvoiceKind,
    InvoiceStatus,
    PaymentAttempt,
)
from models.billing.in_process import InProcessProvider
from models.billing.renew_due import renew_due
from models.billing.resolve_unknown import resolve_unknown
from models.migrations.run import upgrade
from models.oversight import JobRun, RunStatus
from models.session import staff_reading, unit_of_work
from models.settings import current_settings, use_settings
from tests.checkouts import GOOD, buy, charged_by, put_on_sale

PEOPLE = ("ann@example.org", "bob@example.org", "cleo@example.org")
LONG_ENOUGH = timedelta(minutes=10)


def every(entity):
    with staff_reading() as session:
        return session.scalars(select(entity).order_by(entity.id)).all()


def let_fall_due(before=timedelta(hours=1)):
    """Everybody's period ends an hour from now."""
    with unit_of_work() as session:
        for customer in session.scalars(select(Customer)):
            customer.subscription_ends_at = clock.now() + before
            customer.next_charge_at = customer.subscription_ends_at
            customer.billing_anchor_at = customer.subscription_ends_at
            customer.periods_since_anchor = 0


def resume():
    """What the schedule does after a crash: ask about what is open, then renew what is due."""
    clock.advance(LONG_ENOUGH)
    resolve_unknown()
    renew_due()


def assert_renewed_once(charges):
    """``charges`` says how often each card was charged, the purchase included."""
    assert sorted(charges) == [2] * len(PEOPLE)
    assert {customer.status for customer in every(Customer)} == {CustomerStatus.ACTIVE}
    assert {customer.billing_cycles_done for customer in every(Customer)} == {2}
    renewals = [each for each in every(Invoice) if each.kind is InvoiceKind.RENEWAL]
    assert [each.status for each in renewals] == [InvoiceStatus.PAID] * len(PEOPLE)
    numbers = sorted(int(each.number[-6:]) for each in every(Invoice))
    assert numbers == list(range(1, 2 * len(PEOPLE) + 1))
    paid = Counter(
        each.invoice_id
        for each in every(PaymentAttempt)
        if each.outcome is AttemptOutcome.SUCCEEDED
    )
    assert set(paid.values()) == {1}
    with staff_reading() as session:
        assert prove_ledger(session).ok


class TestKilled:
    """A worker killed in the middle of a run, against the sandbox over HTTP."""

    KILLS = (
        ("before_commit", 1, 0),
        ("after_commit", 1, 0),
        ("before_charge", 1, 0),
        ("after_charge", 1, 1),
        ("before_charge", 2, 1),
        ("after_charge", 3, 3),
        ("before_commit", 2, 3),
        ("after_commit", 2, 3),
    )

    def renew_and_die(self, where, number, status=-signal.SIGKILL):
        settings = current_settings()
        names = ("database_url", "redis_url", "pcivault_base_url", "psp_base_url", "data_dir")
        told = {name.upper(): str(getattr(settings, name)) for name in names}
        done = subprocess.run(
            [sys.executable, "-m", "tests.faults.dies_while_renewing", where, str(number)],
            env={**os.environ, **told, "ENV": "test", "PSP_TIMEOUT_SECONDS": "5"},
            capture_output=True,
            timeout=60,
        )
        assert done.returncode == status, done.stderr
        return done.stdout

    @pytest.fixture
    def due(self, street):
        """Everybody has bought over HTTP, and is to be renewed an hour from now."""
        street.fault("psp_webhook", "drop", times=99)
        for email in PEOPLE:
            begun = street.begin(email)
            street.type_card(begun, GOOD)
            street.wait_for(begun, "succeeded")
        let_fall_due()

    def test_each_commit_of_a_run_has_its_kills(self, street, due):
        seen = json.loads(self.renew_and_die("nowhere", 0, status=0))

        for where in ("before_commit", "after_commit"):
            killed = [number for each, number, _charged in self.KILLS if each == where]
            assert killed == list(range(1, seen["commit"] + 1))
        assert seen["charge"] == len(PEOPLE)

    @pytest.mark.parametrize(("where", "number", "charged"), KILLS)
    def test_at_every_step(self, street, due, where, number, charged):
        self.renew_and_die(where, number)
        assert len(street.charges()) == len(PEOPLE) + charged
        resume()

        customers = Counter(charge["customer"] for charge in street.charges())
        assert_renewed_once(customers.values())


def charged_each(twin):
    return Counter(payment.psp_customer_id for payment in twin.paid).values()


class Interrupted(InProcessProvider):
    """Does something once, in the middle of a run, before a charge is made."""

    def __init__(self):
        super().__init__()
        self.interrupt = None
        self.charges = 0

    def charge(self, request):
        if request.off_session:
            self.charges += 1
            if self.charges == 2 and self.interrupt is not None:
                self.interrupt()
        return super().charge(request)


@pytest.fixture
def provider():
    with charged_by(Interrupted()) as provider:
        yield provider


class TestPostgresql:
    @pytest.fixture
    def running(self, tmp_path, settings):
        """A server of the test's own, so that killing it disturbs nobody."""
        running = embedded.ensure(tmp_path / "var")
        upgrade(running.owner_url())
        use_settings(
            settings.model_copy(
                update={
                    "database_url": running.staff_url(),
                    "database_member_url": running.member_url(),
                    "database_owner_url": running.owner_url(),
                }
            )
        )
        engines = dict(boundary._engines)
        boundary._engines.clear()  # commits wait for the disk here: what is lost must be lost
        yield running
        boundary.dispose()
        boundary._engines.update(engines)
        embedded.discard(tmp_path / "var")

    @pytest.mark.parametrize("at_once", [True, False], ids=["back at once", "back later"])
    def test_killed_in_the_middle_and_started_again(self, running, provider, tmp_path, at_once):
        def start():
            embedded.ensure(tmp_path / "var")

        def kill():
            pid_file = running.place.home / "postgres" / "postmaster.pid"
            os.kill(int(pid_file.read_text().split()[0]), signal.SIGKILL)
            if at_once:
                start()

        key = put_on_sale()
        clock.move_to(clock.now())
        for email in PEOPLE:
            buy(provider, key, email)
        let_fall_due()
        provider.interrupt = kill
        with nullcontext() if at_once else pytest.raises(OperationalError):
            renew_due()
        start()

        resume()

        assert_renewed_once(charged_each(provider))


class TestRedis:
    def test_emptied_before_a_worker_took_the_run_up(self, committed, redis, provider, settings):
        key = put_on_sale()
        clock.move_to(clock.now())
        for email in PEOPLE:
            buy(provider, key, email)
        let_fall_due()
        boundary.send_with(queue.enqueue)
        queue.load_jobs()
        tick_now("billing-renew-due")
        redis.flushdb()
        clock.advance(timedelta(minutes=4))
        assert sweep()["asked_again"] == 1

        waiting = Queue("money", connection=redis)
        SimpleWorker([waiting], connection=redis).work(burst=True, logging_level="WARNING")

        assert_renewed_once(charged_each(provider))
        [run] = [each for each in every(JobRun) if each.name == "billing-renew-due"]
        assert run.status is RunStatus.DONE
        assert (run.counts["due"], run.counts["charged"]) == (3, 3)
