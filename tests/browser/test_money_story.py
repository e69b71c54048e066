"""One sale from its refund to its affiliate's payout: each person at a browser of their own."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.past import an_affiliate_with_money
from tests.browser.people import (
    NARROW,
    WIDE,
    buy,
    say_where_to_pay,
    sideways,
    why_newest_commission,
    withdraw,
)
from tests.browser.signing_in import link_in, sign_in_by_link
from tests.browser.test_payouts import an_owner, press

IBAN = "FR76 3000 6000 0112 3456 7890 189"
WAYS = {"fr-narrow": ("fr-FR", NARROW), "en-wide": ("en-GB", WIDE)}
PRICE = re.compile(r"45[,.]00|45\s€|€45")


@pytest.fixture(params=WAYS)
def way(request):
    return request.param


@pytest.fixture
def newcomer(somebody, way):
    """Opens browsers that speak one language at one width."""
    locale, window = WAYS[way]
    return lambda: somebody(viewport=window, locale=locale)


def asks_for_the_money_back(house, page, slug, email):
    """A client comes by a link, buys, signs in by the welcome mail and asks for a refund."""
    buy(page, f"{house.stam}/p/club-boutique?ref={slug}", "club-boutique-monthly", email)
    page.goto(link_in(house.mail(email, "/verify?token=")))
    page.locator("main form button").click()
    page.wait_for_url("**/dashboard")
    page.goto(f"{house.stam}/settings")
    page.locator('#invoices a[href$="/refund"]').click()
    page.locator("textarea").fill("Pas pour moi.")
    page.locator("main form button.button").first.click()
    page.wait_for_url("**/settings")


def opens(house, console, view, words):
    console.goto(f"{house.console}/{view}/?search={words}")
    console.locator(f"tbody a[href*='/{view}/details/']").first.click()
    console.wait_for_url(f"**/{view}/details/**")


def approves_the_refund(house, console, slug, email):
    """The owner sees what it takes from the affiliate, balance by balance, and approves."""
    opens(house, console, "refunds", email)
    console.locator("a[href*='/refunds/act/approve/']").click()
    effects = console.locator(".effects")
    expect(effects).to_contain_text(PRICE)
    expect(effects).to_contain_text(slug)
    assert sideways(console) <= 0
    press(console)
    console.wait_for_url("**/refunds/details/**")


def pays_by_file(house, console, slug):
    opens(house, console, "withdrawals", slug)
    console.locator("a[href*='/act/approve/']").click()
    press(console)
    console.wait_for_url("**/withdrawals/details/**")
    console.goto(f"{house.console}/withdrawals/?search={slug}&flt_status=APPROVED")
    console.locator("tbody input[name=rowid]").check()
    console.locator("select[name=action]").select_option("make-file")
    console.locator(".bulk button").click()
    press(console)
    expect(console.locator(".effects")).to_be_visible()
    press(console)
    console.wait_for_url("**/sepa-batches/details/**")
    with console.expect_download() as saved:
        console.locator("a[href*='/sepa-batches/file/']").click()
    assert saved.value.suggested_filename.endswith(".xml")
    console.locator("a[href*='/act/settle/']").click()
    console.locator("[name=reference]").fill(f"RELEVE-{slug}")
    press(console)
    expect(console.locator(".effects")).to_be_visible()
    press(console)
    console.wait_for_url("**/sepa-batches/details/**")


def test_from_a_refund_to_a_payout(house, newcomer, way, email):
    slug = f"ines-{way}"
    affiliate_email = an_affiliate_with_money(house, slug)
    asks_for_the_money_back(house, newcomer().page, slug, email)
    console = newcomer().page
    an_owner(house, console, f"chief-{way}")
    approves_the_refund(house, console, slug, email)
    assert "45" in house.mail(email, "AV-")["text"]

    affiliate = newcomer().page
    sign_in_by_link(house, affiliate, affiliate_email)
    facts = why_newest_commission(affiliate, house.weokto)
    expect(affiliate.locator(".fact-clawback_from_extended")).to_be_visible()
    expect(facts.first).to_be_visible()
    assert sideways(affiliate) <= 0
    say_where_to_pay(affiliate, house.weokto, "Inès Martin", IBAN)
    withdraw(affiliate, house.weokto, "100")

    pays_by_file(house, console, slug)
    house.mail(affiliate_email, f"RELEVE-{slug}")
    affiliate.goto(f"{house.weokto}/affiliate/payouts")
    expect(affiliate.locator("tbody tr")).to_contain_text(f"RELEVE-{slug}")
    affiliate.goto(f"{house.weokto}/affiliate/ledger")
    assert affiliate.locator("tbody tr").count() >= 5
    assert sideways(affiliate) <= 0
