"""The pages anyone may read, on both hosts."""

import json
import re

import pytest

from models.accounts import Platform
from models.catalog import PaymentButton
from models.catalog.edit_community import create_community
from models.oversight.actor import SYSTEM
from models.session import unit_of_work
from public.check_pages import wrong_pages
from tests.shop import open_shop
from tests.visitors import Visitor

WEOKTO = "http://weokto.localhost"
STAM = "http://stam.localhost"
STAYS = "Your account stays."
BLOCK = re.compile(r'<script type="application/ld\+json">(.*?)</script>', re.S)


@pytest.fixture
def catalogue(client):
    """The demo's catalogue, committed; the client's own cleaning takes it back."""
    open_shop()


def described(page):
    """The kinds of structured data on a page, with their content."""
    blocks = [json.loads(text) for text in BLOCK.findall(page)]
    return {block["@type"]: block for block in blocks}


class TestFrontDoors:
    def test_each_host_shows_its_own_brand(self, client, catalogue):
        weokto = client.get("/", base_url=WEOKTO).text
        stam = client.get("/", base_url=STAM).text

        assert "css/weokto.css" in weokto
        assert "css/stam.css" not in weokto
        assert "css/stam.css" in stam

    def test_has_one_title_and_tells_search_engines(self, client, catalogue):
        for host in (WEOKTO, STAM):
            page = client.get("/", base_url=host).text
            assert page.count("<h1") == 1
            assert f'<link rel="canonical" href="{host}/">' in page
            assert {"Organization", "FAQPage"} <= described(page).keys()
            assert 'property="og:image"' in page

    def test_writes_its_figures_as_each_reader_does(self, client, catalogue):
        for language, figures in [
            ("fr", ("49,00\xa0€", "30\xa0%", "50\xa0€", "1\u202f837,50\xa0€", "470\xa0€")),
            ("en", ("€49.00", "30%", "€50<", "€1,837.50", "· €470")),
        ]:
            page = client.get("/", base_url=WEOKTO, headers={"Accept-Language": language}).text
            assert [each for each in figures if each not in page] == []

    def test_buttons_are_links_to_the_checkout(self, client, catalogue):
        page = client.get("/", base_url=WEOKTO).text

        assert 'href="/checkout/academy-premium-monthly"' in page
        assert 'data-payment-button="academy-premium-monthly"' in page

    def test_stam_lists_its_communities_and_no_guild(self, client, catalogue):
        page = client.get("/", base_url=STAM).text

        assert "Le Cercle des créateurs" in page
        assert "Community Academy" not in page

    def test_stam_opens_before_it_has_anything_to_sell(self, client):
        empty = client.get("/", base_url=STAM)
        with unit_of_work() as session:
            create_community(session, platform=Platform.STAM, name="New", slug="new", actor=SYSTEM)
        named = client.get("/", base_url=STAM)

        assert 'class="index"' not in empty.text
        assert ">New</h3>" in named.text

    def test_nothing_inline_could_run(self, client, catalogue):
        answer = client.get("/", base_url=WEOKTO)

        assert "unsafe-inline" not in answer.headers["Content-Security-Policy"]
        assert not re.search(r"\sstyle=|\son\w+=|<style", answer.text)
        assert all(
            'src="' in tag or "ld+json" in tag for tag in re.findall("<script[^>]*>", answer.text)
        )


class TestNotices:
    """A page kept for everybody holds no word to one reader."""

    @pytest.fixture
    def keeping(self, app):
        """The cache keeps for the length of the test, as it does outside tests."""
        front = app.extensions["rendered"]
        front.keep_seconds = 60.0
        yield front
        front.keep_seconds = 0.0
        front.pages.clear()
        front.texts.clear()

    @pytest.mark.parametrize("path", ["/", "/legal/cgv", "/p/academy-ouverte"])
    def test_wait_for_a_page_of_the_readers_own(self, app, client, catalogue, keeping, path):
        ada, eve = Visitor(app), Visitor(app)
        for each in (ada, eve):
            each.browser.set_cookie("lang", "en", domain="weokto.localhost")
        ada.sign_in("ada@example.org")
        eve.sign_in("eve@example.org")
        ada.post("/settings/data/delete", form="/settings/data/delete")
        ada.post("/settings/data/keep", form="/settings/data")

        shown = [ada.get(path).text, eve.get(path).text]

        assert [page for page in shown if STAYS in page] == []
        assert STAYS in ada.get("/profile").text
        assert STAYS not in eve.get("/profile").text


class TestSalesPages:
    def test_every_seeded_product_has_one_with_its_price(self, client, catalogue):
        page = client.get("/p/cercle-createurs", base_url=STAM)

        product = described(page.text)["Product"]
        assert [offer["price"] for offer in product["offers"]] == ["29.00", "290.00"]
        assert "BreadcrumbList" in described(page.text)

    def test_of_the_other_platform_is_not_here(self, client, catalogue):
        assert client.get("/p/cercle-createurs", base_url=WEOKTO).status_code == 404

    def test_an_unknown_one_is_not_here(self, client, catalogue):
        assert client.get("/p/nothing", base_url=STAM).status_code == 404


class TestLanguage:
    def test_the_browser_is_asked_and_french_is_the_default(self, client):
        assert '<html lang="fr">' in client.get("/legal/cgv").text
        english = client.get("/legal/cgv", headers={"Accept-Language": "en-GB,en;q=0.8"})
        assert '<html lang="en">' in english.text
        assert "Right of withdrawal" in english.text

    def test_the_switch_is_remembered(self, client):
        answer = client.post("/language", data={"lang": "en", "next": "/legal/cgu"})

        assert answer.status_code == 303
        assert answer.location == "/legal/cgu"
        assert '<html lang="en">' in client.get("/legal/cgu").text

    @pytest.mark.parametrize("elsewhere", ["//evil.example", "https://evil.example", "/\\evil", ""])
    def test_never_leads_to_another_site(self, client, elsewhere):
        answer = client.post("/language", data={"lang": "en", "next": elsewhere})

        assert answer.location == "/"

    def test_is_refused_from_another_site(self, client):
        answer = client.post(
            "/language", data={"lang": "en"}, headers={"Origin": "https://evil.example"}
        )

        assert answer.status_code == 403


class TestFreeProducts:
    def test_are_joined_and_speak_of_no_payment(self, client, catalogue):
        page = client.get("/p/academy-ouverte", base_url=WEOKTO).text

        assert 'href="/login?next=/choose-guild"' in page
        assert "/checkout/" not in page.replace("data-checkout", "")
        assert described(page).keys() == {"BreadcrumbList"}


class TestConsent:
    def test_is_asked_once_and_nothing_is_set_before(self, client):
        first = client.get("/legal/cgv")
        client.post("/consent", data={"choice": "no", "next": "/"})
        second = client.get("/legal/cgv")

        assert 'action="/consent"' in first.text
        assert "Set-Cookie" not in first.headers
        assert 'action="/consent"' not in second.text

    @pytest.mark.parametrize("choice", ["yes", "no"])
    def test_keeps_the_click_of_the_visit(self, client, choice):
        answer = client.post("/consent", data={"choice": choice, "next": "/", "click": "abc123"})

        assert answer.location == "/?click=abc123"
        assert "Max-Age=15724800" in answer.headers["Set-Cookie"]

    def test_may_be_taken_back_where_cookies_are_explained(self, client):
        client.post("/consent", data={"choice": "yes", "next": "/"})
        client.set_cookie("weokto_aff_ref", "abc123")

        asked = client.get("/legal/cookies")
        answer = client.post("/consent", data={"choice": "no", "next": "/legal/cookies"})

        assert asked.text.count('action="/consent"') == 1
        assert client.get_cookie("weokto_aff_ref") is None
        assert client.get_cookie("consent").value == "no"
        assert answer.location == "/legal/cookies"

    def test_another_answer_is_refused(self, client):
        assert client.post("/consent", data={"choice": "perhaps"}).status_code == 422


class TestSmallFiles:
    def test_the_site_map_lists_what_the_host_has(self, client, catalogue):
        weokto = client.get("/sitemap.xml", base_url=WEOKTO).text

        assert f"<loc>{WEOKTO}/p/academy-premium</loc>" in weokto
        assert "cercle-createurs" not in weokto

    def test_robots_know_the_site_map(self, client):
        assert f"Sitemap: {STAM}/sitemap.xml" in client.get("/robots.txt", base_url=STAM).text


class TestCheckPages:
    def test_finds_nothing_wrong_with_the_demo_s_catalogue(self, app, client, catalogue):
        assert wrong_pages(app) == []

    def test_names_the_page_and_the_button_that_is_off(self, app, client, catalogue):
        with unit_of_work() as session:
            button = (
                session.query(PaymentButton).filter_by(button_key="academy-premium-annual").one()
            )
            button.is_active = False

        wrong = wrong_pages(app)

        assert wrong == ["weokto.localhost/: no button on sale under 'academy-premium-annual'"]
