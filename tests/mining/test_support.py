from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prodassoc_cli.errors import UsageProblem
from prodassoc_cli.mining.support import nothing_found, resolve_min_count, support_reached
from prodassoc_cli.settings import MineConfig
from prodassoc_cli.settings.check import check_options, checked_value

from .conftest import FOUR, make_baskets


@pytest.mark.parametrize(
    ("n", "support", "count", "expected"),
    [
        (30, 0.1, None, 3),
        (10, 0.3, None, 3),
        (1000, 0.0015, None, 2),
        (88162, 0.001, None, 89),
        (100, 0.0, None, 1),
        (100, 1.0, None, 100),
        (100, None, 7, 7),
        (100, None, None, 3),
        (100_000, None, None, 500),
        (0, 0.5, None, 1),
        (7, 0.7142857142857143, None, 5),
    ],
)
def test_resolve_min_count(n, support, count, expected):
    assert resolve_min_count(n, support, count) == expected


@given(n=st.integers(1, 1_000))
def test_a_printed_support_keeps_what_has_exactly_that(n):
    for count in range(1, n + 1):
        printed = str(count / n)
        assert resolve_min_count(n, float(printed)) == count
        assert resolve_min_count(n, support_reached(count, n)) <= count


@given(n=st.integers(1, 10**9), support=st.floats(0, 1))
def test_the_count_is_the_smallest_that_has_the_support(n, support):
    count = resolve_min_count(n, support)
    assert count / n >= support
    assert count == 1 or (count - 1) / n < support


@given(n=st.integers(1, 10**6), digits=st.integers(0, 10**6))
def test_a_decimal_means_the_fraction_it_is_written_as(n, digits):
    written = Fraction(digits, 10**6)
    assert resolve_min_count(n, float(f"{digits / 10**6:.6f}")) == max(1, math.ceil(written * n))


def test_options_are_refused_before_there_is_a_count():
    with pytest.raises(UsageProblem, match="exclude each other"):
        check_options(MineConfig(min_support=0.1, min_count=3))
    field = MineConfig.__dataclass_fields__["min_support"]
    with pytest.raises(UsageProblem, match="out of bounds") as wrong:
        checked_value(MineConfig, field, 5)
    assert "from 0 to 1" in wrong.value.hint


def test_nothing_found_says_the_highest_support():
    text = nothing_found(make_baskets(FOUR), 4)
    assert "no itemset reaches 4 baskets" in text
    assert "3 of 4 (75 %)" in text
    assert "`min_support=0.75`" in text
