"""Baskets: the distinct products of each order, as integers in compressed sparse rows.

What a basket is: the rows of one order. A row without an order belongs to the basket of its user and
timestamp (what one user did at one instant), or of its user where there is no timestamp either. A row with
neither order nor user belongs to no basket and is left out.

Which events count: purchases, if there are any; else the strongest event there is, in the order of
`BASKET_EVENTS`. Impressions and dismissals never make a basket: they say what was shown, not what was chosen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from prodassoc_cli.wording import number_of

BASKET_EVENTS = (("purchase",), ("cart",), ("rating", "review"), ("click",), ("view",))
"""Events that make baskets, strongest first; only the first of them that occurs is used."""

HUGE_BASKET = 1_000
"""Baskets with more products slow the search down so much that they are worth a word."""


@dataclass(frozen=True)
class Baskets:
    """Distinct products of each basket, in compressed sparse rows.

    Attributes:
        indptr: int64[n + 1]; basket b holds `items[indptr[b] : indptr[b + 1]]`.
        items: int32 codes, ascending within a basket. Code 0 is the product in most baskets; ties by id.
        item_ids: product id of each code.
        counts: int64, baskets that contain each code, descending.
        first_rows: int64[n], the row of the interactions each basket begins with; None where not asked for.
    """

    indptr: np.ndarray
    items: np.ndarray
    item_ids: pl.Series
    counts: np.ndarray
    first_rows: np.ndarray | None = None

    def __len__(self) -> int:
        """Return the number of baskets."""
        return len(self.indptr) - 1


@dataclass
class CodedRows:
    """Rows in any order, which baskets are made of.

    Attributes:
        basket: int32, the number of each row's basket; a number that no row has makes no basket.
        item: int32, the number of its product.
        rows: int64, ascending, where the rows stood, to locate the baskets; else None.
    """

    basket: np.ndarray
    item: np.ndarray
    rows: np.ndarray | None = None


def baskets_of_codes(
    coded: CodedRows, names: pl.Series, max_basket_size: int | None, say: Callable[[str], None]
) -> Baskets:
    """Lay out baskets.

    Args:
        coded: the rows; given up, since they are as large as what is made of them.
        names: product id of each number.
        max_basket_size: leave out baskets with more distinct products; they do not count as baskets either.
        say: called with a line on what was left out.
    """
    from prodassoc_cli.mining.kernels.csr import distinct_rows, recode_rows

    n_baskets = int(coded.basket.max(initial=-1)) + 1
    first_rows = _first_rows(coded, n_baskets)
    indptr, items = distinct_rows(coded.basket, coded.item, n_baskets, len(names))
    coded.basket = coded.item = np.empty(0, np.int32)
    indptr, items, kept = _without_huge(indptr, items, max_basket_size, say)
    counts = np.zeros(len(names), np.int64)
    for part in np.array_split(items, len(items) // 1_000_000 + 1):  # numpy widens what it counts
        counts += np.bincount(part, minlength=len(names))
    order = np.lexsort((ranks_of(names), -counts))
    order = order[: int((counts > 0).sum())]
    code_of = np.empty(len(names), np.int32)
    code_of[order] = np.arange(len(order), dtype=np.int32)
    recode_rows(indptr, items, code_of)
    return Baskets(
        indptr, items, names.gather(order), counts[order], None if first_rows is None else first_rows[kept]
    )


def only_items(baskets: Baskets, keep: np.ndarray) -> Baskets:
    """Return the baskets without the other products; one that becomes empty is a basket all the same.

    Args:
        baskets: the baskets.
        keep: bool, one per item.
    """
    code = np.cumsum(keep, dtype=np.int32) - np.int32(1)
    kept = keep[baskets.items]
    indptr = np.concatenate([np.zeros(1, np.int64), np.cumsum(kept, dtype=np.int64)])[baskets.indptr]
    return replace(
        baskets, indptr=indptr, items=code[baskets.items[kept]],
        item_ids=baskets.item_ids.filter(pl.Series(keep)), counts=baskets.counts[keep],
    )  # fmt: skip


def ranks_of(names: pl.Series) -> np.ndarray:
    """Return the place of each name in their sorted order (code points), int32."""
    ranks = np.empty(len(names), np.int32)
    ranks[names.arg_sort().to_numpy()] = np.arange(len(names), dtype=np.int32)
    return ranks


def _without_huge(
    indptr: np.ndarray, items: np.ndarray, max_basket_size: int | None, say: Callable[[str], None]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Leave out empty baskets and those that are too large, or warn of those that will be slow.

    Returns:
        The two arrays for the baskets that are left, and which baskets those are.
    """
    sizes = np.diff(indptr)
    most = HUGE_BASKET if max_basket_size is None else max_basket_size
    huge = sizes > most
    if huge.any() and max_basket_size is None:
        say(
            f"{number_of(huge.sum(), 'basket')} of more than {most:,} products, the largest {sizes.max():,}: "
            "if mining is slow, leave them out with `max_basket_size`"
        )
    elif huge.any():
        say(
            f"{number_of(huge.sum(), 'basket')} with more than {most:,} products left out (`max_basket_size`)"
        )
        items = items[np.repeat(~huge, sizes)]
        sizes[huge] = 0
    kept = np.flatnonzero(sizes)
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes[kept])]), items, kept


def _first_rows(coded: CodedRows, n_baskets: int) -> np.ndarray | None:
    """Return the first row of each basket, where that is wanted."""
    if coded.rows is None:
        return None
    first = np.full(n_baskets, -1, np.int64)
    first[coded.basket[::-1]] = coded.rows[::-1]
    return first
