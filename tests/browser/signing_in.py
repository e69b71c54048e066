"""Signing in as people do: with the mail that has just come, and staff with their authenticator."""

import re

import pyotp

from tests.browser.people import leaving

OWNER = "owner@weokto.localhost"
WAYS_IN = "/verify?token="


def link_in(mail) -> str:
    """The sign-in link of a mail."""
    return re.search(rf"http\S+{re.escape(WAYS_IN)}\S+", mail["text"])[0]


def code_in(mail) -> str:
    """The six digits of a mail."""
    return re.search(r"^\s*(\d{6})\s*$", mail["text"], re.MULTILINE)[1]


def sign_in_by_link(house, page, address: str) -> None:
    """Ask for a link on the sign-in page and press the button that it leads to."""
    page.goto(f"{house.weokto}/login")
    page.locator("#sign-in-email").fill(address)
    page.locator('[data-step="email"] button').click()
    page.wait_for_url("**/verify-otp")
    page.goto(link_in(house.mail(address, WAYS_IN)))
    with leaving(page):
        page.locator("main form button").click()


def enrol(page) -> None:
    """Set up the authenticator that staff are asked for, and go on to the console."""
    page.wait_for_url("**/second-factor/enrol**")
    secret = page.locator("main code").inner_text()
    page.locator("#factor-code").fill(pyotp.TOTP(secret).now())
    page.locator("main form button").click()
    page.locator("main li code").first.wait_for()
    page.locator("main a.button").click()
