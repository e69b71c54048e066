"""The real vault client against the sandbox, over real HTTP."""

import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from models.billing.provider import PaymentOutcome, ProviderUnavailable
from models.billing.vault_client import scrub
from models.settings import use_settings
from tests.buying import NOWHERE, Buyer
from tests.running_sandbox import running_sandbox


class TestCapture:
    def test_opens_a_form_for_fifteen_minutes(self, buyer, now):
        capture = buyer.open_form()

        assert capture.expires_at == now + timedelta(minutes=15)
        assert capture.capture_id in capture.iframe_url
        form = capture.iframe_url[len(buyer.sandbox.url) :]
        page = buyer.ask("GET", form, headers={"Accept-Language": "en"})
        assert "Card number" in page.text

    def test_closed_twice_is_closed(self, buyer):
        capture = buyer.open_form()
        for _ in range(2):
            buyer.provider.close_capture(capture.capture_id)

        assert buyer.type_card(capture).status_code == 410

    def test_unreachable_vault_is_a_refusal_without_secrets(self, buyer, caplog):
        secret = buyer.sandbox.settings.pcivault_key_passphrase
        use_settings(buyer.sandbox.settings.model_copy(update={"pcivault_base_url": NOWHERE}))

        with caplog.at_level(logging.DEBUG), pytest.raises(ProviderUnavailable) as refusal:
            buyer.open_form()

        assert secret not in caplog.text
        assert secret not in repr(refusal.value.__cause__)
        assert refusal.value.__context__ is None or secret not in repr(refusal.value.__context__)

    @pytest.mark.parametrize("what", ["500", "429", "close_before"])
    def test_vault_in_trouble_is_a_refusal(self, buyer, what):
        buyer.order_fault("capture", what)

        with pytest.raises(ProviderUnavailable):
            buyer.open_form()

    def test_wrong_passphrase_is_a_refusal(self, buyer):
        use_settings(
            buyer.sandbox.settings.model_copy(update={"pcivault_key_passphrase": "another"})
        )
        with pytest.raises(ProviderUnavailable):
            buyer.open_form()

    def test_debug_lines_carry_no_secret(self, buyer, caplog):
        # Whoever set logging up before may have quietened the library that would tell.
        with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, "urllib3"):
            buyer.open_form()

        assert "passphrase=***" in caplog.text
        assert buyer.sandbox.settings.pcivault_key_passphrase not in caplog.text

    def test_scrub_blanks_values_only(self):
        assert scrub("/c?user=a&passphrase=b&secret=c d") == "/c?user=a&passphrase=***&secret=*** d"


class TestRegisterCard:
    def test_makes_a_payment_method_and_a_customer(self, buyer):
        card = buyer.provider.register_card(buyer.card())

        assert card.outcome is PaymentOutcome.SUCCEEDED
        assert (card.brand, card.last4, card.exp_month, card.exp_year) == ("visa", "4242", 12, 2040)
        assert card.payment_method_id.startswith("pm_")
        assert card.psp_customer_id.startswith("cus_")
        assert card.fingerprint is None

    def test_a_number_typed_in_groups_buys(self, buyer):
        payment = buyer.provider.charge(buyer.charge_for("4242 4242 4242 4242"))

        assert payment.outcome is PaymentOutcome.SUCCEEDED
        assert [charge["amount"] for charge in buyer.charges()] == [4900]

    def test_without_a_rule_the_spaces_reach_the_psp(self, buyer):
        use_settings(buyer.sandbox.settings.model_copy(update={"pcivault_rules": ()}))

        card = buyer.provider.register_card(buyer.card("4242 4242 4242 4242"))

        assert (card.outcome, card.error_code) == (PaymentOutcome.DECLINED, "incorrect_number")

    def test_a_rule_that_the_vault_does_not_know_opens_no_form(self, buyer):
        use_settings(buyer.sandbox.settings.model_copy(update={"pcivault_rules": ("stripp",)}))

        with pytest.raises(ProviderUnavailable):
            buyer.open_form()

    def test_sends_the_restricted_key_through_the_vault_and_no_other(self, tmp_path):
        keys = {"psp_secret_key": "sk_test_whole", "psp_card_key": "rk_test_cards"}
        with running_sandbox(tmp_path, **keys) as sandbox:
            use_settings(sandbox.settings)
            buyer = Buyer(sandbox)
            assert buyer.provider.register_card(buyer.card()).outcome is PaymentOutcome.SUCCEEDED

            without = sandbox.settings.model_copy(update={"psp_card_key": "rk_test_other"})
            use_settings(without)
            refused = buyer.provider.register_card(buyer.card(key="card-2"))
            assert refused.outcome is PaymentOutcome.ERROR

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("POST", "/v1/customers", 403),
            ("POST", "/v1/payment_intents", 403),
            ("POST", "/v1/refunds", 403),
            ("GET", "/v1/payment_intents", 403),
            ("POST", "/v1/payment_methods", 400),
        ],
    )
    def test_the_restricted_key_makes_payment_methods_only(self, tmp_path, method, path, status):
        with running_sandbox(tmp_path, psp_card_key="rk_test_cards") as sandbox:
            headers = {"Authorization": "Bearer rk_test_cards"}
            answer = Buyer(sandbox).ask(method, f"/psp{path}", headers=headers)
            assert answer.status_code == status

    def test_tells_one_persons_card_from_the_numbers_everyone_tries(self, buyer):
        mine, again = (
            buyer.provider.register_card(buyer.card(key=key, security_code="777"))
            for key in ("card-1", "card-2")
        )

        assert mine.fingerprint == again.fingerprint
        assert mine.fingerprint

    def test_twice_is_one(self, buyer):
        card = buyer.card()

        assert buyer.provider.register_card(card) == buyer.provider.register_card(card)

    def test_known_customer_is_kept(self, buyer):
        buyer.psp_customer_id = buyer.provider.register_card(buyer.card()).psp_customer_id

        again = buyer.provider.register_card(buyer.card(key="card-2"))

        assert again.psp_customer_id == buyer.psp_customer_id

    @pytest.mark.parametrize("what", ["500", "429"])
    def test_is_tried_once_only(self, buyer, what):
        card = buyer.card()
        buyer.order_fault("payment_methods", what, times=5)

        outcome = buyer.provider.register_card(card).outcome

        assert outcome is not PaymentOutcome.SUCCEEDED
        assert outcome is not PaymentOutcome.DECLINED
        assert buyer.calls()["payment_methods"] == 1

    @pytest.mark.parametrize("what", ["500", "close_before", "close_after", "timeout_after"])
    def test_no_answer_is_unknown_and_may_be_repeated(self, buyer, what):
        card = buyer.card()
        buyer.order_fault("proxy", what)

        assert buyer.provider.register_card(card).outcome is PaymentOutcome.UNKNOWN
        assert buyer.provider.register_card(card).outcome is PaymentOutcome.SUCCEEDED

    def test_unknown_token_is_an_error(self, buyer):
        card = replace(buyer.card(), vault_token="f" * 64)

        answer = buyer.provider.register_card(card)

        assert (answer.outcome, answer.error_code) == (PaymentOutcome.ERROR, "vault_refused")

    def test_unreachable_vault_was_not_sent(self, buyer):
        card = buyer.card()
        use_settings(buyer.sandbox.settings.model_copy(update={"pcivault_base_url": NOWHERE}))

        answer = buyer.provider.register_card(card)

        assert (answer.outcome, answer.error_code) == (PaymentOutcome.ERROR, "not_sent")

    def test_secrets_stay_out_of_repr(self, buyer):
        card = buyer.card()
        assert card.vault_token not in repr(card)
