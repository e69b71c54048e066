"""The sandbox itself: never in production, and a front desk that explains it."""

import pytest

from models.billing.sandbox_cards import SANDBOX_CARDS
from models.settings import Settings
from public.sandbox import SandboxInProduction, create_sandbox


class TestProduction:
    def test_is_refused(self, settings):
        settings = settings.model_copy(update={"env": "production"})
        with pytest.raises(SandboxInProduction):
            create_sandbox(settings)


class TestDevelopment:
    def test_plays_every_service_that_is_not_named(self):
        settings = Settings(_env_file=None, env="test", port=8140)

        assert settings.vault_url == "http://127.0.0.1:8150/vault/v1"
        assert settings.psp_url == "http://127.0.0.1:8150/psp"
        assert settings.mailer_url == "http://127.0.0.1:8150/resend"


class TestFrontDesk:
    def test_lists_the_test_cards(self, buyer):
        page = buyer.ask("GET", "/").text
        assert all(card.number in page for card in SANDBOX_CARDS)

    def test_is_healthy(self, buyer):
        assert buyer.ask("GET", "/healthz").json() == {"status": "ok"}

    @pytest.mark.parametrize("order", [{}, {"on": "nothing", "what": "500"}, {"on": "proxy"}, None])
    def test_unknown_fault_is_refused(self, buyer, order):
        assert buyer.ask("POST", "/faults", json=order).status_code == 422

    def test_faults_are_listed_and_cleared(self, buyer):
        buyer.order_fault("emails", "500", times=2)
        assert buyer.ask("GET", "/faults").json()["waiting"] == {"emails": ["500", "500"]}

        buyer.ask("DELETE", "/faults")
        assert buyer.ask("GET", "/faults").json()["waiting"] == {}
