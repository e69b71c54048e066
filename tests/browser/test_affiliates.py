"""An affiliate's link followed to a purchase, whatever is answered about the cookie."""

import pytest
from playwright.sync_api import expect

from tests.browser.people import begin, leaving, type_card

KEY = "club-boutique-monthly"
EARNED = "9,38"


def follow(page, address, answer):
    """Come by an affiliate's link, answer the question about the cookie, and wander."""
    page.goto(address)
    if answer:
        with leaving(page):
            page.locator(f'.consent button[value="{answer}"]').click()
        expect(page.locator(".consent")).to_have_count(0)


def buy_here(page, email):
    page.locator(f'a[data-payment-button="{KEY}"]').first.click()
    panel = page.locator("dialog [data-checkout]")
    begin(panel, email)
    type_card(panel)
    page.wait_for_url("**/welcome*")


def kept(person):
    return [each for each in person.context.cookies() if each["name"] == "weokto_aff_ref"]


@pytest.mark.parametrize(
    ("affiliate", "answer", "cookies"), [("alice", "yes", 1), ("ines", "no", 0), ("salome", "", 0)]
)
def test_a_purchase_in_the_same_visit_earns(house, somebody, email, affiliate, answer, cookies):
    person = somebody()
    follow(person.page, f"{house.stam}/?ref={affiliate}", answer)
    with leaving(person.page):
        person.page.locator('a[href*="/p/club-boutique"]').first.click()
    buy_here(person.page, email)

    assert len(kept(person)) == cookies
    assert EARNED in house.mail(f"{affiliate}@example.org", EARNED)["text"]


def test_with_consent_it_earns_on_a_later_visit(house, somebody, email):
    person = somebody()
    follow(person.page, f"{house.stam}/?ref=karim", "yes")
    before = len(house.mails("karim@example.org"))

    later = person.context.new_page()
    later.goto(f"{house.stam}/p/club-boutique")
    buy_here(later, email)

    assert house.mail(email, "WS-")
    assert house.more_mails("karim@example.org", before)
