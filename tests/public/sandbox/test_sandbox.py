"""The sandbox itself: never in production, and a front desk that explains it."""

from urllib.parse import urlsplit

import pytest

from models.billing.sandbox_cards import SANDBOX_CARDS
from models.settings import Settings
from public.sandbox import SandboxInProduction, create_sandbox
from public.sandbox.state import EXTENSION
from tests.running_sandbox import Shop, serving


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


class TestCourier:
    def test_asks_our_web_process_by_a_name_that_it_answers_to(self, tmp_path):
        shop = Shop()
        with serving(shop.app()) as url:
            app = create_sandbox(
                Settings(
                    _env_file=None,
                    port=urlsplit(url).port,
                    weokto_hosts="weokto.example",
                    data_dir=str(tmp_path),
                )
            )
            app.extensions[EXTENSION].courier.send(
                "psp_webhook", f"{url}/api/payments/psp/webhook", b"{}", dict
            )
            ((_, headers, _),) = shop.wait_for(1)
            app.extensions[EXTENSION].close()

        assert headers["Host"] == "weokto.example"
