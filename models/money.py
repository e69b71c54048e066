"""Money: integer cents beside a currency, exact rates, half-up rounding where a rule says so."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

CURRENCY = "EUR"
MOST_CENTS = 100_000_000
"""A million euros: beyond it an amount is a typing mistake."""


def round_half_up(amount: Decimal | Fraction) -> int:
    """An exact number of cents rounded half away from zero to whole cents."""
    if isinstance(amount, Fraction):
        sign = -1 if amount < 0 else 1
        doubled = abs(amount) * 2
        return sign * int((doubled + 1) // 2)
    return int(amount.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def share(amount: int, part: int | Decimal, whole: int | Decimal) -> int:
    """``amount × part ÷ whole`` in cents, half-up, without an inexact step in between."""
    return round_half_up(Fraction(amount) * Fraction(part) / Fraction(whole))


def without_tax(including: int, rate: Decimal) -> tuple[int, int]:
    """Split a tax-inclusive price into (excluding, tax): excluding = round(P ÷ (1 + r))."""
    excluding = round_half_up(Fraction(including) / (1 + Fraction(rate)))
    return excluding, including - excluding


def split(amount: int, weights: Sequence[int]) -> list[int]:
    """Split cents by weights so that the parts add up: all but the last are floored."""
    whole = sum(weights)
    parts = [amount * weight // whole for weight in weights[:-1]]
    return [*parts, amount - sum(parts)]


def rate_text(rate: Decimal) -> str:
    """A rate without trailing zeros: ``30``, ``12.5``, ``0.2``."""
    text = format(rate, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def plain_amount(cents: int) -> str:
    """Cents as a plain number with two decimals, ``1225.00``, for refusals and exports."""
    whole, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{whole}.{rest:02d}"
