"""The real clients against the sandbox, over real HTTP: charges, look-ups, refunds, webhooks."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from models import clock
from models.billing.choose_provider import current_provider, use_provider
from models.billing.http_provider import HttpProvider
from models.billing.in_process import InProcessProvider
from models.billing.provider import (
    BadSignature,
    PaymentOutcome,
    RefundRequest,
)
from models.billing.sandbox_cards import SANDBOX_CARDS
from models.settings import use_settings
from tests.buying import ANSWER_LOST, ASKS_BANK, DECLINED, DECLINED_LATER, GOOD, NOWHERE


class TestCharge:
    def test_good_card_is_charged_once(self, buyer):
        request = buyer.charge_for(GOOD)

        first, again = (buyer.provider.charge(request) for _ in range(2))

        assert first.outcome is PaymentOutcome.SUCCEEDED
        assert (first.amount, first.currency) == (4900, "EUR")
        assert first.attempt_key == "attempt-1"
        assert again == first
        assert [charge["amount"] for charge in buyer.charges()] == [4900]

    @pytest.mark.parametrize(
        "card", [card for card in SANDBOX_CARDS if card.behaviour == "declined"]
    )
    def test_declined_card_says_why(self, buyer, card):
        payment = buyer.provider.charge(buyer.charge_for(card.number))

        assert payment.outcome is PaymentOutcome.DECLINED
        assert payment.decline_code == card.decline_code
        assert payment.payment_id.startswith("pi_")
        assert buyer.charges() == []

    def test_free_trial_sets_the_card_up(self, buyer):
        payment = buyer.provider.charge(buyer.charge_for(amount=0))

        assert payment.outcome is PaymentOutcome.SUCCEEDED
        assert payment.payment_id.startswith("seti_")
        assert payment.amount == 0
        assert buyer.charges() == []

    def test_free_trial_with_a_declined_card_is_declined(self, buyer):
        payment = buyer.provider.charge(buyer.charge_for(DECLINED, amount=0))

        assert payment.outcome is PaymentOutcome.DECLINED
        assert payment.decline_code == "generic_decline"

    @pytest.mark.parametrize("amount", [4900, 0])
    def test_kept_card_is_charged_without_its_owner(self, buyer, amount):
        first = buyer.charge_for(GOOD, amount=amount)
        buyer.provider.charge(first)

        renewal = replace(
            first, attempt_key="inv_2_1", amount=4900, off_session=True, return_url=None
        )

        assert buyer.provider.charge(renewal).outcome is PaymentOutcome.SUCCEEDED

    def test_card_never_set_up_is_refused_without_its_owner(self, buyer):
        request = buyer.charge_for(GOOD, off_session=True, keeps_card=False, return_url=None)

        assert buyer.provider.charge(request).outcome is PaymentOutcome.ERROR

    def test_declined_later(self, buyer):
        first = buyer.charge_for(DECLINED_LATER)
        assert buyer.provider.charge(first).outcome is PaymentOutcome.SUCCEEDED

        renewal = replace(first, attempt_key="inv_2_1", off_session=True, return_url=None)

        assert buyer.provider.charge(renewal).outcome is PaymentOutcome.DECLINED
        assert len(buyer.charges()) == 1

    def test_answer_that_never_comes_is_unknown_and_found(self, buyer):
        request = buyer.charge_for(ANSWER_LOST)

        lost = buyer.provider.charge(request)
        found = buyer.provider.look_up("attempt-1", psp_customer_id=request.psp_customer_id)

        assert (lost.outcome, lost.error_code) == (PaymentOutcome.UNKNOWN, "no_answer")
        assert found.outcome is PaymentOutcome.SUCCEEDED
        assert len(buyer.charges()) == 1

    def test_same_key_with_other_input_is_unknown(self, buyer):
        request = buyer.charge_for(GOOD)
        buyer.provider.charge(request)

        other = buyer.provider.charge(replace(request, amount=9900))

        assert (other.outcome, other.error_code) == (PaymentOutcome.UNKNOWN, "idempotency_error")
        assert len(buyer.charges()) == 1

    @pytest.mark.parametrize(
        ("what", "outcome", "charged"),
        [
            ("429", PaymentOutcome.ERROR, 0),
            ("500", PaymentOutcome.UNKNOWN, 0),
            ("503", PaymentOutcome.UNKNOWN, 0),
            ("500_after", PaymentOutcome.UNKNOWN, 1),
            ("close_before", PaymentOutcome.UNKNOWN, 0),
            ("close_after", PaymentOutcome.UNKNOWN, 1),
            ("timeout_before", PaymentOutcome.UNKNOWN, 0),
            ("timeout_after", PaymentOutcome.UNKNOWN, 1),
        ],
    )
    def test_trouble_is_never_a_decline(self, buyer, what, outcome, charged):
        request = buyer.charge_for(GOOD)
        buyer.order_fault("payment_intents", what)

        assert buyer.provider.charge(request).outcome is outcome
        assert len(buyer.charges()) == charged
        found = buyer.provider.look_up("attempt-1", psp_customer_id=request.psp_customer_id)
        assert found.outcome is (PaymentOutcome.SUCCEEDED if charged else PaymentOutcome.NOT_FOUND)

    def test_unreachable_psp_was_not_sent(self, buyer):
        request = buyer.charge_for(GOOD)
        use_settings(buyer.sandbox.settings.model_copy(update={"psp_base_url": NOWHERE}))

        payment = buyer.provider.charge(request)

        assert (payment.outcome, payment.error_code) == (PaymentOutcome.ERROR, "not_sent")

    def test_wrong_secret_key_is_an_error(self, buyer):
        request = buyer.charge_for(GOOD)
        use_settings(buyer.sandbox.settings.model_copy(update={"psp_secret_key": "sk_wrong"}))

        assert buyer.provider.charge(request).outcome is PaymentOutcome.ERROR


class TestThreeDSecure:
    @pytest.mark.parametrize("amount", [4900, 0])
    def test_authorised_at_the_bank(self, buyer, amount):
        payment = buyer.provider.charge(buyer.charge_for(ASKS_BANK, amount=amount))
        assert payment.outcome is PaymentOutcome.NEEDS_ACTION
        assert buyer.charges() == []

        back = buyer.answer_bank(payment, "authorise")

        assert back.status_code == 303
        assert back.headers["Location"].startswith("http://shop.invalid/checkout/1?x=1&")
        assert "redirect_status=succeeded" in back.headers["Location"]
        found = self._look_up(buyer, payment)
        assert found.outcome is PaymentOutcome.SUCCEEDED
        assert len(buyer.charges()) == (1 if amount else 0)

    def test_refused_at_the_bank(self, buyer):
        payment = buyer.provider.charge(buyer.charge_for(ASKS_BANK))

        for answer in ("refuse", "authorise"):
            back = buyer.answer_bank(payment, answer)

        assert "redirect_status=failed" in back.headers["Location"]
        found = self._look_up(buyer, payment)
        assert found.outcome is PaymentOutcome.DECLINED
        assert found.decline_code == "payment_intent_authentication_failure"
        assert buyer.charges() == []

    def test_later_charges_need_no_bank(self, buyer):
        first = buyer.charge_for(ASKS_BANK)
        buyer.answer_bank(buyer.provider.charge(first), "authorise")

        renewal = replace(first, attempt_key="inv_2_1", off_session=True, return_url=None)

        assert buyer.provider.charge(renewal).outcome is PaymentOutcome.SUCCEEDED

    def _look_up(self, buyer, payment):
        return buyer.provider.look_up(
            "attempt-1",
            psp_customer_id=buyer.psp_customer_id,
            payment_id=payment.payment_id,
        )


class TestLookUp:
    def test_finds_among_more_than_one_page(self, buyer):
        request = buyer.charge_for(GOOD)
        buyer.provider.charge(request)
        with buyer.sandbox.inside.store.lock:
            intent = buyer.sandbox.inside.store.newest("payment_intent")[0]
            for number in range(120):
                buyer.sandbox.inside.store.put(
                    "payment_intent", {**intent, "id": f"pi_{number}", "metadata": {}}
                )

        found = buyer.provider.look_up("attempt-1", psp_customer_id=request.psp_customer_id)

        assert found.outcome is PaymentOutcome.SUCCEEDED

    def test_unknown_payment_is_not_found(self, buyer):
        found = buyer.provider.look_up("x", psp_customer_id="cus_x", payment_id="pi_x")
        assert found.outcome is PaymentOutcome.NOT_FOUND

    @pytest.mark.parametrize("what", ["500", "429", "close_before"])
    def test_that_fails_is_unknown(self, buyer, what):
        buyer.order_fault("look_up", what)

        found = buyer.provider.look_up("x", psp_customer_id="cus_x")

        assert found.outcome is PaymentOutcome.UNKNOWN

    def test_unreachable_psp_is_unknown(self, buyer):
        use_settings(buyer.sandbox.settings.model_copy(update={"psp_base_url": NOWHERE}))

        found = buyer.provider.look_up("x", psp_customer_id="cus_x")

        assert found.outcome is PaymentOutcome.UNKNOWN


class TestRefund:
    def test_gives_back_once(self, buyer):
        payment = buyer.provider.charge(buyer.charge_for(GOOD))
        request = RefundRequest("refund-1", payment.payment_id, 2000)

        first, again = (buyer.provider.refund(request) for _ in range(2))

        assert first.outcome is PaymentOutcome.SUCCEEDED
        assert again == first

    def test_never_more_than_was_paid(self, buyer):
        payment = buyer.provider.charge(buyer.charge_for(GOOD))
        buyer.provider.refund(RefundRequest("refund-1", payment.payment_id, 4900))

        more = buyer.provider.refund(RefundRequest("refund-2", payment.payment_id, 1))

        assert more.outcome is PaymentOutcome.DECLINED

    def test_lost_answer_is_unknown(self, buyer):
        payment = buyer.provider.charge(buyer.charge_for(GOOD))
        buyer.order_fault("refunds", "close_after")
        request = RefundRequest("refund-1", payment.payment_id, 4900)

        assert buyer.provider.refund(request).outcome is PaymentOutcome.UNKNOWN
        assert buyer.provider.refund(request).outcome is PaymentOutcome.SUCCEEDED


class TestPspWebhook:
    def _event(self, buyer):
        buyer.provider.charge(buyer.charge_for(GOOD))
        heard = buyer.sandbox.shop.wait_for(2)
        return next((hdr, body) for where, hdr, body in heard if where.endswith("psp/webhook"))

    def test_tells_of_the_payment(self, buyer):
        headers, body = self._event(buyer)

        event = buyer.provider.verify_psp_webhook(body, headers["Stripe-Signature"])

        assert event.kind == "payment_intent.succeeded"
        assert event.payment.outcome is PaymentOutcome.SUCCEEDED
        assert event.payment.attempt_key == "attempt-1"

    @pytest.mark.parametrize("header", [None, "", "t=1", "t=x,v1=0", "t=1,v1=00"])
    def test_wrong_signature_is_refused(self, buyer, header):
        with pytest.raises(BadSignature):
            buyer.provider.verify_psp_webhook(b"{}", header)

    def test_changed_body_is_refused(self, buyer):
        headers, body = self._event(buyer)
        with pytest.raises(BadSignature):
            buyer.provider.verify_psp_webhook(body + b" ", headers["Stripe-Signature"])

    def test_old_signature_is_refused(self, buyer):
        headers, body = self._event(buyer)
        clock.advance(timedelta(minutes=6))
        with pytest.raises(BadSignature):
            buyer.provider.verify_psp_webhook(body, headers["Stripe-Signature"])

    @pytest.mark.parametrize("lent", ["xt={now},{old}", "{old},t={now}", "t={now},{old}"])
    def test_an_old_signature_takes_no_new_age(self, buyer, lent):
        headers, body = self._event(buyer)
        clock.advance(timedelta(minutes=6))
        now = int(clock.now().timestamp())

        with pytest.raises(BadSignature):
            buyer.provider.verify_psp_webhook(
                body, lent.format(now=now, old=headers["Stripe-Signature"])
            )

    def test_an_element_not_known_to_us_is_passed_over(self, buyer):
        headers, body = self._event(buyer)

        event = buyer.provider.verify_psp_webhook(body, f"v0=00,{headers['Stripe-Signature']}")

        assert event.payment.attempt_key == "attempt-1"


class TestNothingOnDisk:
    def test_no_card_number_in_the_file(self, buyer, tmp_path):
        for number, card in enumerate(SANDBOX_CARDS):
            if card.number != ANSWER_LOST:
                buyer.provider.charge(buyer.charge_for(card.number, key=f"attempt-{number}"))

        written = b"".join(Path(file).read_bytes() for file in tmp_path.iterdir())

        assert b"4242" in written
        assert not [card for card in SANDBOX_CARDS if card.number.encode() in written]


class TestCurrentProvider:
    def test_is_the_real_one_unless_replaced(self):
        twin = InProcessProvider()
        use_provider(twin)
        assert current_provider() is twin

        use_provider(None)
        assert isinstance(current_provider(), HttpProvider)
