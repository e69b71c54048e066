"""The affiliate's own pages in a browser: wide and narrow, in both languages."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.past import an_affiliate_with_money
from tests.browser.people import (
    NARROW,
    WIDE,
    buy,
    leaving,
    say_where_to_pay,
    sideways,
    why_newest_commission,
    withdraw,
)
from tests.browser.signing_in import sign_in_by_link

IBAN = "FR76 3000 6000 0112 3456 7890 189"
PATHS = (
    "/home",
    "/choose-guild",
    "/profile",
    "/settings",
    "/affiliate/dashboard",
    "/affiliate/commissions",
    "/affiliate/ledger",
    "/affiliate/payouts",
    "/affiliate/payouts/details",
    "/affiliate/boost",
)
AMOUNTS = {
    "fr": {"clawed": r"41,67\s€", "fee": r"3,00\s€", "net": r"97,00\s€", "left": r"66,66\s€"},
    "en": {"clawed": "€41.67", "fee": "€3.00", "net": "€97.00", "left": "€66.66"},
}


def speak(page, language):
    with leaving(page):
        page.locator(f'.top button[value="{language}"]').click()
    expect(page.locator("html")).to_have_attribute("lang", language)


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("window", [WIDE, NARROW], ids=["wide", "narrow"])
def test_a_clawback_is_explained_and_money_asked_for(house, somebody, window, language):
    name = f"sadia-{language}-{window['width']}"
    email = an_affiliate_with_money(house, name)
    person = somebody(viewport=window)
    page = person.page
    sign_in_by_link(house, page, email)
    page.goto(f"{house.weokto}/affiliate/dashboard")
    speak(page, language)
    words = {kind: re.compile(text) for kind, text in AMOUNTS[language].items()}

    facts = why_newest_commission(page, house.weokto)
    expect(facts.filter(has_text=words["clawed"]).first).to_be_visible()
    expect(page.locator(".fact-clawback_from_extended")).to_be_visible()
    expect(page.locator(".fact-clawback_from_main")).to_be_visible()
    assert sideways(page) <= 0

    say_where_to_pay(page, house.weokto, "Sadia Lee", IBAN)
    page.locator("#amount").fill("100")
    page.locator('form[action="/affiliate/payouts/ask"] button').click()
    for kind in ("fee", "net", "left"):
        expect(page.locator("main")).to_contain_text(words[kind])
    assert sideways(page) <= 0
    page.go_back()
    withdraw(page, house.weokto, "100")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody tr")).to_contain_text(words["net"])

    person.expects(422)
    page.go_back()  # to the preview, which finds that so much is no longer there
    expect(page.locator("#amount-problem")).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(1)


def test_every_page_fits_and_the_menu_leads_to_each(house, somebody):
    email = an_affiliate_with_money(house, "farid")
    page = somebody().page
    sign_in_by_link(house, page, email)
    wrong = []
    for path in PATHS:
        for window in (WIDE, NARROW):
            page.set_viewport_size(window)
            page.goto(f"{house.weokto}{path}")
            page.wait_for_load_state("networkidle")
            if sideways(page) > 0:
                wrong.append(f"{path} at {window['width']}: {sideways(page)} px too wide")
    assert wrong == []

    page.locator(".menu-opener").click()
    page.locator("#menu a[href='/affiliate/ledger']").click()
    page.wait_for_url("**/affiliate/ledger")
    expect(page.locator("#menu a[aria-current=page]")).to_have_attribute(
        "href", "/affiliate/ledger"
    )


def test_a_link_is_made_copied_and_drawn(house, somebody):
    email = an_affiliate_with_money(house, "lina")
    person = somebody(permissions=["clipboard-read", "clipboard-write"])
    page = person.page
    sign_in_by_link(house, page, email)
    page.goto(f"{house.weokto}/affiliate/dashboard")
    page.locator("#page").select_option("p/club-boutique")
    page.locator("#campaign").fill("Été")
    page.locator("#links form button").click()
    made = f"{house.stam}/p/club-boutique?ref=lina&campaign=%C3%89t%C3%A9"
    expect(page.locator("#link")).to_have_value(made)
    page.locator("[data-copy]").click()
    assert page.evaluate("navigator.clipboard.readText()") == made
    drawn = page.locator(".qr")
    drawn.scroll_into_view_if_needed()
    assert drawn.evaluate("image => image.complete && image.naturalWidth > 0")
    with page.expect_download() as saved:
        page.locator('a[href*="qr.png"]').click()
    assert saved.value.suggested_filename == "weokto-lina.png"


def test_one_press_makes_an_affiliate(house, somebody, email):
    person = somebody(viewport=NARROW)
    page = person.page
    sign_in_by_link(house, page, email)
    page.goto(f"{house.weokto}/home")
    slug = email.partition("@")[0]
    page.locator("#slug").fill(slug)
    page.locator("[name=accepts_terms]").check()
    page.locator("#become button").click()
    page.wait_for_url("**/affiliate/dashboard")
    expect(page.locator("#link")).to_have_value(re.compile(rf"ref={slug}"))


def test_a_mail_one_can_do_without_is_switched_off_and_on_again(house, somebody, email):
    slug = email.partition("@")[0]
    affiliate = an_affiliate_with_money(house, slug)
    page = somebody(viewport=NARROW).page
    sign_in_by_link(house, page, affiliate)
    sold = "Le Club Boutique"

    def choose(each_sale):
        page.goto(f"{house.weokto}/settings")
        page.locator("#mails [value=SALES]").set_checked(each_sale)
        with leaving(page):
            page.locator("#mails button").click()
        expect(page.locator("[role=status]").first).to_be_visible()
        page.reload()
        expect(page.locator("#mails [value=SALES]")).to_be_checked(checked=each_sale)
        expect(page.locator("#mails [value=DIGEST]")).to_be_checked()
        assert sideways(page) <= 0

    def sell(to):
        address = f"{house.stam}/p/club-boutique?ref={slug}"
        buy(somebody().page, address, "club-boutique-monthly", f"{to}.{email}")
        house.mail(f"{to}.{email}", "/verify?token=")

    choose(each_sale=False)
    sell("silent")
    choose(each_sale=True)
    sell("told")
    house.mail(affiliate, sold)

    assert len([mail for mail in house.mails(affiliate) if sold in mail["text"]]) == 1
