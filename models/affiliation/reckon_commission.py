"""The arithmetic of a commission: rate, cap and split. Cents in, cents out, nothing stored."""

from dataclasses import dataclass
from decimal import Decimal

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
class Reckoned:
    """A commission's total, before and after the cap at its base."""

    uncapped: int
    total: int


def rate_for(plan: Plan, program: AffiliateProgram) -> Rate:
    """The plan's own percentage, else the program's default."""
    if plan.commission_percent is not None:
        return Rate(RateType.PERCENTAGE, plan.commission_percent, PLAN)
    return Rate(program.default_rate_type, program.default_rate, PROGRAM)


def reckon(base: int, rate: Rate) -> Reckoned:
    """round half-up(base × rate ÷ 100), or the fixed cents; never more than the base."""
    is_share = rate.type is RateType.PERCENTAGE
    uncapped = share(base, rate.value, 100) if is_share else int(rate.value)
    return Reckoned(uncapped, min(uncapped, base))


def split_total(total: int, main_percent: Decimal) -> tuple[int, int]:
    """(main, extended): main = floor(total × main % ÷ 100), extended is the rest."""
    main = int(main_percent * 100)  # the column has two decimals, so this is exact
    first, rest = split(total, [main, 10_000 - main])
    return first, rest
