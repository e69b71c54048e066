"""The in-process twin: it answers as the sandbox does, without a network."""

from dataclasses import replace

import pytest

from models.billing.in_process import Fault, InProcessProvider, UnknownTestCard
from models.billing.provider import CardToRegister, ChargeRequest, PaymentOutcome, RefundRequest
from models.billing.sandbox_cards import SANDBOX_CARDS, find_card
from tests.buying import ASKS_BANK, DECLINED_LATER, GOOD


class TestTwin:
    """The twin answers as the sandbox does."""

    @pytest.fixture
    def twin(self):
        return InProcessProvider()

    def _charge(self, twin, number, key="attempt-1", **changes):
        entered = twin.enter_card(number, reference="user-1")
        card = twin.register_card(
            CardToRegister(f"card-{key}", entered.token, entered.reference, "user-1")
        )
        request = ChargeRequest(key, 4900, "EUR", card.psp_customer_id, card.payment_method_id)
        return twin.charge(replace(request, **changes)), replace(request, **changes)

    @pytest.mark.parametrize("amount", [4900, 0])
    @pytest.mark.parametrize("card", SANDBOX_CARDS, ids=lambda card: card.last4)
    def test_every_card_ends_as_in_the_sandbox(self, twin, buyer, card, amount):
        played = buyer.provider.charge(buyer.charge_for(card.number, amount=amount))
        ours, _ = self._charge(twin, card.number, amount=amount)

        assert (ours.outcome, ours.decline_code) == (played.outcome, played.decline_code)
        assert ours.redirect_url is None or played.redirect_url is not None

    def test_ids_are_the_same_in_every_run(self):
        first, second = (self._charge(InProcessProvider(), GOOD)[0] for _ in range(2))
        assert first == second

    def test_same_key_charges_once(self, twin):
        payment, request = self._charge(twin, GOOD)

        assert twin.charge(request) == payment
        assert twin.charge(replace(request, amount=1)).error_code == "idempotency_error"
        assert len(twin.paid) == 1

    def test_declined_later(self, twin):
        _, request = self._charge(twin, DECLINED_LATER)
        later = twin.charge(replace(request, attempt_key="inv_2_1", off_session=True))
        assert later.outcome is PaymentOutcome.DECLINED

    @pytest.mark.parametrize(
        ("fault", "outcome", "found"),
        [
            (Fault.NOT_SENT, PaymentOutcome.ERROR, PaymentOutcome.NOT_FOUND),
            (Fault.LOST_BEFORE, PaymentOutcome.UNKNOWN, PaymentOutcome.NOT_FOUND),
            (Fault.LOST_AFTER, PaymentOutcome.UNKNOWN, PaymentOutcome.SUCCEEDED),
        ],
    )
    def test_faults(self, twin, fault, outcome, found):
        twin.fail_next("charge", fault)
        payment, _ = self._charge(twin, GOOD)

        assert payment.outcome is outcome
        assert twin.look_up("attempt-1", psp_customer_id="cus").outcome is found

    @pytest.mark.parametrize("authorised", [True, False])
    def test_bank_answers_once(self, twin, authorised):
        payment, _ = self._charge(twin, ASKS_BANK)

        settled = twin.answer_bank(payment.payment_id, authorised=authorised)

        assert settled == twin.answer_bank(payment.payment_id, authorised=not authorised)
        assert len(twin.paid) == int(authorised)

    def test_refund_never_exceeds_the_payment(self, twin):
        payment, _ = self._charge(twin, GOOD)
        whole = RefundRequest("refund-1", payment.payment_id, 4900)

        assert twin.refund(whole) == twin.refund(whole)
        more = twin.refund(RefundRequest("refund-2", payment.payment_id, 1))
        assert more.outcome is PaymentOutcome.DECLINED

    def test_takes_test_cards_only(self, twin):
        with pytest.raises(UnknownTestCard):
            twin.enter_card("4111111111111111", reference="user-1")
        assert find_card("4242 4242 4242 4242").last4 == "4242"
