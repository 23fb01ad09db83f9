"""Projections: the baskets of an item, cut down to the items that can still be frequent with it.

A database is one array: the items of a basket as a run of ascending numbers, between two -1. An occurrence is
the position of an item in it; to deliver an item is to visit its occurrences (Uno et al. 2004, LCM ver. 2).

Every function here is a numba kernel: arrays in, arrays out, no Python objects, without the GIL.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba.core import cgutils
from numba.extending import intrinsic

from prodassoc_cli.numerics.jit import KERNEL, STEP, njit, types

_AHEAD = 16
"""How many occurrences ahead memory is asked for.

Where a basket ends cannot be foreseen, so the CPU does not look ahead by itself: on a million baskets half
the time went by waiting.
"""


_i32, _i64, _u64 = types.int32[::1], types.int64, types.uint64[::1]
_i64s = types.int64[::1]


@njit(types.Tuple((_i32, _i32, _i64s, _i64s))(_i64s, _i32, _i64), **KERNEL)
def index_baskets(
    indptr: np.ndarray, items: np.ndarray, n_frequent: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Lay out the baskets for the search, and list where each item occurs.

    Args:
        indptr: int64[n + 1], where each basket begins in `items`.
        items: int32, codes by descending count, ascending within a basket.
        n_frequent: codes below it are frequent.

    Returns:
        db: int32, numbers from the rarest, ascending, each basket between two -1; baskets with fewer than two
            frequent items are left out.
        occ: int32, the positions in `db` of each item, one item after the other.
        ptr: int64[n_frequent + 1], where each item begins in `occ`.
        cost: int64[n_frequent], the number of items after it in all its baskets.
    """
    baskets = indptr.size - 1
    ptr = np.zeros(n_frequent + 1, np.int64)
    cost = np.zeros(n_frequent, np.int64)
    length = 1
    for basket in range(baskets):
        size = 0
        for at in range(indptr[basket], indptr[basket + 1]):
            if items[at] < n_frequent:
                size += 1
        if size > 1:
            length += size + 1
    db = np.empty(length, np.int32)
    db[0] = -1
    at = 1
    for basket in range(baskets):
        start = at
        for source in range(indptr[basket + 1] - 1, indptr[basket] - 1, -1):
            item = items[source]
            if item < n_frequent:
                if at < length:
                    db[at] = n_frequent - 1 - item
                at += 1
        if at - start < 2:
            at = start
            continue
        for position in range(start, at):
            ptr[db[position] + 1] += 1
            cost[db[position]] += at - 1 - position
        db[at] = -1
        at += 1
    for item in range(n_frequent):
        ptr[item + 1] += ptr[item]
    occ = np.empty(ptr[n_frequent], np.int32)
    place = ptr[:n_frequent].copy()
    for position in range(length):
        item = db[position]
        if item >= 0:
            occ[place[item]] = position
            place[item] += 1
    return db, occ, ptr, cost


@intrinsic
def prefetch(typing_context, array, index):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Ask for the memory of `array[index]`, without waiting for it (LLVM's `prefetch`)."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        data = cgutils.create_struct_proxy(signature.args[0])(context, builder, arguments[0]).data
        place = builder.bitcast(builder.gep(data, [arguments[1]]), cgutils.voidptr_t)
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, number, number, number])
        ask = builder.module.declare_intrinsic("llvm.prefetch", [cgutils.voidptr_t], kind)
        builder.call(ask, [place, number(0), number(3), number(1)])  # to read, to keep, data
        return context.get_dummy_value()

    return types.void(array, types.int64), generate


@njit(_i32(_i32, _i64, _i64), **STEP)
def with_space(arena: np.ndarray, used: int, wanted: int) -> np.ndarray:
    """Return `arena`, or a copy of at least twice its size where `wanted` would not fit."""
    if wanted <= arena.size:
        return arena
    wider = np.empty(2 * wanted, np.int32)
    for at in range(used):
        wider[at] = arena[at]
    return wider


@njit(types.Tuple((_i64, _i64))(_i32, _i32, _i64, _i64, types.boolean, _i32, _i32), **STEP)
def count_neighbours(
    db: np.ndarray, occ: np.ndarray, start: int, stop: int, both: bool, count: np.ndarray, seen: np.ndarray
) -> tuple[int, int]:
    """Count the items after (with `both` also before) the occurrences; list those seen; sum the counts."""
    n_seen = 0
    total = 0
    for occurrence in range(start, stop):
        begin = occ[occurrence]
        prefetch(db, np.int64(occ[min(occurrence + _AHEAD, stop - 1)]))
        at = begin + 1
        item = db[at]
        while item >= 0:
            seen[n_seen] = item
            n_seen += count[item] == 0
            count[item] += 1
            at += 1
            item = db[at]
        total += at - begin
        if both:
            at = begin - 1
            item = db[at]
            while item >= 0:
                seen[n_seen] = item
                n_seen += count[item] == 0
                count[item] += 1
                at -= 1
                item = db[at]
            total += begin - at
    return n_seen, total


@njit(_i64(_i32, _i64, _i32, _i64, _i64, _i64), **STEP)
def sort_frequent(
    seen: np.ndarray, n_seen: int, count: np.ndarray, low: int, high: int, min_count: int
) -> int:
    """Move the frequent items of `seen` to its front, ascending, and return their number."""
    kept = 0
    for at in range(n_seen):
        if count[seen[at]] >= min_count:
            seen[kept] = seen[at]
            kept += 1
    if kept * kept > 4 * (high - low):
        kept = 0
        for item in range(low, high):
            if count[item] >= min_count:
                seen[kept] = item
                kept += 1
        return kept
    for at in range(1, kept):
        item = seen[at]
        back = at - 1
        while back >= 0 and seen[back] > item:
            seen[back + 1] = seen[back]
            back -= 1
        seen[back + 1] = item
    return kept


@njit(types.Tuple((_i64, _i64, _i64))(_i32, _i32, _i64, _i64, types.boolean, _i32, _i32, _i64), **STEP)
def project(
    db: np.ndarray, occ: np.ndarray, start: int, stop: int, both: bool,
    row_of: np.ndarray, arena: np.ndarray, at: int,
) -> tuple[int, int, int]:  # fmt: skip
    """Copy what follows (with `both` also precedes) the occurrences to the arena, as rows of the projection.

    Baskets with fewer than two items left are dropped: they can count no further pair.

    Returns:
        the end of the copy, its number of baskets, and the sum of their squared sizes.
    """
    arena[at] = -1
    at += 1
    baskets = 0
    squares = 0
    for occurrence in range(start, stop):
        source = occ[occurrence]
        prefetch(db, np.int64(occ[min(occurrence + _AHEAD, stop - 1)]))
        if both:
            while db[source - 1] >= 0:
                source -= 1
        else:
            source += 1
        begin = at
        item = db[source]
        while item >= 0:
            row = row_of[item]
            arena[at] = row
            at += row >= 0
            source += 1
            item = db[source]
        size = at - begin
        if size < 2:
            at = begin
        else:
            arena[at] = -1
            at += 1
            baskets += 1
            squares += size * size
    return at, baskets, squares


@njit(types.void(_i32, _i64, _i64, _i64, _i64), **STEP)
def index_projection(arena: np.ndarray, db_at: int, stop: int, ptr_at: int, rows: int) -> None:
    """List the occurrences of each row after `stop`; where each row's begin goes to `ptr_at` (rows + 1)."""
    for row in range(rows + 1):
        arena[ptr_at + row] = 0
    for at in range(db_at, stop):
        if arena[at] >= 0:
            arena[ptr_at + arena[at]] += 1
    total = stop
    for row in range(rows + 1):
        total += arena[ptr_at + row]
        arena[ptr_at + row] = total
    for at in range(stop - 1, db_at - 1, -1):
        row = arena[at]
        if row >= 0:
            arena[ptr_at + row] -= 1
            arena[arena[ptr_at + row]] = at


@njit(types.void(_i32, _i64, _i64, _i64, _i32), **STEP)
def count_pairs(arena: np.ndarray, begin: int, stop: int, rows: int, pairs: np.ndarray) -> None:
    """Count in how many baskets of the projection each pair of rows a < b is, into `pairs[a * rows + b]`.

    Where few pairs are frequent this is cheaper than to intersect the bitsets of all.
    """
    for pair in range(rows * rows):
        pairs[pair] = 0
    for at in range(begin, stop):
        row = arena[at]
        if row >= 0:
            after = at + 1
            other = arena[after]
            while other >= 0:
                pairs[row * rows + other] += 1
                after += 1
                other = arena[after]


@njit(types.void(_i32, _i64, _i64, _i64, _i64, _u64), **STEP)
def fill_bitsets(arena: np.ndarray, db_at: int, stop: int, rows: int, words: int, bits: np.ndarray) -> None:
    """Set bit `basket` of row `item` for every item of every basket of the projection."""
    for word in range(rows * words):
        bits[word] = 0
    basket = -1
    for at in range(db_at, stop):
        row = arena[at]
        if row < 0:
            basket += 1
        else:
            bits[row * words + (basket >> 6)] |= np.uint64(1) << np.uint64(basket & 63)
