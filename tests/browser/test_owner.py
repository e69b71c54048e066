"""What a sale leaves in the owner's console, within a second or two of the payment."""

import re
import time
from contextlib import closing

import pytest
from playwright.sync_api import expect

from tests.browser.people import Person, buy

SECONDS_TO_BE_SEEN = 2
SEEN = {
    "customers/?search={email}": ("Club Boutique", "Actif"),
    "invoices/?search={email}": ("WS-2026-", "45,00 €", "Payée"),
    "attempts/?search={email}": ("45,00 €", "Réussie"),
    "commissions/?search={email}": ("karim", "9,38 €"),
    "attributions/?search={email}": ("karim",),
}


def _words(page, address):
    page.goto(address)
    return " ".join(page.locator("main").inner_text().split())


@pytest.fixture(scope="module")
def sold(house, browser):
    """The address of somebody who bought through an affiliate's link."""
    with closing(browser.new_context(locale="fr-FR")) as context:
        return _sell(house, Person(context).page, "tour@example.org")


def _sell(house, page, email):
    buy(page, f"{house.stam}/p/club-boutique?ref=karim", "club-boutique-monthly", email)
    return email


class TestAfterASale:
    def test_the_owner_sees_it_within_two_seconds(self, house, owner, page, email):
        _sell(house, page, email)
        paid_at = time.monotonic()
        while email not in _words(owner.page, f"{house.console}/commissions/?search={email}"):
            assert time.monotonic() < paid_at + SECONDS_TO_BE_SEEN
        for address, words in SEEN.items():
            shown = _words(owner.page, f"{house.console}/{address.format(email=email)}")
            for word in words:
                assert word in shown

    def test_the_invoice_leads_to_its_lines_and_history(self, house, owner, sold):
        page = owner.page
        page.goto(f"{house.console}/invoices/?search={sold}")
        page.locator("tbody a", has_text="WS-").first.click()
        expect(page.locator("main")).to_contain_text("37,50")
        expect(page.locator("main")).to_contain_text("Facture payée")

    def test_the_commission_explains_itself_and_stands_in_the_ledger(self, house, owner, sold):
        page = owner.page
        page.goto(f"{house.console}/invoices/?search={sold}")
        number = re.search(r"WS-\d+-\d+", page.locator("tbody").inner_text())[0]
        page.goto(f"{house.console}/commissions/?search={sold}")
        page.locator("tbody tr").first.locator("a").first.click()
        expect(page.locator("main")).to_contain_text("25")
        page.goto(f"{house.console}/transfers/")
        row = page.locator("tbody tr", has_text=number)
        expect(row).to_contain_text("karim")
        row.locator("a").first.click()
        expect(page.locator("main")).to_contain_text("Bloqué")
        expect(page.locator("main")).to_contain_text("9,38 €")

    def test_the_audit_trail_and_the_mails_tell_it(self, house, owner, sold):
        page = owner.page
        assert house.mail(sold, "WS-")
        assert "Votre reçu WS-" in _words(page, f"{house.console}/mails/?search={sold}")
        page.goto(f"{house.console}/audit/")
        for words in ("Facture payée", "Achat conclu", "Commission gagnée", "Commande commencée"):
            expect(page.locator("tbody")).to_contain_text(words)

    def test_searching_everywhere_finds_the_buyer(self, house, owner, sold):
        page = owner.page
        page.goto(f"{house.console}/")
        page.keyboard.press("/")
        page.keyboard.type(sold)
        page.keyboard.press("Enter")
        page.wait_for_url("**/search/**")
        expect(page.locator("main")).to_contain_text(sold)
