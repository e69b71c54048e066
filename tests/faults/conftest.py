"""The whole way over HTTP: our application and the sandbox, each served, each calling the other."""

import time

import pytest
import requests
from sqlalchemy import select

from models import session as boundary
from models.billing.choose_provider import use_provider
from models.billing.http_provider import HttpProvider
from models.catalog import Product
from models.session import send_with, unit_of_work
from models.settings import use_settings
from public.sandbox import create_sandbox
from public.sandbox.state import EXTENSION
from tests.checkouts import put_on_sale
from tests.factories import Make
from tests.running_sandbox import PATIENCE, SILENCE, serving


class Street:
    """A visitor's view of both servers, and the levers of the sandbox."""

    def __init__(self, url, sandbox_url, inside):
        self.url, self.sandbox_url, self.inside = url, sandbox_url, inside
        self.key = put_on_sale("offer", price_amount=4900)
        self.click = self._click_on_an_affiliates_link()

    def _click_on_an_affiliates_link(self):
        with unit_of_work() as session:
            make = Make(session)
            make.program(session.scalars(select(Product)).one())
            return make.click(make.affiliate("alice")).click_id

    def ask(self, method, address, **options):
        with requests.Session() as http:
            http.trust_env = False
            options.setdefault("timeout", 20)
            return http.request(method, address, **options)

    def begin(self, email="bob@example.org"):
        body = {"button_key": self.key, "email": email, "consent": True, "click": self.click}
        answer = self.ask("POST", f"{self.url}/api/payments/initiate", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def type_card(self, begun, number):
        typed = {"card_number": number, "expiry": "12/40", "cvv": "123", "card_holder": "J Doe"}
        answer = self.ask("POST", begun["capture_url"], data=typed)
        assert answer.status_code == 200, answer.text

    def status(self, begun):
        return self.ask("GET", self.url + begun["status_url"]).json()

    def wait_for(self, begun, *statuses, seconds=30):
        """Poll ever more patiently, at last about as the page does, until one of these comes."""
        until, pause = time.monotonic() + seconds, 0.05
        while (state := self.status(begun)).get("status") not in statuses:
            assert time.monotonic() < until, state
            time.sleep(pause)
            pause = min(1.0, pause * 1.3)
        return state

    def outwait_silence(self):
        """Wait until whoever was left without an answer has given up."""
        time.sleep(SILENCE)

    def retry(self, begun):
        return self.ask("POST", f"{self.url}/api/payments/retry/{begun['id']}", json={})

    def fault(self, on, what, times=1, seconds=0):
        order = {"on": on, "what": what, "times": times, "seconds": seconds}
        assert self.ask("POST", f"{self.sandbox_url}/faults", json=order).status_code == 200

    def charges(self):
        return self.ask("GET", f"{self.sandbox_url}/psp/_charges").json()["charges"]


@pytest.fixture
def street(app, committed, redis, settings, tmp_path):
    """Both servers; jobs are done by whoever asks for them, as while no queue can be reached."""
    sent_with = boundary._send
    with serving(app) as url:
        changes = {"psp_timeout_seconds": PATIENCE, "data_dir": str(tmp_path)}
        ours = settings.model_copy(update={"public_url_weokto": url, **changes})
        sandbox = create_sandbox(
            ours,
            psp_webhook_url=f"{url}/api/payments/psp/webhook",
            silence_seconds=SILENCE,
            backoff=(0.0, 0.05, 0.05, 0.05),
        )
        with serving(sandbox) as sandbox_url:
            use_settings(
                ours.model_copy(
                    update={
                        "pcivault_base_url": f"{sandbox_url}/vault/v1",
                        "psp_base_url": f"{sandbox_url}/psp",
                    }
                )
            )
            use_provider(HttpProvider())
            send_with(None)
            street = Street(url, sandbox_url, sandbox.extensions[EXTENSION])
            yield street
            street.inside.close()
    use_provider(None)
    send_with(sent_with)
