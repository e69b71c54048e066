"""People at their browsers: what they press and type, and what a page may never do to them."""

import re
import time
from contextlib import contextmanager
from dataclasses import dataclass, field

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, Response, expect

GOOD = "4242 4242 4242 4242"
DECLINED = "4000 0000 0000 0002"
ASKS_BANK = "4000 0025 0000 3155"

WIDE = {"width": 1280, "height": 900}
NARROW = {"width": 390, "height": 844}
PATIENCE = 30_000
"""Milliseconds that a person waits for a step: much, for a machine that runs other tests too."""
expect.set_options(timeout=PATIENCE)


@dataclass
class Person:
    """Somebody with a browser of their own, who notices whatever goes wrong in it."""

    context: BrowserContext
    wrong: list[str] = field(default_factory=list)
    expected: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.context.set_default_timeout(PATIENCE)
        self.context.on("console", self._hear)
        self.context.on("weberror", lambda error: self.wrong.append(f"error: {error.error}"))
        self.context.on("requestfailed", self._fail)
        self.context.on("response", self._answer)
        self.page = self.context.new_page()

    def expects(self, *statuses: int) -> None:
        """These refusals are part of what this person does."""
        self.expected.update(statuses)

    def _hear(self, message: ConsoleMessage) -> None:
        refused = re.search(r"the server responded with a status of (\d+)", message.text)
        if refused and int(refused[1]) in self.expected:
            return
        if message.type in ("error", "warning"):
            self.wrong.append(f"console: {message.text} ({message.location.get('url')})")

    def _fail(self, request: Request) -> None:
        """A request that a page gave up itself, by being left, has not failed."""
        if request.failure != "net::ERR_ABORTED":
            self.wrong.append(f"failed: {request.url} {request.failure}")

    def _answer(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.expected:
            self.wrong.append(f"{response.status}: {response.url}")


def sideways(page: Page) -> int:
    """How many pixels a page is wider than its window."""
    return page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )


@contextmanager
def leaving(page: Page):
    """What is pressed inside leads to another page, which has come at the end.

    Without it the next step may act on the page that is going away, or break its request off.
    """
    with page.expect_navigation():
        yield


def see_the_result(page: Page) -> None:
    """Without scripts: ask what became of the card that was typed."""
    with leaving(page):
        page.locator("[data-no-script] a").first.click()
    look_again(page)


def look_again(page: Page) -> None:
    """Without scripts: reload for as long as the vault has not told us of the card."""
    until = time.monotonic() + PATIENCE / 1000
    while page.locator("[data-checkout][data-state=card]").count():
        assert time.monotonic() < until, "the vault never told"
        page.wait_for_timeout(200)
        page.reload()


def begin(panel, email: str) -> None:
    """Fill in the checkout's first step and go on to the card."""
    panel.locator("[name=email]").fill(email)
    panel.locator("[name=consent]").check()
    panel.locator("[data-start] button").click()


def type_card(panel, number: str = GOOD) -> None:
    """Type a card into the vault's form and send it."""
    form = panel.frame_locator("[data-vault]")
    form.locator("#card_number").fill(number)
    form.locator("#expiry").fill("12/40")
    form.locator("#cvv").fill("737")
    form.locator("#card_holder").fill("J Doe")
    form.locator("form button.wide").click()


def open_modal(page: Page, address: str, key: str):
    """Press a payment button; gives the checkout that opens over the page."""
    page.goto(address)
    page.locator(f'a[data-payment-button="{key}"]').first.click()
    panel = page.locator("dialog [data-checkout]")
    expect(panel).to_be_visible()
    return panel


def buy(page: Page, address: str, key: str, email: str, card: str = GOOD) -> None:
    """A whole purchase through the modal, up to the page that it ends on."""
    panel = open_modal(page, address, key)
    begin(panel, email)
    type_card(panel, card)
    page.wait_for_url("**/welcome*")


def say_where_to_pay(page: Page, site: str, holder: str, iban: str) -> None:
    """As an affiliate: fill in the bank account that withdrawals are paid to."""
    page.goto(f"{site}/affiliate/payouts/details")
    page.locator("[name=method][value=wire]").check()
    page.locator("#holder").fill(holder)
    page.locator("#iban").fill(iban)
    page.locator('form[action="/affiliate/payouts/details"] button').click()
    page.wait_for_url("**/affiliate/payouts")


def withdraw(page: Page, site: str, amount: str) -> None:
    """As an affiliate: ask for an amount, look at its fee and net, and confirm."""
    page.goto(f"{site}/affiliate/payouts")
    page.locator("#amount").fill(amount)
    page.locator('form[action="/affiliate/payouts/ask"] button').click()
    page.wait_for_url("**/affiliate/payouts/ask?*")
    page.locator('main form[method="post"] button').click()
    page.wait_for_url("**/affiliate/payouts")


def why_newest_commission(page: Page, site: str):
    """As an affiliate: open the newest commission; gives the sentences that explain it."""
    page.goto(f"{site}/affiliate/commissions")
    page.locator("tbody a[href*='/affiliate/commissions/']").first.click()
    page.wait_for_url("**/affiliate/commissions/*")
    return page.locator(".facts > li")
