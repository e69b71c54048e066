"""The owner sells something new: three steps on one page, a snippet, and a checkout that opens."""

from playwright.sync_api import expect

from tests.browser.people import NARROW, WIDE, sideways


def _typed(page, name, words):
    page.locator(f"[name={name}]").fill(words)


def _shows(page, name, words):
    expect(page.locator(f"[name={name}]")).to_have_value(words)


def test_something_new_is_on_sale_in_one_go(house, owner, page):
    console = owner.page
    console.goto(f"{house.console}/")
    console.get_by_role("link", name="Nouvelle offre").click()

    console.locator("[name=product-community]").select_option(index=1)
    _typed(console, "product-name", "L’Œuvre élégante")
    _typed(console, "plan-name", "Mensuel")
    _typed(console, "plan-price_amount", "49,90")
    _shows(console, "product-slug", "l-oeuvre-elegante")
    _shows(console, "plan-slug", "l-oeuvre-elegante-mensuel")
    _shows(console, "button-display_name", "L’Œuvre élégante · Mensuel")
    _shows(console, "plan-commission_percent", "30")
    _typed(console, "button-button_key", "oeuvre")
    _typed(console, "plan-name", "Au mois")
    _shows(console, "plan-slug", "l-oeuvre-elegante-au-mois")
    _shows(console, "button-button_key", "oeuvre")  # what was typed stays

    for window in (NARROW, WIDE):
        console.set_viewport_size(window)
        assert sideways(console) == 0
    console.get_by_role("button", name="Mettre en vente").click()
    expect(console.locator("main")).to_contain_text('data-payment-button="oeuvre"')

    page.goto(f"{house.stam}/checkout/oeuvre")
    expect(page.locator("main")).to_contain_text("49,90")


def test_a_product_there_is_needs_no_description(house, owner):
    page = owner.page
    owner.expects(422)
    page.goto(f"{house.console}/new-sellable/")
    page.locator("[name=product-existing]").select_option(index=1)
    expect(page.locator("[name=product-name]")).to_be_hidden()
    known = page.locator("[name=product-existing] option:checked").get_attribute("data-slug")
    _typed(page, "plan-name", "À vie")
    _shows(page, "plan-slug", f"{known}-a-vie")
    _typed(page, "plan-price_amount", "beaucoup")
    page.get_by_role("button", name="Mettre en vente").click()
    told = page.locator("#plan-price_amount-told")
    expect(told).to_have_text("Saisissez un montant en euros, comme 49 ou 49,90.")
    _shows(page, "plan-price_amount", "beaucoup")
    _shows(page, "plan-slug", f"{known}-a-vie")
