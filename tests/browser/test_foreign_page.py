"""The snippet on a page of somebody else's site."""

import pytest
from flask import Flask
from playwright.sync_api import expect

from tests.browser.people import DECLINED, NARROW, begin, sideways, type_card
from tests.running_sandbox import serving

KEY = "club-boutique-monthly"
PAGE = """<!doctype html><html lang="fr"><head><meta charset="utf-8"><title>Mon blog</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"></head>
<body><h1>Mon blog</h1>
<script src="{address}/embed.js" data-payment-button="{key}" {more} async></script></body></html>"""


@pytest.fixture
def blog(house):
    """A page of another origin with the snippet in it."""
    app = Flask("blog")

    @app.get("/<key>")
    def show(key):
        return PAGE.format(address=house.stam, key=key, more="")

    @app.get("/old/<key>")
    def show_old(key):
        link = f'<p><a href="{house.stam}/checkout/{key}">45 €</a></p>'
        page = PAGE.format(address=house.stam, key=key, more='data-price="44,90 €"')
        return page.replace("<script", f"{link}<script", 1)

    with serving(app) as address:
        yield address


def test_buys_over_the_page_and_ends_on_ours(house, blog, page, email):
    page.goto(f"{blog}/{KEY}")
    page.get_by_role("link", name="S’inscrire").click()
    panel = page.frame_locator("dialog iframe").locator("[data-checkout]")
    begin(panel, email)
    type_card(panel, DECLINED)
    panel.locator('[data-when="declined"] [data-again] button').click()
    type_card(panel)
    page.wait_for_url(f"{house.stam}/welcome*")

    assert "45,00" in house.mail(email, "WS-")["text"]


def test_an_affiliate_named_in_the_page_s_address_earns(house, blog, page, email):
    page.goto(f"{blog}/{KEY}?ref=hugo-ventes")
    page.get_by_role("link", name="S’inscrire").click()
    panel = page.frame_locator("dialog iframe").locator("[data-checkout]")
    begin(panel, email)
    type_card(panel)
    page.wait_for_url(f"{house.stam}/welcome*")

    assert "9,38" in house.mail("hugo@example.org", "9,38")["text"]


def test_closing_it_leaves_the_page_as_it_was(house, blog, page):
    page.goto(f"{blog}/{KEY}")
    page.get_by_role("link", name="S’inscrire").click()
    expect(page.locator("dialog iframe")).to_be_visible()

    page.get_by_role("button", name="Fermer").click()

    expect(page.locator("dialog")).to_have_count(0)
    assert page.url == f"{blog}/{KEY}"


def test_a_button_that_is_not_on_sale_disappears(blog, somebody):
    person = somebody()
    person.expects(404)
    with person.page.expect_response(lambda answer: answer.status == 404):
        person.page.goto(f"{blog}/no-such-button")

    expect(person.page.get_by_role("link")).to_have_count(0)


def test_the_owner_sees_which_page_tells_an_old_price_and_loses_the_affiliate(
    house, blog, page, owner
):
    for address in (f"{blog}/{KEY}", f"{blog}/old/{KEY}?ref=hugo-ventes"):
        with page.expect_response("**/button-seen") as answer:
            page.goto(address)
        assert answer.value.status == 204

    console = owner.page
    console.goto(f"{house.console}/buttons/?search={KEY}")
    console.locator("tbody a[href*='/buttons/details/']").first.click()
    old = console.locator("tr", has_text=f"{blog}/old/{KEY}")
    expect(old).to_contain_text("44,90")
    expect(old.locator(".badge.bad")).to_have_text(["Affiche un autre prix", "Perd ?ref="])
    fine = console.locator("tr").filter(has=console.get_by_text(f"{blog}/{KEY}", exact=True))
    expect(fine).to_contain_text("affiché par nous")
    expect(fine.locator(".badge.bad")).to_have_count(0)
    console.set_viewport_size(NARROW)
    assert sideways(console) == 0
