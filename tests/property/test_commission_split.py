"""Commissions' arithmetic, for any base and rate: against exact fractions, to the cent."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models.affiliation.program import RateType
from models.affiliation.reckon_commission import Rate, reckon, split_total

cents = st.integers(0, 10**11)
percents = st.decimals(0, 100, places=4)
main_percents = st.decimals(0, 100, places=2)


@given(base=cents, percent=percents)
@example(base=4083, percent=Decimal(30))
@example(base=1, percent=Decimal(50))
def test_a_percentage_is_rounded_half_up_and_never_above_the_base(base, percent):
    total = reckon(base, Rate(RateType.PERCENTAGE, percent, "plan")).total

    exact = Fraction(base) * Fraction(percent) / 100
    assert total - exact <= Fraction(1, 2)
    assert exact - total < Fraction(1, 2)
    assert 0 <= total <= base


@given(base=cents, fixed=cents)
def test_a_fixed_rate_is_itself_or_the_base(base, fixed):
    assert reckon(base, Rate(RateType.FIXED, Decimal(fixed), "program")).total == min(base, fixed)


@given(total=cents, main=main_percents)
@example(total=1225, main=Decimal(80))
@example(total=1, main=Decimal("99.99"))
def test_the_parts_add_up_and_the_main_one_is_floored(total, main):
    first, rest = split_total(total, main)

    assert first + rest == total
    assert first >= 0
    assert rest >= 0
    assert 0 <= Fraction(total) * Fraction(main) / 100 - first < 1


@pytest.mark.parametrize(
    ("base", "percent", "total"),
    [
        (4083, "30", 1225),
        (20833, "30", 6250),
        (5, "10", 1),
        (4, "10", 0),
        (15, "10", 2),
        (14, "10", 1),
        (999, "33.3333", 333),
        (1, "100", 1),
        (0, "100", 0),
    ],
)
def test_the_rounding_table(base, percent, total):
    assert reckon(base, Rate(RateType.PERCENTAGE, Decimal(percent), "plan")).total == total
