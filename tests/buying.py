"""Plays the buyer: opens a card form, types a card, registers it, ready to be charged."""

import re
from dataclasses import replace

import requests

from models.billing.http_provider import HttpProvider
from models.billing.provider import CaptureRequest, CardToRegister, ChargeRequest

GOOD = "4242424242424242"
DECLINED = "4000000000000002"
DECLINED_LATER = "4000000000000341"
ASKS_BANK = "4000002500003155"
ANSWER_LOST = "4000000000000119"

NOWHERE = "http://127.0.0.1:9"
"""The discard port: nothing listens, so connections are refused."""


class Buyer:
    """One person at one running sandbox."""

    def __init__(self, sandbox, reference="user-1"):
        self.sandbox = sandbox
        self.reference = reference
        self.provider = HttpProvider()
        self.psp_customer_id = None

    def open_form(self, **changes):
        request = CaptureRequest(
            checkout_id="checkout-1",
            try_no=1,
            reference=self.reference,
            webhook_url=f"{self.sandbox.shop.url}/api/payments/pci-vault/callback",
            webhook_secret="hook-secret",
        )
        return self.provider.open_capture(replace(request, **changes))

    def type_card(self, capture, number=GOOD, **fields):
        """Submit the iframe's form as a browser without JavaScript would."""
        typed = {"card_number": number, "expiry": "12/40", "cvv": "123", "card_holder": "J Doe"}
        with requests.Session() as browser:
            return browser.post(capture.iframe_url, data={**typed, **fields}, timeout=5)

    def token_for(self, number, **fields):
        page = self.type_card(self.open_form(), number, **fields)
        return re.search(r'data-token="([0-9a-f]{64})"', page.text)[1]

    def card(self, number=GOOD, key="card-1", security_code="123"):
        return CardToRegister(
            key=key,
            vault_token=self.token_for(number, cvv=security_code),
            vault_reference=self.reference,
            reference=self.reference,
            email="buyer@example.org",
            psp_customer_id=self.psp_customer_id,
        )

    def charge_for(self, number=GOOD, key="attempt-1", **changes):
        """A first charge of a freshly registered card, customer present; not sent yet."""
        registered = self.provider.register_card(self.card(number, key=f"card-{key}"))
        self.psp_customer_id = registered.psp_customer_id
        request = ChargeRequest(
            attempt_key=key,
            amount=4900,
            currency="EUR",
            psp_customer_id=registered.psp_customer_id,
            payment_method_id=registered.payment_method_id,
            keeps_card=True,
            return_url="http://shop.invalid/checkout/1?x=1",
        )
        return replace(request, **changes)

    def answer_bank(self, payment, answer):
        with requests.Session() as browser:
            return browser.post(
                payment.redirect_url, data={"answer": answer}, allow_redirects=False, timeout=5
            )

    def ask(self, method, path, **options):
        with requests.Session() as http:
            return http.request(method, f"{self.sandbox.url}{path}", timeout=5, **options)

    def order_fault(self, on, what, times=1, seconds=0):
        order = {"on": on, "what": what, "times": times, "seconds": seconds}
        assert self.ask("POST", "/faults", json=order).status_code == 200

    def charges(self):
        return self.ask("GET", "/psp/_charges").json()["charges"]

    def calls(self):
        return self.ask("GET", "/calls").json()
