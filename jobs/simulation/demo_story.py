"""The demo's six months: who clicks, who comes back, who buys with which card. Always the same.

What becomes of a purchase is told in ``demo_fates``, what affiliates and the owner do in
``demo_payouts``.
"""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta

from jobs.simulation.demo_catalog import AFFILIATES, CAMPAIGNS, FIRST_NAMES, PRODUCTS
from jobs.simulation.demo_fates import Bought, fate_of
from jobs.simulation.demo_payouts import affiliates_story
from jobs.simulation.events import Buy, Click, Event

DAYS = 182
VISITORS_A_DAY = 3
MORE_EACH_DAY = 60
"""One visitor a day more every so many days: the business grows."""

GOOD_CARDS = (
    *("4242424242424242",) * 10,
    *("4000002500003155",) * 3,
    "4000000000000341",
)
"""The last one is declined when it renews."""
BAD_CARDS = ("4000000000000002", "4000000000009995", "4000000000000069", "4000000000009979")

Moment = tuple[datetime, Event]


def story(start: datetime, until: datetime, seed: int = 2026) -> list[tuple[datetime, int, Event]]:
    """All that happens from one instant to another, numbered in order of time."""
    dice = random.Random(seed)
    moments = [
        moment
        for day in range(DAYS)
        for number in range(VISITORS_A_DAY + day // MORE_EACH_DAY)
        for moment in _visitor(dice, start + timedelta(days=day), f"d{day}n{number}")
    ]
    moments += affiliates_story(start, until)
    told = sorted((moment for moment in moments if moment[0] < until), key=lambda one: one[0])
    return [(at, index, event) for index, (at, event) in enumerate(told)]


def _visitor(dice: random.Random, day: datetime, name: str) -> Iterator[Moment]:
    """One person's visits: four in five follow somebody's link, two in five buy."""
    at = day + timedelta(minutes=dice.randrange(8 * 60, 23 * 60))
    if dice.random() < 0.8:
        yield at, _click(dice, name)
        if dice.random() < 0.2:
            yield at + timedelta(days=1, minutes=dice.randrange(600)), _click(dice, name)
    if dice.random() < 0.4:
        yield from _purchase(dice, at + timedelta(minutes=dice.randrange(5, 4000)), name)


def _purchase(dice: random.Random, at: datetime, name: str) -> Iterator[Moment]:
    """A purchase and what becomes of it; now and then after a card that was refused, or by an
    affiliate for themselves."""
    offers = [(product, plan) for product in PRODUCTS for plan in product.plans]
    product, plan = dice.choices(offers, [plan.weight for _, plan in offers])[0]
    email = f"{dice.choice(FIRST_NAMES)}.{name}@example.org"
    if dice.random() < 0.02:
        email = dice.choice(AFFILIATES)[1]
    if dice.random() < 0.12:
        yield at, _buy(name, email, plan.slug, dice.choice(BAD_CARDS))
        at += timedelta(minutes=3)
        if dice.random() < 0.4:
            return
    card = dice.choice(GOOD_CARDS)
    yield at, _buy(name, email, plan.slug, card)
    yield from fate_of(dice, Bought(at, email, product, plan, card))


def _click(dice: random.Random, visitor: str) -> Click:
    slugs = [slug for slug, *_ in AFFILIATES]
    slug = dice.choices(slugs, [weight for *_, weight in AFFILIATES])[0]
    campaign = dice.choice(CAMPAIGNS)
    utm = {"utm_campaign": campaign, "utm_source": "demo"} if campaign else {}
    return Click(at="+0d", do="click", visitor=visitor, ref=slug, utm=utm)


def _buy(visitor: str, email: str, button: str, card: str) -> Buy:
    return Buy(at="+0d", do="buy", visitor=visitor, email=email, button=button, card=card)
