"""Card numbers, recognised so that none is ever kept or logged: 13 to 19 digits that pass Luhn."""

import re

# Keys and digests, whose digits mean nothing; then groups of digits joined by what people and
# their telephones put there: a few spaces, seen or unseen, one sign, or a dash between two
# spaces; also as an address writes them. Whatever letters stand around is no matter.
_UUID = r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b"
_HEX = r"(?<![^\W_])(?=[0-9]*[a-f])[0-9a-f]{20,}(?![^\W_])"
_SPACES = r"(?:[\s\u00ad\u200b-\u200d\u2060\ufeff+]|%20|%c2%a0){1,3}"
_DASH = r"[-\u2010-\u2015\u2212\ufe58\ufe63\uff0d]"
_SIGN = rf"(?:{_DASH}|[._/\u00b7]|%2[bd])"
_BETWEEN = rf"(?:{_SPACES}|{_SIGN})"
_RUN = rf"\d+(?:\s{_DASH}\s\d+)+|\d+(?:{_BETWEEN}\d+)*"
_KEY_OR_RUN = re.compile(f"(?P<key>{_UUID}|{_HEX})|{_RUN}", re.IGNORECASE)
_BETWEEN_GROUPS = re.compile(rf"\s{_DASH}\s|{_BETWEEN}", re.IGNORECASE)
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
SHORTEST, LONGEST = 13, 19
HIDDEN = "[card number]"


def is_card_number(text: str) -> bool:
    """Whether a text's digits, whatever stands between them, are 13 to 19 and pass Luhn."""
    digits = [int(sign) for sign in text if sign.isdecimal()]
    if not SHORTEST <= len(digits) <= LONGEST:
        return False
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def has_card_number(text: str) -> bool:
    """Whether a card number stands anywhere in a text, beside other numbers or within a word.

    An IBAN with right check digits is an IBAN, whatever its digits add up to.
    """
    if is_iban(text):
        return False
    return any(not run["key"] and _run_has_card(run[0]) for run in _KEY_OR_RUN.finditer(text))


def without_card_numbers(text: str, instead: str = HIDDEN) -> str:
    """The text with every run of digits that holds a card number replaced; keys stay."""
    return _KEY_OR_RUN.sub(
        lambda run: instead if not run["key"] and _run_has_card(run[0]) else run[0], text
    )


def is_iban(text: str) -> bool:
    """Whether the whole text is an IBAN, by its shape and its check digits (ISO 13616)."""
    packed = "".join(text.split()).upper()
    if not (packed.isascii() and _IBAN.fullmatch(packed)):
        return False
    turned = packed[4:] + packed[:4]
    return int("".join(str(int(sign, 36)) for sign in turned)) % 97 == 1


def _run_has_card(run: str) -> bool:
    """Whether some neighbouring groups of a run make a card number (an expiry may follow it).

    Luhn's sum of any stretch is the difference of two running sums, so that a long text of
    short numbers takes no longer than any other.
    """
    digits: list[int] = []
    starts, ends = [], set()
    for group in _BETWEEN_GROUPS.split(run):
        starts.append(len(digits))
        digits += map(int, group)
        ends.add(len(digits))
    if len(digits) < SHORTEST:
        return False
    sums: tuple[list[int], list[int]] = ([0], [0])  # even, then odd places counting singly
    for place, digit in enumerate(digits):
        single, double = sums if place % 2 == 0 else sums[::-1]
        single.append(single[-1] + digit)
        double.append(double[-1] + digit * 2 - 9 * (digit > 4))
    return any(
        end in ends and (sums[end % 2 == 0][end] - sums[end % 2 == 0][start]) % 10 == 0
        for start in starts
        for end in range(start + SHORTEST, min(start + LONGEST, len(digits)) + 1)
    )
