"""A client at home: cancels and takes it back, switches plan, gives another card after a refused
one, downloads the invoice, asks for the money back; on a phone and a desk, in both languages."""

import pytest
from playwright.sync_api import expect

from tests.browser.people import (
    DECLINED,
    NARROW,
    WIDE,
    buy,
    leaving,
    see_the_result,
    sideways,
    type_card,
)
from tests.browser.signing_in import link_in

MONTHLY = "club-boutique-monthly"
LANGUAGES = {"fr": "fr-FR", "en": "en-GB"}
PEOPLE = {"fr-narrow": ("fr-FR", NARROW), "en-wide": ("en-GB", WIDE)}
"""French words are the longer ones, so they go on the phone."""


def signed_in_buyer(house, page, email):
    """Buy, come in by the welcome mail's link, and go to the settings."""
    buy(page, f"{house.stam}/p/club-boutique", MONTHLY, email)
    page.goto(link_in(house.mail(email, "/verify?token=")))
    page.locator("main form button").click()
    page.wait_for_url("**/dashboard")
    page.goto(f"{house.stam}/settings")


def purchase(page):
    return page.locator("article.purchase")


def press(page, address_part):
    """Follow the purchase's link whose address holds a word."""
    with leaving(page):
        purchase(page).locator(f'a[href*="{address_part}"]').first.click()


def confirm(page):
    with leaving(page):
        page.locator("main form button.button").first.click()


def ask_money_back(page):
    """Follow the first invoice's link to the page that asks for its money back."""
    with leaving(page):
        page.locator('#invoices a[href$="/refund"]').click()


@pytest.fixture(params=LANGUAGES)
def language(request):
    return LANGUAGES[request.param]


@pytest.fixture(params=PEOPLE)
def person(somebody, request):
    locale, window = PEOPLE[request.param]
    return somebody(viewport=window, locale=locale)


class TestAtHome:
    def test_cancels_and_takes_it_back(self, house, person, email):
        page = person.page
        signed_in_buyer(house, page, email)
        assert sideways(page) <= 0
        press(page, "/cancel")
        assert sideways(page) <= 0
        confirm(page)
        page.wait_for_url("**/settings")
        expect(page.locator("[role=status]").first).to_be_visible()
        expect(purchase(page).locator('a[href$="/cancel"]')).to_have_count(0)

        purchase(page).locator('form[action$="/undo"] button').click()

        expect(purchase(page).locator('a[href$="/cancel"]')).to_be_visible()
        assert sideways(page) <= 0

    def test_gives_another_card_after_a_refused_one(self, house, person, email):
        page = person.page
        signed_in_buyer(house, page, email)
        before = len(house.charges())
        press(page, "/settings/card/")
        confirm(page)
        page.wait_for_url("**/checkout/pay/*")
        panel = page.locator("[data-checkout]")
        type_card(panel, DECLINED)
        expect(panel.locator('[data-when="declined"]')).to_be_visible()
        assert sideways(page) <= 0

        panel.locator("[data-again] button").click()
        type_card(panel)

        page.wait_for_url("**/settings*")
        expect(purchase(page)).to_contain_text("4242")
        assert len(house.charges()) == before, "another card costs nothing"

    def test_downloads_the_invoice_and_asks_for_the_money_back(self, house, person, email):
        page = person.page
        signed_in_buyer(house, page, email)
        with page.expect_download() as download:
            page.locator('#invoices a[href$="/pdf"]').first.click()
        assert download.value.suggested_filename.startswith("WS-")
        ask_money_back(page)
        assert sideways(page) <= 0
        person.expects(422)
        page.locator("textarea").fill("   ")
        confirm(page)
        expect(page.locator("#refund-problem")).to_be_visible()
        with leaving(page):
            page.locator('main a[href^="/settings#"]').first.click()
        ask_money_back(page)
        page.locator("textarea").fill("Ce n'est pas pour moi.")
        confirm(page)

        page.wait_for_url("**/settings")
        expect(page.locator('#invoices a[href$="/refund"]')).to_have_count(0)
        page.go_back()
        expect(page.locator("h1")).to_be_visible()
        page.reload()
        expect(page.locator("textarea")).to_have_count(0)

    def test_withdraws_and_gets_a_dated_receipt(self, house, person, email):
        page = person.page
        signed_in_buyer(house, page, email)
        press(page, "/withdraw")
        assert sideways(page) <= 0
        confirm(page)

        page.wait_for_url("**/settings")
        assert "45" in house.mail(email, "14")["text"]
        expect(purchase(page).locator('a[href$="/withdraw"]')).to_have_count(0)


class TestSwitching:
    def test_to_a_quarterly_plan_costs_what_was_shown(self, house, person, email):
        page = person.page
        signed_in_buyer(house, page, email)
        before = len(house.charges())
        press(page, "/switch")
        assert sideways(page) <= 0
        with leaving(page):
            page.locator('main a[href*="/switch/"]').first.click()
        assert sideways(page) <= 0
        shown = int(page.locator("[data-charge]").get_attribute("data-charge"))
        confirm(page)

        page.wait_for_url("**/settings")
        charges = house.charges()
        assert len(charges) == before + 1
        assert charges[0]["amount"] == shown


class TestWithoutScripts:
    def test_a_card_is_changed_all_the_same(self, house, somebody, email):
        page = somebody(java_script_enabled=True).page
        signed_in_buyer(house, page, email)
        state = page.context.storage_state()
        person = somebody(java_script_enabled=False, storage_state=state)
        page = person.page
        page.goto(f"{house.stam}/settings")
        press(page, "/settings/card/")
        confirm(page)
        panel = page.locator("[data-checkout]")
        type_card(panel)
        expect(panel.frame_locator("[data-vault]").locator("[data-token]")).to_be_visible()
        see_the_result(page)

        done = page.locator('[data-when="done"]:not([hidden])')
        expect(done.or_(purchase(page))).to_be_visible()


class TestWithoutSigningIn:
    def test_a_contract_ends_in_three_clicks(self, house, somebody, email, language):
        page = somebody(locale=language).page
        buy(page, f"{house.stam}/p/club-boutique", MONTHLY, email)
        page.goto(f"{house.stam}/")
        for press in ('.consent button[value="no"]', 'footer a[href="/resilier"]'):
            with leaving(page):
                page.locator(press).click()
        page.locator("#cancel-email").fill(email)
        page.locator("main form button").click()
        page.wait_for_url("**/resilier/envoye")
        mail = house.mail(email, "/resilier/contrats")
        page.goto(next(it for it in mail["text"].split() if "/resilier/contrats" in it))
        assert sideways(page) <= 0

        page.locator("main form button").click()

        expect(page.locator(".notice-good")).to_be_visible()
        expect(page.locator("main form button")).to_have_count(0)
