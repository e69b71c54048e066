"""Money back, by the owner's hands: seen first, granted, and mailed with its credit note."""

import re

from playwright.sync_api import expect

from tests.browser.people import NARROW, buy, leaving, sideways


def find(console, house, view, words):
    """Open the first record that a list finds."""
    console.goto(f"{house.console}/{view}/?search={words}")
    with leaving(console):
        console.locator(f"tbody a[href*='/{view}/details/']").first.click()


class TestRefund:
    def test_the_owner_sees_what_it_does_then_gives_it_back(self, house, owner, page, email):
        buy(page, f"{house.stam}/p/club-boutique", "club-boutique-monthly", email)
        number = re.search(r"WS-\d{4}-\d{6}", house.mail(email, "WS-")["text"])[0]
        console = owner.page

        find(console, house, "invoices", number)
        console.locator("a[href*='/invoices/act/refund/']").click()
        console.locator("[name=amount]").fill("10")
        console.locator("[name=reason]").fill("Geste commercial")
        console.locator("form.sheet button.button").click()
        expect(console.locator(".effects")).to_contain_text("10,00")
        with leaving(console):
            console.locator("form.sheet button.button").click()

        mail = house.mail(email, "AV-")
        assert "10,00" in mail["text"]
        assert mail["attachments"][0]["filename"].startswith("AV-")
        find(console, house, "refunds", number)
        expect(console.locator("main")).to_contain_text("Geste commercial")

    def test_the_queue_fits_a_telephone(self, house, owner):
        console = owner.page
        console.set_viewport_size(NARROW)
        for view in ("refunds", "credit-notes"):
            console.goto(f"{house.console}/{view}/")
            assert sideways(console) <= 0
