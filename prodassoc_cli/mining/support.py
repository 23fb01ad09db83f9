"""Support as a share of the baskets and as a number of them, and what to do where none is high enough."""

from __future__ import annotations

import math
from decimal import ROUND_FLOOR, Context

from prodassoc_cli.mining.baskets import Baskets

DEFAULT_SUPPORT = 0.005
MIN_DEFAULT_COUNT = 3


def resolve_min_count(n: int, min_support: float | None = None, min_count: int | None = None) -> int:
    """Return the minimum number of baskets (or users), from a share of `n` or a number.

    Without either it is `DEFAULT_SUPPORT`, but at least `MIN_DEFAULT_COUNT` baskets.
    """
    if min_count is not None:
        return min_count
    if min_support is None:
        return max(MIN_DEFAULT_COUNT, _count_of(DEFAULT_SUPPORT, n))
    return max(1, _count_of(min_support, n))


def _count_of(support: float, n: int) -> int:
    """Return the smallest count with `count / n >= support`, compared as the numbers that are printed.

    So a printed support finds what has it: 0.7142857142857143 of 7 is 5, though the product is above 5. It
    also is what the decimal means: 0.1 of 30 is 3, though 0.1 * 30 > 3 in floating point.
    """
    count = math.ceil(support * n)
    while count > 0 and (count - 1) / n >= support:
        count -= 1
    while count < n and count / n < support:
        count += 1
    return count


def support_reached(count: int, n: int) -> float:
    """Return a share of three digits that a set in `count` of `n` baskets reaches."""
    return float(Context(prec=3, rounding=ROUND_FLOOR).create_decimal(repr(count / n)))


def nothing_found(baskets: Baskets, min_count: int, option: str = "min_support") -> str:
    """Return what to tell a user whose result is empty: the most frequent product, and what would find it.

    Args:
        baskets: what was searched.
        min_count: the number of baskets that no set reaches.
        option: name of the option that set it.
    """
    if not len(baskets):
        return "there are no baskets: no row has a product with an order or a user"
    return f"no itemset reaches {min_count:,} baskets; " + nearest(
        "product", int(baskets.counts[0]), len(baskets), option
    )


def nearest(what: str, count: int, n: int, option: str) -> str:
    """Return what is most frequent of all that is too rare, and what to set the option to to find it."""
    advice = {
        "min_support": f"`min_support={support_reached(count, n):g}` or less finds it",
        "min_count": f"`min_count={count}` or less finds it",
        "min_users": "lower `min_users`",
    }[option]
    return f"the most frequent {what} is in {count:,} of {n:,} ({100 * count / n:.3g} %): {advice}"
