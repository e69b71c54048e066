"""The sandbox's PSP: its protocol, its idempotency keys and its webhooks."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from models.billing.provider import PaymentOutcome
from tests.buying import ANSWER_LOST, ASKS_BANK, DECLINED, GOOD, Buyer
from tests.running_sandbox import running_sandbox


def ask(buyer, method, path, **options):
    headers = {"Authorization": f"Bearer {buyer.sandbox.settings.psp_secret_key}"}
    headers |= options.pop("headers", {})
    return buyer.ask(method, f"/psp{path}", headers=headers, **options)


class TestProtocol:
    def test_wrong_key_is_refused(self, buyer):
        answer = ask(buyer, "POST", "/v1/customers", headers={"Authorization": "Bearer no"})
        assert answer.status_code == 401

    def test_parameter_that_the_version_removed_is_refused(self, buyer):
        data = {"amount": "100", "currency": "eur", "payment_method_types[0]": "card"}
        error = ask(buyer, "POST", "/v1/payment_intents", data=data).json()["error"]
        assert (error["code"], error["param"]) == ("parameter_unknown", "payment_method_types")

    @pytest.mark.parametrize("amount", ["", "0", "-5", "1.5", "ten"])
    def test_amount_is_whole_cents(self, buyer, amount):
        data = {"amount": amount, "currency": "eur"}
        error = ask(buyer, "POST", "/v1/payment_intents", data=data).json()["error"]
        assert error["code"] == "parameter_invalid_integer"

    @pytest.mark.parametrize(
        ("number", "decline_code"),
        [("5425233430109903", "test_mode_live_card"), ("4242 4242 4242 4242", None)],
    )
    def test_takes_published_numbers_without_separators(self, buyer, number, decline_code):
        data = {"type": "card", "card[number]": number}
        answer = ask(buyer, "POST", "/v1/payment_methods", data=data)
        assert answer.status_code == 402
        assert answer.json()["error"].get("decline_code") == decline_code

    def test_card_can_be_attached_to_one_customer(self, buyer):
        request = buyer.charge_for(GOOD)
        other = ask(buyer, "POST", "/v1/customers", data={"email": "b@example.org"}).json()["id"]
        path = f"/v1/payment_methods/{request.payment_method_id}/attach"

        attached = ask(buyer, "POST", path, data={"customer": request.psp_customer_id})
        refused = ask(buyer, "POST", path, data={"customer": other})

        assert attached.json()["customer"] == request.psp_customer_id
        assert refused.status_code == 400

    def test_confirms_in_a_second_step(self, buyer):
        request = buyer.charge_for(GOOD)
        data = {
            "amount": "100",
            "currency": "eur",
            "customer": request.psp_customer_id,
            "payment_method": request.payment_method_id,
        }
        made = ask(buyer, "POST", "/v1/payment_intents", data=data).json()
        path = f"/v1/payment_intents/{made['id']}/confirm"

        assert made["status"] == "requires_confirmation"
        assert ask(buyer, "POST", path).json()["status"] == "succeeded"
        assert ask(buyer, "POST", path).status_code == 400

    def test_shows_nothing_that_it_noted_for_itself(self, buyer):
        buyer.provider.charge(buyer.charge_for(GOOD))
        listed = ask(buyer, "GET", "/v1/payment_intents").json()["data"]
        assert not [name for intent in listed for name in intent if name.startswith("_")]


class TestIdempotency:
    def test_replay_is_marked(self, buyer):
        headers = {"Idempotency-Key": "k"}
        first, again = (
            ask(buyer, "POST", "/v1/customers", data={"email": "a@b.c"}, headers=headers)
            for _ in range(2)
        )
        assert again.json() == first.json()
        assert again.headers["Idempotent-Replayed"] == "true"

    def test_decline_is_replayed_too(self, buyer):
        request = buyer.charge_for(DECLINED)
        first, again = (buyer.provider.charge(request) for _ in range(2))
        assert first == again

    def test_at_once_charges_once(self, buyer):
        request = buyer.charge_for(GOOD)
        buyer.order_fault("payment_intents", "delay", times=8, seconds=0.05)

        with ThreadPoolExecutor(8) as pool:
            outcomes = list(pool.map(buyer.provider.charge, [request] * 8))

        assert len(buyer.charges()) == 1
        assert {payment.outcome for payment in outcomes} <= {
            PaymentOutcome.SUCCEEDED,
            PaymentOutcome.UNKNOWN,
        }

    def test_in_use_is_unknown(self, buyer):
        request = buyer.charge_for(GOOD)
        buyer.sandbox.inside.in_flight.add("attempt-1")

        assert buyer.provider.charge(request).outcome is PaymentOutcome.UNKNOWN

    def test_lost_answer_is_there_for_the_second_asking(self, buyer):
        request = buyer.charge_for(ANSWER_LOST)

        outcomes = [buyer.provider.charge(request).outcome for _ in range(2)]

        assert outcomes == [PaymentOutcome.UNKNOWN, PaymentOutcome.SUCCEEDED]
        assert len(buyer.charges()) == 1


class TestRestart:
    def test_kept_card_is_charged_after_a_restart(self, buyer, tmp_path):
        first = buyer.charge_for(GOOD)
        done = buyer.provider.charge(first)

        with running_sandbox(tmp_path) as restarted:
            again = Buyer(restarted)
            headers = {"Idempotency-Key": "attempt-1"}
            renewal = {
                "amount": "4900",
                "currency": "eur",
                "customer": first.psp_customer_id,
                "payment_method": first.payment_method_id,
                "confirm": "true",
                "off_session": "true",
            }
            replayed = ask(again, "POST", "/v1/payment_intents", data=renewal, headers=headers)
            charged = ask(again, "POST", "/v1/payment_intents", data=renewal)

        assert replayed.json()["error"]["type"] == "idempotency_error"
        assert charged.json()["status"] == "succeeded"
        assert done.payment_id != charged.json()["id"]


class TestWebhooks:
    def _kinds(self, buyer, count):
        buyer.sandbox.shop.wait_for(count)
        return [
            event["type"]
            for event in buyer.sandbox.shop.events(count)
            if event.get("object") == "event"
        ]

    @pytest.mark.parametrize(
        ("number", "amount", "kind"),
        [
            (GOOD, 4900, "payment_intent.succeeded"),
            (GOOD, 0, "setup_intent.succeeded"),
            (DECLINED, 4900, "payment_intent.payment_failed"),
            (DECLINED, 0, "setup_intent.setup_failed"),
            (ASKS_BANK, 4900, "payment_intent.requires_action"),
        ],
    )
    def test_tell_what_happened(self, buyer, number, amount, kind):
        buyer.provider.charge(buyer.charge_for(number, amount=amount))
        assert self._kinds(buyer, 2) == [kind]

    @pytest.mark.parametrize("answer", ["authorise", "refuse"])
    def test_tell_what_the_bank_said(self, buyer, answer):
        payment = buyer.provider.charge(buyer.charge_for(ASKS_BANK))
        buyer.sandbox.shop.wait_for(2)
        for _ in range(2):
            buyer.answer_bank(payment, answer)

        last = self._kinds(buyer, 3)[-1]

        assert last.endswith("succeeded" if answer == "authorise" else "payment_failed")
        assert buyer.sandbox.shop.stays_at(3)

    @pytest.mark.parametrize(("what", "count"), [("drop", 1), ("duplicate", 3)])
    def test_can_be_lost_or_doubled(self, buyer, what, count):
        request = buyer.charge_for(GOOD)
        buyer.order_fault("psp_webhook", what)
        buyer.provider.charge(request)

        buyer.sandbox.shop.wait_for(count)
        assert buyer.sandbox.shop.stays_at(count)

    def test_are_tried_again_under_the_same_id(self, buyer):
        request = buyer.charge_for(GOOD)
        buyer.sandbox.shop.wait_for(1)
        buyer.sandbox.shop.statuses = [503]
        buyer.provider.charge(request)

        first, again = buyer.sandbox.shop.events(3)[1:]

        assert first["id"] == again["id"]


class TestBankPage:
    def test_asks_then_says_it_was_answered(self, buyer):
        payment = buyer.provider.charge(buyer.charge_for(ASKS_BANK))
        with requests.Session() as browser:
            asked = browser.get(payment.redirect_url, headers={"Accept-Language": "en"}).text
            buyer.answer_bank(payment, "authorise")
            after = browser.get(payment.redirect_url, headers={"Accept-Language": "en"}).text

        assert "49,00 EUR" in asked
        assert 'value="authorise"' in asked
        assert 'value="authorise"' not in after

    def test_unknown_payment_is_not_found(self, buyer):
        assert buyer.ask("GET", "/bank/3ds/pi_unknown").status_code == 404
