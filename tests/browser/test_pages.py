"""Every page in a real browser, wide and narrow: no error, no refusal, nothing cut off."""

import pytest

from tests.browser.people import NARROW, WIDE, sideways

VISITED = {
    "weokto": (
        "/",
        "/p/academy-premium",
        "/p/tbcb-inner-circle",
        "/checkout/tbcb-inner-circle-monthly",
        "/login",
        "/welcome",
        "/cancelled",
        "/legal/cgv",
        "/legal/mentions-legales",
    ),
    "stam": (
        "/",
        "/p/cercle-createurs",
        "/p/club-boutique",
        "/p/atelier-automatisation",
        "/checkout/cercle-createurs-monthly",
        "/login",
        "/welcome",
        "/legal/confidentialite",
    ),
}


def cut_off(page, address):
    """Open a page, scroll through it, and make its window narrow; says where it did not fit."""
    page.goto(address)
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    found = []
    for window in (NARROW, WIDE):
        page.set_viewport_size(window)
        if sideways(page) > 0:
            found.append(f"{address} at {window['width']}: {sideways(page)} px too wide")
    return found


@pytest.mark.parametrize("site", VISITED)
def test_public_ones_fit(house, page, site):
    wrong = []
    for path in VISITED[site]:
        wrong += cut_off(page, f"{getattr(house, site)}{path}")
    page.wait_for_load_state("networkidle")
    assert wrong == []


def test_those_of_the_console_fit(house, owner):
    """Every list of the menu, and the first record of each that has one."""
    page = owner.page
    page.goto(f"{house.console}/")
    links = page.locator("nav.side a").evaluate_all("all => all.map(each => each.href)")
    wrong = []
    for address in links:
        wrong += cut_off(page, address)
        record = page.locator("tbody a[href*='/details/']").first
        if record.count():
            wrong += cut_off(page, record.evaluate("link => link.href"))
    page.wait_for_load_state("networkidle")
    assert len(links) > 20
    assert wrong == []
