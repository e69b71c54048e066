"""What becomes of the demo's purchases: cancelled, refunded, moved to another plan, or kept.

Whoever does something that their purchase does not allow by then (asks back what was free,
cancels what has ended) is refused, as in life, and the story goes on.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs.simulation.demo_catalog import DemoPlan, DemoProduct
from jobs.simulation.events import (
    Cancel,
    DecideRefund,
    Event,
    Refund,
    RequestRefund,
    SwitchPlan,
    UpdateCard,
)

DECLINED_LATER = "4000000000000341"
GOOD = "4242424242424242"
REASONS = (
    "Je n'ai pas trouvé le temps de m'y mettre.",
    "Je pensais que les cours étaient plus avancés.",
    "Achat fait par erreur, désolé.",
    "Le rythme ne me convient pas.",
)
OWNERS_REASONS = (
    "Le délai de rétractation est passé et l'accès a été utilisé.",
    "Nous avons convenu d'un report par mail.",
)


@dataclass(frozen=True)
class Bought:
    """One purchase as it was made."""

    at: datetime
    email: str
    product: DemoProduct
    plan: DemoPlan
    card: str


Moment = tuple[datetime, Event]


def fate_of(dice: random.Random, bought: Bought) -> Iterator[Moment]:
    """What one customer does after buying: most of them nothing."""
    if bought.card == DECLINED_LATER:
        if dice.random() < 0.4:
            after = timedelta(days=dice.randrange(32, 45), hours=dice.randrange(12))
            yield _card(bought, after)
        return
    chance = dice.random()
    if chance < 0.07:
        yield from _asked_back(dice, bought)
    elif chance < 0.10:
        yield _refunded(dice, bought)
    elif chance < 0.22:
        yield from _cancelled(dice, bought)
    elif chance < 0.30:
        yield from _switched(dice, bought)
    elif chance < 0.33:
        yield _card(bought, timedelta(days=dice.randrange(5, 90)))


def _whose(bought: Bought) -> dict[str, str]:
    return {"at": "+0d", "email": bought.email, "product": bought.product.slug}


def _asked_back(dice: random.Random, bought: Bought) -> Iterator[Moment]:
    """Asked within the days of withdrawal, and decided on a few days later by the owner."""
    asked = bought.at + timedelta(days=dice.randrange(1, 13), hours=2)
    about = {**_whose(bought), "invoice": 1}
    reason = dice.choice(REASONS)
    yield asked, RequestRefund.model_validate({**about, "do": "request_refund", "reason": reason})
    decided = asked + timedelta(days=dice.randrange(1, 6), hours=3)
    if dice.random() < 0.65:
        yield decided, DecideRefund.model_validate({**about, "do": "approve_refund"})
    else:
        why = dice.choice(OWNERS_REASONS)
        yield (
            decided,
            DecideRefund.model_validate({**about, "do": "reject_refund", "reason": why}),
        )


def _refunded(dice: random.Random, bought: Bought) -> Moment:
    """A gesture of the owner's: half of a first payment, or all of it."""
    amount = dice.choice((None, max(1, bought.plan.price // 2)))
    return (
        bought.at + timedelta(days=dice.randrange(10, 60)),
        Refund.model_validate(
            {
                **_whose(bought),
                "do": "refund",
                "invoice": 1,
                "amount": amount,
                "reason": "Geste commercial",
            }
        ),
    )


def _cancelled(dice: random.Random, bought: Bought) -> Iterator[Moment]:
    at = bought.at + timedelta(days=dice.randrange(3, 90), hours=dice.randrange(10))
    yield at, Cancel.model_validate({**_whose(bought), "do": "cancel"})
    if dice.random() < 0.25:
        after = at + timedelta(days=1)
        yield after, Cancel.model_validate({**_whose(bought), "do": "undo_cancel"})


def _switched(dice: random.Random, bought: Bought) -> Iterator[Moment]:
    """To another plan of the same product, where it has one."""
    others = [plan.slug for plan in bought.product.plans if plan.slug != bought.plan.slug]
    if others:
        at = bought.at + timedelta(days=dice.randrange(12, 70), hours=dice.randrange(10))
        to = dice.choice(others)
        yield at, SwitchPlan.model_validate({**_whose(bought), "do": "switch_plan", "to": to})


def _card(bought: Bought, after: timedelta) -> Moment:
    update = UpdateCard.model_validate({**_whose(bought), "do": "update_card", "card": GOOD})
    return bought.at + after, update
