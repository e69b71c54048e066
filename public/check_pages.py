"""``check-pages``: every public page renders, and every button that it names is on sale."""

from typing import Any

from flask import Flask

from models.session import member_session
from models.settings import current_settings
from public import legal
from public.brand import BRANDS
from public.buttons import button_missing
from public.rendered import forget_rendered
from public.shop_window import communities_shown

COMMON = ("/", "/welcome", "/cancelled", "/robots.txt", "/sitemap.xml")


def check_pages(app: Flask) -> int:
    """Print what is wrong, one line each; the exit status is 1 when anything is."""
    wrong = wrong_pages(app)
    for line in wrong:
        print(line)
    if not wrong:
        print("Every page renders and every payment button on them is on sale.")
    return 1 if wrong else 0


def wrong_pages(app: Flask) -> list[str]:
    """What is wrong with the pages of both hosts, in words; empty when nothing is."""
    wrong: list[str] = []
    settings = current_settings()
    hosts = {"weokto": settings.weokto_hosts[0], "stam": settings.stam_hosts[0]}
    for platform, brand in BRANDS.items():
        with member_session(None) as session:
            shown = communities_shown(session, platform, [])
        slugs = [product.slug for community in shown for product in community.products]
        paths = [*COMMON, *(f"/p/{s}" for s in slugs), *(f"/legal/{n}" for n in legal.NAMES)]
        for path in paths:
            wrong += _wrong_with(app, hosts[brand.slug], path)
    return wrong


def _wrong_with(app: Flask, host: str, path: str) -> list[str]:
    """One page's faults; it is rendered anew, whatever was kept of it."""
    wrong: list[str] = []

    def missed(_sender: Any, key: str) -> None:
        wrong.append(f"{host}{path}: no button on sale under {key!r}")

    forget_rendered(app)
    with button_missing.connected_to(missed):
        answer = app.test_client().get(path, base_url=f"http://{host}")
    if answer.status_code != 200:
        wrong.append(f"{host}{path}: answers {answer.status_code}")
    return wrong
