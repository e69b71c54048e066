"""What the law wants said, where it wants it said: beside buttons, at checkouts, in footers."""

import re
from decimal import Decimal

import pytest

from models.settings import use_settings
from public.legal import NAMES
from tests.shop import open_shop

HOSTS = ("http://weokto.localhost", "http://stam.localhost")

pytestmark = pytest.mark.usefixtures("now")


@pytest.fixture
def visitor(client):
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    return client


class TestTrials:
    @pytest.mark.parametrize(
        ("host", "path", "words"),
        [
            (HOSTS[0], "/", "Free for 7 days, then €49 a month from 17 March"),
            (HOSTS[0], "/p/academy-premium", "Free for 7 days, then €49 a month from 17 March"),
            (HOSTS[1], "/p/cercle-createurs", "€1 for 7 days, then €29 a month from 17 March"),
        ],
    )
    def test_price_after_it_and_its_date_stand_beside_the_button(self, visitor, host, path, words):
        open_shop()

        assert words in visitor.get(path, base_url=host).text

    def test_so_they_do_at_the_checkouts_own_button(self, visitor):
        open_shop()
        page = visitor.get("/checkout/cercle-createurs-monthly", base_url=HOSTS[1]).text

        beside = page[page.index("Order with an obligation to pay") :]
        assert "€1 today" in beside
        assert "then €29 a month from 17 March" in beside

    def test_the_snippet_says_the_same(self, visitor):
        open_shop()
        told = visitor.get(
            "/api/payments/button-config?key=cercle-createurs-monthly", base_url=HOSTS[1]
        )

        assert told.json["terms_text"] == "€1 for 7 days, then €29 a month from 17 March"


class TestPrices:
    PAGES = ("/", "/p/academy-premium")

    @pytest.mark.parametrize("path", PAGES)
    def test_say_that_they_hold_vat_where_they_do(self, visitor, path):
        open_shop()

        assert "Prices include VAT. You have 14 days" in visitor.get(path).text

    @pytest.mark.parametrize("path", PAGES)
    def test_follow_the_settings(self, visitor, settings, path):
        changed = {"vat_rate": Decimal(0), "withdrawal_right_days": 30}
        use_settings(settings.model_copy(update=changed))
        open_shop()

        assert "No VAT is charged. You have 30 days" in visitor.get(path).text

    @pytest.mark.parametrize(
        ("changed", "words"),
        [
            ({"vat_rate": Decimal(0)}, "VAT not applicable, article 293 B"),
            ({"company_vat_number": "FR12345678901"}, "VAT number: FR12345678901"),
        ],
    )
    def test_sellers_vat_stands_in_the_terms(self, visitor, settings, changed, words):
        use_settings(settings.model_copy(update=changed))

        assert words in visitor.get("/legal/cgv").text
        assert "293 B" in words or "293 B" not in visitor.get("/legal/mentions-legales").text


class TestConsent:
    def test_names_what_it_does_to_the_right(self, visitor):
        open_shop()
        page = visitor.get("/checkout/academy-premium-monthly").text

        assert "I ask for access at once, before the 14 days" in page
        assert "I lose this right for what has been fully supplied" in page

    def test_is_the_owners_where_they_wrote_one(self, visitor, settings):
        words = "Open it now; the {days} days then end with the delivery."
        use_settings(settings.model_copy(update={"consent_text_en": words}))
        open_shop()

        page = visitor.get("/checkout/academy-premium-monthly").text

        assert "Open it now; the 14 days then end with the delivery." in page


class TestFooter:
    @pytest.mark.parametrize("host", HOSTS)
    @pytest.mark.parametrize("path", ["/", "/login", "/legal/cgv", "/resilier"])
    def test_leads_to_withdrawal_and_cancelling(self, visitor, host, path):
        page = visitor.get(path, base_url=host).text

        for link in ("/legal/retractation", "/renoncer", "/resilier"):
            assert f'href="{link}"' in page

    def test_says_the_laws_own_words_in_french(self, client):
        client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "fr"
        page = client.get("/").text

        assert ">renoncer au contrat ici<" in page
        assert ">Résilier votre contrat<" in page


class TestLegalPages:
    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize("language", ["fr", "en"])
    def test_leave_no_slot_unfilled(self, client, name, language):
        page = client.get(f"/legal/{name}", headers={"Accept-Language": language}).text
        article = page[page.index("<article") : page.index("</article>")]

        assert not re.search(r"\{\w+\}", article)

    @pytest.mark.parametrize("language", ["fr", "en"])
    def test_withdrawal_comes_with_its_form_and_its_function(self, client, language):
        page = client.get("/legal/retractation", headers={"Accept-Language": language}).text

        assert "<blockquote>" in page
        assert 'href="/renoncer"' in page
        assert "14" in page
