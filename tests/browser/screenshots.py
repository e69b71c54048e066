"""``python -m tests.browser.screenshots``: docs/screenshots, taken of the house with its demo.

Each is taken wide and narrow: what a person sees first. A picture whose PNG is too large
for a repository, because it holds more than flat colours, is kept as a JPEG.
"""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.chromium import launch_arguments
from tests.browser.house import House, demo_house
from tests.browser.people import (
    DECLINED,
    NARROW,
    WIDE,
    Person,
    begin,
    buy,
    open_modal,
    type_card,
)
from tests.browser.signing_in import OWNER, WAYS_IN, enrol, link_in, sign_in_by_link
from tests.databases import ROOT

FOLDER = ROOT / "docs" / "screenshots"
WINDOWS = {"1280": WIDE, "390": NARROW}
LARGEST = 200_000
QUALITY = 85
SECONDS_OF_MOTION = 1.2
AFFILIATE = "alice@example.org"
MONTHLY = "tbcb-inner-circle-monthly"

Scene = Callable[[House, Page, str], None]


def weokto(house: House, page: Page, _who: str) -> None:
    page.goto(f"{house.weokto}/")
    page.locator('.consent button[value="no"]').click()


def stam(house: House, page: Page, _who: str) -> None:
    page.goto(f"{house.stam}/")
    page.locator('.consent button[value="no"]').click()


def sales_page(house: House, page: Page, _who: str) -> None:
    page.goto(f"{house.stam}/p/cercle-createurs")
    page.locator('.consent button[value="no"]').click()


def checkout(house: House, page: Page, who: str) -> None:
    begin(open_modal(page, f"{house.weokto}/p/tbcb-inner-circle", MONTHLY), who)
    page.frame_locator("[data-vault]").locator("#card_number").wait_for()


def declined(house: House, page: Page, who: str) -> None:
    panel = open_modal(page, f"{house.weokto}/p/tbcb-inner-circle", MONTHLY)
    begin(panel, who)
    type_card(panel, DECLINED)
    panel.locator('[data-when="declined"]').wait_for()


def receipt(house: House, page: Page, who: str) -> None:
    panel = open_modal(page, f"{house.stam}/p/club-boutique", "club-boutique-monthly")
    begin(panel, who)
    type_card(panel)
    page.wait_for_url("**/welcome*")
    mail = house.mail(who, "WS-")
    page.goto(f"{house.sandbox}/outbox/{mail['id']}/html")


_cookies: list[Any] = []


def come_in(house: House, page: Page) -> None:
    """Be the affiliate, by one link for all pictures: an address is sent few at a time."""
    if not _cookies:
        sign_in_by_link(house, page, AFFILIATE)
        _cookies.extend(page.context.cookies())
    page.context.add_cookies(_cookies)


def affiliate(house: House, page: Page, _who: str) -> None:
    come_in(house, page)
    page.goto(f"{house.weokto}/affiliate/dashboard")


def why(house: House, page: Page, _who: str) -> None:
    come_in(house, page)
    page.goto(f"{house.weokto}/affiliate/commissions")
    page.locator("tbody a[href*='/affiliate/commissions/']").first.click()


def payouts(house: House, page: Page, _who: str) -> None:
    come_in(house, page)
    page.goto(f"{house.weokto}/affiliate/payouts")


def settings(house: House, page: Page, who: str) -> None:
    buy(page, f"{house.stam}/p/club-boutique", "club-boutique-monthly", who)
    page.goto(link_in(house.mail(who, WAYS_IN)))
    page.locator("main form button").click()
    page.wait_for_url("**/dashboard")
    page.goto(f"{house.stam}/settings")


def switch(house: House, page: Page, who: str) -> None:
    settings(house, page, f"switch.{who}")
    page.locator('main a[href$="/switch"]').click()
    page.locator('main a[href*="/switch/"]').first.click()


def refund(house: House, page: Page, _who: str) -> None:
    """What approving a client's request would do, before it is done."""
    page.goto(f"{house.console}/refunds/?flt_status=PENDING")
    page.locator("tbody a[href*='/refunds/details/']").first.click()
    page.locator("a[href*='/refunds/act/approve/']").click()
    page.locator(".effects").wait_for()


def withdrawals(house: House, page: Page, _who: str) -> None:
    page.goto(f"{house.console}/withdrawals/")


def dashboard(house: House, page: Page, _who: str) -> None:
    page.goto(f"{house.console}/")


def invoice(house: House, page: Page, _who: str) -> None:
    page.goto(f"{house.console}/invoices/?search=WS-")
    page.locator("tbody a[href*='/invoices/details/']").first.click()


def commission(house: House, page: Page, _who: str) -> None:
    page.goto(f"{house.console}/commissions/")
    tens_of_euros = page.locator("tbody tr", has_text=re.compile(r"\d\d,\d\d"))
    tens_of_euros.locator("a[href*='/commissions/details/']").first.click()


def snippet(house: House, page: Page, _who: str) -> None:
    page.goto(f"{house.console}/buttons/?search=cercle-createurs-monthly")
    page.locator("tbody a[href*='/buttons/details/']").first.click()
    page.get_by_role("heading", name="Extrait de code").scroll_into_view_if_needed()


FRONT: dict[str, Scene] = {
    "weokto": weokto,
    "stam": stam,
    "sales-page": sales_page,
    "checkout": checkout,
    "declined": declined,
    "receipt": receipt,
    "settings": settings,
    "switch": switch,
    "affiliate": affiliate,
    "why": why,
    "payouts": payouts,
}
BACK: dict[str, Scene] = {
    "dashboard": dashboard,
    "refund": refund,
    "withdrawals": withdrawals,
    "invoice": invoice,
    "commission": commission,
    "button": snippet,
}


def main() -> None:
    """Take every scene at every width, or only those that are named."""
    wanted = sys.argv[1:] or [*FRONT, *BACK]
    FOLDER.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder, _open(Path(folder)) as (house, browser):
        take(house, browser, wanted)


def take(house: House, browser: Browser, wanted: list[str]) -> None:
    """Take the named scenes."""
    owner = _owner(house, browser) if set(wanted) & set(BACK) else None
    for name in wanted:
        scene = FRONT.get(name) or BACK[name]
        for width, window in WINDOWS.items():
            context = browser.new_context(
                viewport=window, locale="fr-FR", storage_state=owner if name in BACK else None
            )
            page = Person(context).page
            scene(house, page, f"{name}.{width}@example.org")
            page.wait_for_load_state("networkidle")
            page.wait_for_timeout(SECONDS_OF_MOTION * 1000)
            write(page, f"{name}-{width}")
            context.close()


def write(page: Page, name: str) -> None:
    """Keep what a page shows under a name, in place of what was kept before."""
    for former in FOLDER.glob(f"{name}.*"):
        former.unlink()
    picture = page.screenshot()
    if len(picture) <= LARGEST:
        (FOLDER / f"{name}.png").write_bytes(picture)
    else:
        page.screenshot(path=FOLDER / f"{name}.jpg", type="jpeg", quality=QUALITY)


@contextmanager
def _open(folder: Path) -> Iterator[tuple[House, Browser]]:
    with (
        demo_house(folder) as house,
        sync_playwright() as playwright,
    ):
        yield house, playwright.chromium.launch(**launch_arguments())


def _owner(house: House, browser: Browser) -> object:
    context = browser.new_context(locale="fr-FR")
    page = Person(context).page
    sign_in_by_link(house, page, OWNER)
    enrol(page)
    page.wait_for_url(f"{house.console}/")
    state = context.storage_state()
    context.close()
    return state


if __name__ == "__main__":
    main()
