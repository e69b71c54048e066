"""Real processes killed at the worst moment, and a real Redis stopped during a purchase.

The web, the worker and Redis run as they do in production; the sandbox holds its answer
back once it has charged, and that is when the kill comes.
"""

import os
import signal
import subprocess
from uuid import UUID

import pytest
from redis import Redis
from redis.exceptions import RedisError

from jobs.oversight import dispatch
from models.accounts import Platform, UserType
from models.billing import Invoice
from models.billing.choose_provider import use_provider
from models.billing.complete_checkout import complete_checkout
from models.billing.http_provider import HttpProvider
from models.embedded.place import find_place
from models.oversight import OutgoingMail
from models.settings import use_settings
from public.sandbox import create_sandbox
from public.sandbox.state import EXTENSION
from tests.browser.signing_in import code_in
from tests.checkouts import GOOD
from tests.databases import DATA
from tests.faults.conftest import Street
from tests.faults.test_checkout_faults import assert_sold_once
from tests.hostile.attackers import Stranger, signed_in
from tests.processes import family, free_port, start, status_of, wait_for
from tests.running_sandbox import serving
from tests.stored import count, one

pytestmark = pytest.mark.long

SILENCE = 12
NO_REDIS = "redis://127.0.0.1:9/0"


class OwnRedis:
    """A Redis server of the test's own that keeps nothing: what it held dies with it."""

    def __init__(self, folder):
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.folder = folder
        self.process = None

    def start(self):
        program = find_place(DATA).redis_program
        options = ["--port", str(self.port), "--save", "", "--dir", str(self.folder)]
        self.process = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
        wait_for(self.answers)

    def answers(self):
        try:
            with Redis.from_url(self.url) as redis:
                return redis.ping()
        except RedisError:
            return False

    def kill(self):
        self.process.kill()
        self.process.wait()


class House:
    """Starts processes of the application on the test's database; kills what is left."""

    def __init__(self, settings, folder):
        self.settings, self.folder = settings, folder
        self.redis = OwnRedis(folder)
        self.ports = [free_port(), free_port()]
        self.urls = [f"http://127.0.0.1:{port}" for port in self.ports]
        self.processes = []

    def start(self, *words, port=None, **changes):
        told = {
            "DATABASE_URL": self.settings.database_url,
            "DATABASE_MEMBER_URL": self.settings.database_member_url,
            "DATABASE_OWNER_URL": self.settings.database_owner_url,
            "REDIS_URL": self.redis.url,
            "PUBLIC_URL_WEOKTO": self.urls[0],
            "PUBLIC_URL_STAM": self.urls[0],
            "PSP_TIMEOUT_SECONDS": "30",
            **self.sandbox,
        }
        process = start(*words, data_dir=self.folder, port=port or self.ports[0], **told | changes)
        self.processes.append(process)
        return process

    def webs(self, **changes):
        """Two web processes, as behind a proxy; both ready."""
        started = [self.start("web", port=port, **changes) for port in self.ports]
        for url in self.urls:
            wait_for(lambda url=url: status_of(f"{url}/healthz") == 200, 60)
        return started

    def stop(self):
        for process in self.processes:
            for each in family(process.pid) if process.poll() is None else ():
                each.kill()
            process.communicate()
        if self.redis.process is not None:
            self.redis.kill()


@pytest.fixture
def house(settings, committed, tmp_path):
    """Its processes end before what was committed is taken back: they write to their last."""
    house = House(settings, tmp_path)
    yield house
    house.stop()


@pytest.fixture
def street(house, settings, tmp_path):
    """The sandbox, silent once it has charged, whose webhooks go to the second web process."""
    ours = settings.model_copy(update={"data_dir": str(tmp_path), "redis_url": NO_REDIS})
    sandbox = create_sandbox(
        ours,
        psp_webhook_url=f"{house.urls[1]}/api/payments/psp/webhook",
        silence_seconds=SILENCE,
        backoff=(0.0, 0.05, 0.05),
    )
    with serving(sandbox) as url:
        addresses = {"pcivault_base_url": f"{url}/vault/v1", "psp_base_url": f"{url}/psp"}
        house.sandbox = {name.upper(): address for name, address in addresses.items()}
        use_settings(ours.model_copy(update=addresses))
        use_provider(HttpProvider())
        yield Street(house.urls[0], url, sandbox.extensions[EXTENSION])
        use_provider(None)
        sandbox.extensions[EXTENSION].close()


def charged(street):
    return len(street.charges()) == 1


def assert_ledger_holds(house):
    """As the owner would ask: the command's own words and status."""
    said, _ = (asked := house.start("ledger", "verify")).communicate(timeout=60)
    assert (asked.returncode, "The ledger holds." in said) == (0, True), said


def assert_console_shows_the_invoice(app):
    values = {"user_type": UserType.OWNER}
    owner = signed_in(Stranger(app), "owner@weokto.localhost", Platform.WEOKTO, **values)
    page = owner.get("/wo-renwo-9492xE/invoices/").text
    assert one(Invoice).number in page


def test_the_web_is_killed_between_charge_and_commit(house, street, app):
    web, _spare = house.webs(REDIS_URL=NO_REDIS)  # so that the web itself charges
    street.fault("psp_webhook", "drop", times=9)
    street.fault("payment_intents", "timeout_after")
    begun = street.begin()
    street.type_card(begun, GOOD)
    wait_for(lambda: charged(street))

    web.send_signal(signal.SIGKILL)
    web.wait()
    assert count(Invoice) == 0
    street.url = house.urls[1]
    assert street.status(begun)["status"] == "processing"

    street.wait_for(begun, "succeeded", seconds=60)
    assert_sold_once(street)
    assert_ledger_holds(house)
    assert_console_shows_the_invoice(app)


def test_the_worker_is_killed_between_charge_and_commit(house, street):
    house.redis.start()
    house.webs()
    supervisor = house.start("worker")
    wait_for(lambda: len(family(supervisor.pid)) > 1, 60)
    street.fault("psp_webhook", "drop", times=9)
    street.fault("payment_intents", "timeout_after")
    begun = street.begin()
    street.type_card(begun, GOOD)
    wait_for(lambda: charged(street), 60)

    for child in family(supervisor.pid)[1:]:
        os.kill(child.pid, signal.SIGKILL)
    assert count(Invoice) == 0
    assert street.status(begun)["status"] == "processing"

    street.wait_for(begun, "succeeded", seconds=60)
    complete_checkout(UUID(begun["id"]))  # as the lost job does when it runs again
    assert_sold_once(street)
    assert_ledger_holds(house)


def test_redis_stops_after_the_checkout_began(house, street):
    house.redis.start()
    house.webs()
    begun = street.begin()
    house.redis.kill()
    street.type_card(begun, GOOD)

    street.wait_for(begun, "succeeded", seconds=60)
    assert_sold_once(street)
    assert_ledger_holds(house)
    assert count(OutgoingMail) == 0
    assert dispatch()["errors"] == 0  # as the sweep does once Redis is back
    assert count(OutgoingMail) > 0


def test_somebody_signs_in_by_mail_while_redis_is_away(house, street):
    mailer = {"RESEND_API_KEY": "re_x", "RESEND_BASE_URL": f"{street.sandbox_url}/resend"}
    house.webs(REDIS_URL=NO_REDIS, **mailer)
    address = "cleo@example.org"
    asked = street.ask("POST", f"{street.url}/api/auth/magic-link/send", json={"email": address})
    assert asked.status_code == 200

    def mails():
        return street.ask("GET", f"{street.sandbox_url}/outbox.json?to={address}").json()["mails"]

    [mail] = wait_for(mails)
    code = {"email": address, "code": code_in(mail)}
    answer = street.ask("POST", f"{street.url}/api/auth/magic-link/verify-otp", json=code)
    assert (answer.status_code, answer.json()) == (200, {"redirect_url": "/choose-guild"})
    assert count(OutgoingMail) == 1


def test_redis_dies_with_the_queued_charge_in_it(house, street):
    house.redis.start()
    house.webs()
    begun = street.begin()
    street.type_card(begun, GOOD)
    with Redis.from_url(house.redis.url) as redis:
        wait_for(lambda: redis.llen("rq:queue:money"))
    house.redis.kill()
    assert street.charges() == []
    assert street.status(begun)["status"] in ("pending", "processing")

    street.wait_for(begun, "succeeded", seconds=60)
    assert_sold_once(street)
    assert_ledger_holds(house)
