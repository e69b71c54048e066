"""The owner pays by the bank's file: approves, makes it, downloads it, settles it, line by line."""

import re

import pytest
from playwright.sync_api import expect

from models import clock
from models.accounts import UserType, user_by_email
from models.accounts.platform import Platform
from models.affiliation import PayoutMethod
from models.affiliation.payouts.ask_withdrawal import ask_withdrawal
from models.affiliation.payouts.edit_payout_details import edit_payout_details
from models.oversight import SYSTEM
from models.session import unit_of_work
from tests.browser.past import an_affiliate_with_money, in_the_house
from tests.browser.people import NARROW, WIDE, sideways
from tests.browser.signing_in import enrol, sign_in_by_link
from tests.factories import Make

IBAN = "FR7630006000011234567890189"


def who_asks(house, name):
    """An affiliate who has just asked for 100.00 €; gives their address."""
    email = an_affiliate_with_money(house, name)
    with in_the_house(house), unit_of_work() as session:
        key = user_by_email(session, Platform.WEOKTO, email).id
        edit_payout_details(
            session, key, method=PayoutMethod.WIRE, holder="Zoé Ampère", iban=IBAN, actor=SYSTEM
        )
        ask_withdrawal(session, key, 10_000, actor=SYSTEM, now=clock.now())
    return email


def an_owner(house, page, name):
    """Another owner, whose second factor is fresh."""
    with in_the_house(house), unit_of_work() as session:
        email = Make(session).staff(UserType.OWNER, email=f"{name}@example.org").email
    sign_in_by_link(house, page, email)
    enrol(page)
    page.wait_for_url(f"{house.console}/")


def press(page):
    """Send the page's form."""
    page.locator("main form.sheet p.buttons button").click()


def amount(text):
    return re.compile(text.replace(" ", r"\s"))


@pytest.mark.parametrize("window", [WIDE, NARROW], ids=["wide", "narrow"])
def test_pays_two_affiliates_by_a_file_one_of_which_bounces(house, somebody, window):
    names = [f"{name}-{window['width']}" for name in ("nora", "omar")]
    emails = [who_asks(house, name) for name in names]
    page = somebody(viewport=window).page
    an_owner(house, page, f"boss-{window['width']}")

    for name in names:
        page.goto(f"{house.console}/withdrawals/?search={name}")
        page.locator("tbody a[href*='/withdrawals/details/']").first.click()
        page.locator("a[href*='/act/approve/']").click()
        expect(page.locator(".effects")).to_contain_text(amount("100,00 €"))
        assert sideways(page) <= 0
        press(page)
        page.wait_for_url("**/withdrawals/details/**")

    page.goto(f"{house.console}/withdrawals/?search={window['width']}&flt_status=APPROVED")
    for row in page.locator("tbody input[name=rowid]").all():
        row.check()
    page.locator("select[name=action]").select_option("make-file")
    page.locator(".bulk button").click()
    press(page)
    expect(page.locator(".effects")).to_be_visible()
    assert sideways(page) <= 0
    press(page)
    page.wait_for_url("**/sepa-batches/details/**")
    expect(page.locator("main")).to_contain_text(amount("194,00 €"))
    with page.expect_download() as saved:
        page.locator("a[href*='/sepa-batches/file/']").click()
    assert saved.value.suggested_filename.endswith(".xml")

    page.locator("a[href*='/act/settle/']").click()
    page.locator("[name=reference]").fill("RELEVE-3")
    page.locator(".field", has_text=names[1]).locator("input").fill("AC01 compte clos")
    press(page)
    expect(page.locator(".effects")).to_contain_text("RELEVE-3")
    assert sideways(page) <= 0
    press(page)
    page.wait_for_url("**/sepa-batches/details/**")

    house.mail(emails[0], "RELEVE-3")
    house.mail(emails[1], "AC01 compte clos")
    affiliate = somebody(viewport=window).page
    sign_in_by_link(house, affiliate, emails[0])
    affiliate.goto(f"{house.weokto}/affiliate/payouts")
    expect(affiliate.locator("tbody tr")).to_contain_text(amount("97,00 €"))
    expect(affiliate.locator("tbody tr")).to_contain_text("RELEVE-3")
