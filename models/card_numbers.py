"""Card numbers, recognised so that none is ever kept or logged: 13 to 19 digits that pass Luhn."""

import re

# Groups of digits joined by one space, dot, dash, slash or underscore, apart from letters.
_RUN = re.compile(r"(?<![^\W_])\d+(?:[\s.\-–—_/]\d+)*(?![^\W\d_])")
_GROUP = re.compile(r"\d+")
_UUID = r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b"
_UUID_OR_RUN = re.compile(f"(?P<uuid>{_UUID})|{_RUN.pattern}", re.IGNORECASE)
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
SHORTEST, LONGEST = 13, 19


def is_card_number(text: str) -> bool:
    """Whether a text's digits, whatever stands between them, are 13 to 19 and pass Luhn."""
    digits = [int(sign) for sign in text if sign.isdecimal()]
    if not SHORTEST <= len(digits) <= LONGEST:
        return False
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def has_card_number(text: str) -> bool:
    """Whether a card number stands anywhere in a text, alone or beside other numbers.

    An IBAN with right check digits is an IBAN, whatever its digits add up to.
    """
    if is_iban(text):
        return False
    return any(_run_has_card(run[0]) for run in _RUN.finditer(text))


def without_card_numbers(text: str, instead: str) -> str:
    """The text with every run of digits that holds a card number replaced; keys stay."""
    return _UUID_OR_RUN.sub(
        lambda run: instead if not run["uuid"] and _run_has_card(run[0]) else run[0], text
    )


def is_iban(text: str) -> bool:
    """Whether the whole text is an IBAN, by its shape and its check digits (ISO 13616)."""
    packed = "".join(text.split()).upper()
    if not (packed.isascii() and _IBAN.fullmatch(packed)):
        return False
    turned = packed[4:] + packed[:4]
    return int("".join(str(int(sign, 36)) for sign in turned)) % 97 == 1


def _run_has_card(run: str) -> bool:
    """Whether some neighbouring groups of a run make a card number (an expiry may follow it)."""
    groups = _GROUP.findall(run)
    for first in range(len(groups)):
        digits = ""
        for group in groups[first:]:
            digits += group
            if len(digits) > LONGEST:
                break
            if is_card_number(digits):
                return True
    return False
