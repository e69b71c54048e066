"""The arithmetic of a commission: rate, boost, cap and split. Cents in, cents out."""

from dataclasses import dataclass
from decimal import Decimal

from models.affiliation.boost import BoostCode, BoostType
from models.affiliation.program import AffiliateProgram, RateType
from models.catalog import Plan
from models.money import share, split

PLAN = "plan"
PROGRAM = "program"


@dataclass(frozen=True)
class Rate:
    """Points of percent, or cents where fixed, and whether the plan or the program sets it."""

    type: RateType
    value: Decimal
    source: str


@dataclass(frozen=True)
class Boost:
    """Points of percent to add to the rate, or cents to add to the commission."""

    type: BoostType
    value: Decimal


@dataclass(frozen=True)
class Reckoned:
    """A commission's total, before and after the cap at its base.

    ``rate`` is what was applied, a boost's points included; ``boosted`` is how many of the
    total's cents would not be there without the boost.
    """

    uncapped: int
    total: int
    rate: Decimal
    boosted: int = 0


def rate_for(plan: Plan, program: AffiliateProgram) -> Rate:
    """The plan's own percentage, else the program's default."""
    if plan.commission_percent is not None:
        return Rate(RateType.PERCENTAGE, plan.commission_percent, PLAN)
    return Rate(program.default_rate_type, program.default_rate, PROGRAM)


def boost_of(code: BoostCode | None) -> Boost | None:
    """What a code adds, where there is one."""
    return None if code is None else Boost(code.boost_type, code.boost_value)


def reckon(base: int, rate: Rate, boost: Boost | None = None) -> Reckoned:
    """round half-up(base × rate ÷ 100), or the fixed cents; never more than the base.

    A boost's points are added to the rate before rounding; on a fixed rate they are a share
    of the base of their own, rounded by itself. A boost's cents are added after rounding.
    """
    plain = _cents(base, rate.type, rate.value)
    applied, uncapped = rate.value, plain
    if boost is not None and boost.type is BoostType.FLAT_BONUS:
        uncapped += int(boost.value)
    elif boost is not None and rate.type is RateType.PERCENTAGE:
        applied = rate.value + boost.value
        uncapped = _cents(base, rate.type, applied)
    elif boost is not None:
        uncapped += share(base, boost.value, 100)
    total = min(uncapped, base)
    return Reckoned(uncapped, total, applied, total - min(plain, base))


def _cents(base: int, type: RateType, value: Decimal) -> int:
    return share(base, value, 100) if type is RateType.PERCENTAGE else int(value)


def split_total(total: int, main_percent: Decimal) -> tuple[int, int]:
    """(main, extended): main = floor(total × main % ÷ 100), extended is the rest."""
    main = int(main_percent * 100)  # the column has two decimals, so this is exact
    first, rest = split(total, [main, 10_000 - main])
    return first, rest
