"""Reading what was typed into the card form; only the published test cards pass."""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import date
from operator import itemgetter
from typing import Any

from models.billing.sandbox_cards import find_card
from models.errors import N_, BadInput

_EXPIRY = re.compile(r"(\d{1,2})\s*/\s*(?:20)?(\d{2})")


class BadCard(BadInput):
    """A card that the sandbox does not take; its number is never repeated."""

    code = "bad_card"


def read_card(typed: dict[str, str], *, today: date) -> dict[str, str]:
    """The card's fields under the names that templates use, its number as it was typed.

    Raises BadCard.
    """
    number = typed.get("card_number", "").strip()
    if not number:
        raise BadCard(N_("Enter the card number."), field="card_number")
    card = find_card(number)
    if card is None:
        raise BadCard(
            N_("This is a sandbox: only the published test cards work here, never a real one."),
            field="card_number",
        )
    month, year = _read_expiry(typed, today)
    cvv = typed.get("cvv", "").strip()
    if not re.fullmatch(r"\d{3,4}", cvv):
        raise BadCard(N_("Enter the 3 digits on the back of the card."), field="cvv")
    return {
        "card_number": number,
        "card_holder": typed.get("card_holder", "").strip()[:100],
        "cvv": cvv,
        "expiry": f"{month:02d}/{year % 100:02d}",
        "expiry_month": f"{month:02d}",
        "expiry_year": str(year),
        "expiry_year_short": f"{year % 100:02d}",
        "card_type": card.brand,
        "last_four": card.last4,
    }


def ruled(card: dict[str, str], operations: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """A card's fields after a rule of the vault: its replacements, in their order."""
    for each in sorted(operations, key=itemgetter("order_position")):
        told = each["arguments"]
        text = card.get(each["input_field"], "").replace(told["substr"], told["new_str"])
        card = {**card, each["output_field"]: text}
    return card


def _read_expiry(typed: dict[str, str], today: date) -> tuple[int, int]:
    match = _EXPIRY.fullmatch(typed.get("expiry", "").strip())
    if match is None or not 1 <= int(match[1]) <= 12:
        raise BadCard(N_("Enter the expiry date as MM/YY."), field="expiry")
    month, year = int(match[1]), 2000 + int(match[2])
    if (year, month) < (today.year, today.month):
        raise BadCard(N_("This expiry date is past."), field="expiry")
    return month, year


def token_of(number: str, *, salt: str) -> str:
    """64 hex digits that are always the same for one number."""
    return hmac.new(salt.encode(), number.encode(), hashlib.sha256).hexdigest()
