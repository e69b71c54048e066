"""The payment provider's published test cards and how each behaves.

The sandbox that speaks HTTP and the in-process twin both judge by this one table, so a
scenario and a click through the browser end alike. These are the only card numbers that
the source may hold; every other number is refused by both.
"""

from dataclasses import dataclass
from enum import StrEnum

from models.errors import N_

SUGGESTED_SECURITY_CODE = "123"


class Behaviour(StrEnum):
    """What a test card does when it is charged, or set up for later."""

    SUCCEEDS = "succeeds"
    DECLINED = "declined"
    DECLINED_LATER = "declined_later"  # the first time succeeds, every later one is declined
    ASKS_BANK = "asks_bank"
    ANSWER_LOST = "answer_lost"  # charged, but nobody is told


class Verdict(StrEnum):
    """What becomes of one charge."""

    PAID = "paid"
    REFUSED = "refused"
    ASKS_BANK = "asks_bank"
    PAID_IN_SILENCE = "paid_in_silence"


@dataclass(frozen=True)
class SandboxCard:
    """One published number. ``code`` and ``decline_code`` are what the PSP answers when it
    declines; ``label`` tells a person what to expect."""

    number: str
    brand: str
    behaviour: Behaviour
    label: str
    code: str | None = None
    decline_code: str | None = None

    @property
    def last4(self) -> str:
        return self.number[-4:]


SANDBOX_CARDS = (
    SandboxCard("4242424242424242", "visa", Behaviour.SUCCEEDS, N_("Succeeds")),
    SandboxCard(
        "4000000000000002",
        "visa",
        Behaviour.DECLINED,
        N_("Declined"),
        "card_declined",
        "generic_decline",
    ),
    SandboxCard(
        "4000000000009995",
        "visa",
        Behaviour.DECLINED,
        N_("Insufficient funds"),
        "card_declined",
        "insufficient_funds",
    ),
    SandboxCard(
        "4000000000000069",
        "visa",
        Behaviour.DECLINED,
        N_("Expired card"),
        "expired_card",
        "expired_card",
    ),
    SandboxCard(
        "4000000000009979",
        "visa",
        Behaviour.DECLINED,
        N_("Stolen card (never retried)"),
        "card_declined",
        "stolen_card",
    ),
    SandboxCard(
        "4000000000000341",
        "visa",
        Behaviour.DECLINED_LATER,
        N_("Succeeds now, declined at the next charge"),
        "card_declined",
        "generic_decline",
    ),
    SandboxCard(
        "4000002500003155",
        "visa",
        Behaviour.ASKS_BANK,
        N_("Asks for 3-D Secure"),
        "authentication_required",
        "authentication_required",
    ),
    SandboxCard(
        "4000000000000119",
        "visa",
        Behaviour.ANSWER_LOST,
        N_("Charged, but the answer never comes"),
    ),
)

_BY_NUMBER = {card.number: card for card in SANDBOX_CARDS}


def find_card(number: str) -> SandboxCard | None:
    """The test card of this number, spaces and dashes ignored; None for any other number."""
    return _BY_NUMBER.get(number.replace(" ", "").replace("-", ""))


def judge(card: SandboxCard, *, worked_before: bool, off_session: bool) -> Verdict:
    """What becomes of a charge or set-up with this card.

    ``worked_before`` says whether this payment method was charged or set up once already.
    A card that asks for its bank is let through once the bank has agreed to later charges,
    and is refused when nobody is there to be sent to the bank.
    """
    match card.behaviour:
        case Behaviour.DECLINED:
            return Verdict.REFUSED
        case Behaviour.DECLINED_LATER:
            return Verdict.REFUSED if worked_before else Verdict.PAID
        case Behaviour.ASKS_BANK if off_session:
            return Verdict.PAID if worked_before else Verdict.REFUSED
        case Behaviour.ASKS_BANK:
            return Verdict.ASKS_BANK
        case Behaviour.ANSWER_LOST:
            return Verdict.PAID_IN_SILENCE
        case _:
            return Verdict.PAID


def fingerprint_of(card: SandboxCard, security_code: str) -> str | None:
    """What tells one card from another, None where nothing does.

    Everybody tries with the same published numbers, so a number alone is nobody's. Typing a
    security code other than the suggested one makes the card somebody's own: the same
    number and code on two accounts is then the same card.
    """
    if security_code in ("", SUGGESTED_SECURITY_CODE):
        return None
    return f"sandboxfp{card.last4}{security_code}"
