"""A sandbox that takes the twin's place: its cards are charged, its payments refunded."""

import pytest

from models.billing.http_provider import HttpProvider
from models.billing.in_process import InProcessProvider
from models.billing.provider import (
    CardToRegister,
    ChargeRequest,
    PaymentOutcome,
    RefundRequest,
)
from models.billing.twin_memory import FILE, remember_twin
from models.settings import use_settings
from tests.running_sandbox import running_sandbox

PRICE = 4900


def register(twin, number):
    card = twin.enter_card(number, reference="user-1")
    return twin.register_card(CardToRegister(f"reg-{number}", card.token, "user-1", "user-1"))


def charge_of(card, key, **changes):
    values = {"keeps_card": True, **changes}
    return ChargeRequest(key, PRICE, "EUR", card.psp_customer_id, card.payment_method_id, **values)


@pytest.fixture
def played():
    """A twin that sold to two cards, one of which declines from then on."""
    twin = InProcessProvider()
    good, bad = register(twin, "4242424242424242"), register(twin, "4000000000000341")
    twin.good, twin.bad = good, bad
    twin.payment = twin.charge(charge_of(good, "first"))
    twin.charge(charge_of(bad, "second"))
    twin.refund(RefundRequest("ref-1", twin.payment.payment_id, 1000))
    return twin


@pytest.fixture
def provider(played, tmp_path):
    remember_twin(played, str(tmp_path))
    with running_sandbox(tmp_path) as sandbox:
        use_settings(sandbox.settings)
        assert not (tmp_path / FILE).exists()
        yield HttpProvider()


class TestAdopted:
    def test_cards_are_charged_as_the_twin_would(self, played, provider):
        renewal = {"keeps_card": False, "off_session": True}
        good = provider.charge(charge_of(played.good, "renewal-1", **renewal))
        bad = provider.charge(charge_of(played.bad, "renewal-2", **renewal))

        assert good.outcome is PaymentOutcome.SUCCEEDED
        assert (bad.outcome, bad.decline_code) == (PaymentOutcome.DECLINED, "generic_decline")

    def test_payments_are_refunded_up_to_what_was_left(self, played, provider):
        paid = played.payment.payment_id

        too_much = provider.refund(RefundRequest("ref-2", paid, PRICE))
        rest = provider.refund(RefundRequest("ref-3", paid, PRICE - 1000))

        assert too_much.outcome is PaymentOutcome.DECLINED
        assert rest.outcome is PaymentOutcome.SUCCEEDED

    def test_payments_are_found_by_the_attempts_key(self, played, provider):
        found = provider.look_up("first", psp_customer_id=played.good.psp_customer_id)

        assert found.payment_id == played.payment.payment_id
