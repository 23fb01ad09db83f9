"""Rows of (basket, product) to compressed sparse rows: two counting passes, in place of sorting pairs.

Every function here is a numba kernel: arrays in, arrays out, no Python objects, without the GIL.
"""

from __future__ import annotations

import numpy as np

from prodassoc_cli.numerics.jit import KERNEL, njit, types

_i32, _i64s, _i64 = types.int32[::1], types.int64[::1], types.int64


@njit(types.Tuple((_i64s, _i32))(_i32, _i32, _i64, _i64), **KERNEL)
def distinct_rows(
    basket: np.ndarray, item: np.ndarray, n_baskets: int, n_items: int
) -> tuple[np.ndarray, np.ndarray]:
    """Lay out the distinct products of each basket, in the order in which they come.

    Args:
        basket: int32, the basket of each row, below `n_baskets`.
        item: int32, the product of each row, below `n_items`.
        n_baskets: baskets; some may have no row.
        n_items: products.

    Returns:
        indptr: int64[n_baskets + 1], where each basket begins.
        items: int32, the products, basket by basket.
    """
    indptr = np.zeros(n_baskets + 1, np.int64)
    for row in range(basket.size):
        indptr[basket[row] + 1] += 1
    for each in range(n_baskets):
        indptr[each + 1] += indptr[each]
    items = np.empty(basket.size, np.int32)
    for row in range(basket.size):
        items[indptr[basket[row]]] = item[row]
        indptr[basket[row]] += 1
    # Each basket now begins where it should end; the one before it says where it began.
    seen_in = np.full(n_items, -1, np.int32)
    kept = begin = 0
    for each in range(n_baskets):
        end, indptr[each] = indptr[each], kept
        for at in range(begin, end):
            if seen_in[items[at]] != each:
                seen_in[items[at]] = each
                items[kept] = items[at]
                kept += 1
        begin = end
    indptr[n_baskets] = kept
    return indptr, items[:kept]


@njit(types.void(_i64s, _i32, _i32), **KERNEL)
def recode_rows(indptr: np.ndarray, items: np.ndarray, code_of: np.ndarray) -> None:
    """Give every product its code, in place, ascending within each basket.

    Args:
        indptr: int64[n + 1], where each basket begins in `items`.
        items: int32, products; becomes codes.
        code_of: int32, the code of each product.
    """
    for basket in range(indptr.size - 1):
        begin, end = indptr[basket], indptr[basket + 1]
        for at in range(begin, end):
            items[at] = code_of[items[at]]
        gap = 1
        while gap < (end - begin) // 3:
            gap = 3 * gap + 1
        while gap > 0:  # Shell's sort: most baskets are so short that this is one insertion sort
            for at in range(begin + gap, end):
                code, to = items[at], at
                while to >= begin + gap and items[to - gap] > code:
                    items[to] = items[to - gap]
                    to -= gap
                items[to] = code
            gap //= 3
