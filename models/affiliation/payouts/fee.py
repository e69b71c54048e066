"""The fee on a withdrawal: the settings' rate of what is asked, half-up to the cent."""

from dataclasses import dataclass
from fractions import Fraction

from models.money import round_half_up
from models.settings import current_settings


@dataclass(frozen=True)
class Terms:
    """What a withdrawal of some cents costs and brings."""

    requested: int
    fee: int
    net: int


def terms_of(requested: int, *, waive_fee: bool = False) -> Terms:
    """The fee on an amount of cents, and what is left of it."""
    rate = current_settings().withdrawal_fee_rate
    fee = 0 if waive_fee else round_half_up(Fraction(requested) * Fraction(rate))
    return Terms(requested, fee, requested - fee)
