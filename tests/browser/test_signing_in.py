"""Signing in and out over the page, and the two languages."""

import pytest
from playwright.sync_api import expect

from tests.browser.signing_in import code_in, link_in


@pytest.mark.parametrize(("site", "home"), [("weokto", "choose-guild"), ("stam", "dashboard")])
def test_by_the_code_of_the_mail(house, page, email, site, home):
    page.goto(getattr(house, site))
    page.locator("a[data-sign-in]").first.click()
    form = page.locator("dialog [data-sign-in-form]")
    form.locator("[name=email]").fill(email)
    form.locator('[data-step="email"] button[type=submit]').click()
    form.locator("[name=code]").fill(code_in(house.mail(email, "/verify?token=")))
    form.locator('[data-step="code"] button[type=submit]').click()
    page.wait_for_url(f"**/{home}")

    page.goto(f"{getattr(house, site)}/dashboard" if site == "stam" else f"{house.weokto}/home")
    page.locator('form[action="/logout"] button').click()
    page.wait_for_url(f"{getattr(house, site)}/")
    expect(page.locator("a[data-sign-in]").first).to_be_visible()


def test_a_wrong_code_is_said_and_the_right_one_still_works(house, somebody, email):
    person = somebody()
    person.expects(400, 422)
    page = person.page
    page.goto(house.stam)
    page.locator("a[data-sign-in]").first.click()
    form = page.locator("dialog [data-sign-in-form]")
    form.locator("[name=email]").fill(email)
    form.locator('[data-step="email"] button[type=submit]').click()
    code = code_in(house.mail(email, "/verify?token="))
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    form.locator("[name=code]").fill(wrong)
    form.locator('[data-step="code"] button[type=submit]').click()
    expect(form.locator('[data-step="code"] [data-problem]')).to_be_visible()

    form.locator("[name=code]").fill(code)
    form.locator('[data-step="code"] button[type=submit]').click()
    page.wait_for_url("**/dashboard")


def test_a_link_works_once(house, somebody, email):
    person = somebody()
    page = person.page
    page.goto(f"{house.stam}/login")
    page.locator("#sign-in-email").fill(email)
    page.locator('[data-step="email"] button').click()
    page.wait_for_url("**/verify-otp")
    link = link_in(house.mail(email, "/verify?token="))
    page.goto(link)
    page.locator("main form button").click()
    page.wait_for_url("**/dashboard")

    other = somebody()
    other.expects(400, 410, 422)
    other.page.goto(link)
    expect(other.page.locator("h1")).to_contain_text("ne fonctionne plus")


class TestLanguages:
    def test_english_stands_beside_french(self, house, page):
        page.goto(f"{house.stam}/")
        expect(page.locator("html")).to_have_attribute("lang", "fr")
        page.locator('.language button[value="en"]').first.click()
        expect(page.locator("html")).to_have_attribute("lang", "en")
        page.locator("a[data-sign-in]").first.click()
        expect(page.locator("dialog h1")).to_have_text("Sign in or join")
        page.keyboard.press("Escape")

        page.locator('.language button[value="fr"]').first.click()
        expect(page.locator("html")).to_have_attribute("lang", "fr")

    def test_the_browser_s_own_is_spoken_first(self, house, somebody):
        page = somebody(locale="en-GB").page
        page.goto(f"{house.weokto}/p/tbcb-inner-circle")
        expect(page.locator("html")).to_have_attribute("lang", "en")
        page.locator('a[data-payment-button="tbcb-inner-circle-monthly"]').first.click()
        panel = page.locator("dialog [data-checkout]")
        expect(panel.locator(".bill-today")).to_contain_text("€148 today")
