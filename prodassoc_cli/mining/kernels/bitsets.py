"""Eclat on bitsets: the bottom of the search, where a projection is small or dense.

One row of bits an item, one bit a basket of the projection; the count of a set is the popcount of an AND
(Zaki 2000, "Scalable algorithms for association mining", with the bitsets of Borgelt's implementation).

Every function here is a numba kernel: arrays in, arrays out, no Python objects, without the GIL.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba.extending import intrinsic

from prodassoc_cli.numerics.jit import STEP, njit, types

ALL, CLOSED, MAXIMAL = 0, 1, 2
"""What the search emits."""

PARENT, ITEM, COUNT = 0, 1, 2
"""Rows of a prefix tree: int32[3, capacity]. A node stands for the set of items on its path to the root.

Parents come before their children, and the descendants of a node directly after it. The parent of a
first-level node is -1. A node with a negative count is no result: it only carries the path to results.
"""

_LOW, _HIGH, _NEXT, _STOP, _NODE, _DEPTH, _EXTENSIONS, _WIDTH, _FIELDS = range(9)

_MANY_ROWS, _SHRINKS = 16, 2
"""From so many rows of a level, and so many times fewer bits that are left of them, the others are dropped.

That takes as long as hundreds of intersections, so it must make many of them shorter.
"""

_i32, _i64, _u64 = types.int32[::1], types.int64, types.uint64[::1]
_tree = types.int32[:, ::1]


@intrinsic
def popcount(typing_context, word):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Number of set bits of a uint64, by LLVM's `ctpop`, which the CPU's vector unit runs."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


@intrinsic
def trailing_zeros(typing_context, word):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Number of zero bits below the lowest set bit of a uint64, by LLVM's `cttz`."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(types.uint64), generate


@njit(_tree(_tree, _i64, _i64), **STEP)
def with_room(tree: np.ndarray, used: int, wanted: int) -> np.ndarray:
    """Return `tree`, or a copy of at least twice its capacity where `wanted` nodes would not fit."""
    capacity = tree.shape[1]
    if wanted <= capacity:
        return tree
    grown = np.empty((3, max(wanted, 2 * capacity)), np.int32)
    for row in range(3):
        for node in range(used):  # a slice would compile its error messages too: two seconds
            grown[row, node] = tree[row, node]
    return grown


@njit(types.Tuple((_tree, _i64))(_tree, _i64, _i64, _i32, _i64, _i64, _i64), **STEP)
def add_extensions(
    tree: np.ndarray, n: int, node: int, items: np.ndarray, start: int, stop: int, limit: int
) -> tuple[np.ndarray, int]:
    """Add the perfect extensions `items[start:stop]` of `node`, whose descendants are complete.

    An item in every basket of a set (a perfect extension) doubles all that was found below the set. So it
    is kept out of the search, and the finished block of descendants is copied under it: a shift of parents.
    Stops, with a count past `limit`, before the tree would pass it.
    """
    for extension in range(start, stop):
        block = n - node - 1
        if n + block + 1 > limit:
            return tree, limit + 1
        tree = with_room(tree, n, n + block + 1)
        shift = n - node
        tree[PARENT, n] = node
        tree[ITEM, n] = items[extension]
        tree[COUNT, n] = tree[COUNT, node]
        for row in range(node + 1, n):
            tree[PARENT, row + shift] = tree[PARENT, row] + shift
        for row in range(node + 1, n):
            tree[ITEM, row + shift] = tree[ITEM, row]
        for row in range(node + 1, n):
            tree[COUNT, row + shift] = tree[COUNT, row]
        n += block + 1
    return tree, n


@njit(types.Tuple((_tree, _i64))(_tree, _i64, _i64, _i64, _i64, _i32, _i64, _i64, types.boolean), **STEP)
def add_closed(
    tree: np.ndarray, n: int, parent: int, item: int, count: int,
    items: np.ndarray, start: int, stop: int, result: bool,
) -> tuple[np.ndarray, int]:  # fmt: skip
    """Add `item` and, below it in a chain, its perfect extensions: the last node stands for the closure."""
    tree = with_room(tree, n, n + 1 + stop - start)
    tree[PARENT, n] = parent
    tree[ITEM, n] = item
    tree[COUNT, n] = -count
    n += 1
    for extension in range(start, stop):
        tree[PARENT, n] = n - 1
        tree[ITEM, n] = items[extension]
        tree[COUNT, n] = -count
        n += 1
    if result:
        tree[COUNT, n - 1] = count
    return tree, n


@njit(types.Tuple((_tree, _i64))(_tree, _i64, _i64, _i64, _i64, _i32, _i64, _i64, _i64), **STEP)
def leave_node(
    tree: np.ndarray, n: int, node: int, mode: int, last: int,
    items: np.ndarray, start: int, stop: int, limit: int,
) -> tuple[np.ndarray, int]:  # fmt: skip
    """Complete `node`, whose descendants are done.

    ALL: add its perfect extensions. Else: cut off the path, from the node on, that led to no result.
    """
    if mode == ALL:
        return add_extensions(tree, n, node, items, start, stop, limit)
    return tree, max(last + 1, node)


@njit(_i64(_u64, types.uint64, types.uint64, types.uint64, types.uint64), inline="never", **STEP)
def _intersect(bits: np.ndarray, a: int, b: int, target: int, words: int) -> int:
    """Write row `a` AND row `b` to row `target` (offsets in words) and return the number of set bits."""
    total = np.uint64(0)
    for word in range(words):
        both = bits[a + word] & bits[b + word]
        bits[target + word] = both
        total += popcount(both)
    return np.int64(total)


@njit(
    types.Tuple((_u64, _tree))(_u64, _tree, _i64, _i64, _i64),
    **STEP,
)
def _with_rows(
    bits: np.ndarray, stack: np.ndarray, used: int, wanted: int, words: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return `bits` and `stack`, or wider copies where `wanted` rows would not fit."""
    if wanted > stack.shape[1]:
        wider = np.empty((2, 2 * wanted), np.int32)
        for row in range(used):
            wider[0, row] = stack[0, row]
            wider[1, row] = stack[1, row]
        stack = wider
    if wanted * words > bits.size:
        longer = np.empty(2 * wanted * words, np.uint64)
        for word in range(used * words):
            longer[word] = bits[word]
        bits = longer
    return bits, stack


@njit(_i64(_u64, _i64, _i64, _i64, _i64, _i64), **STEP)
def _narrow(bits: np.ndarray, words: int, width: int, mask: int, low: int, high: int) -> int:
    """Keep of the rows from `low` to `high` only the bits that the row `mask` has; return the new width.

    A row has room for `words` words, of which the first `width` are in use.
    """
    used = 0
    for row in range(low, high):
        target = row * words
        packed, free = np.uint64(0), np.uint64(0)
        for word in range(width):
            left, given = bits[mask * words + word], bits[row * words + word]
            while left != 0:
                packed |= (given >> trailing_zeros(left) & np.uint64(1)) << free
                free += np.uint64(1)
                if free == 64:
                    bits[target] = packed
                    target += 1
                    packed, free = np.uint64(0), np.uint64(0)
                left &= left - np.uint64(1)
        if free > 0:
            bits[target] = packed
            target += 1
        used = target - row * words
    return used


@njit(_i64(_u64, _tree, _i64, _i64, _i64, _i64, _i64, _i64, _i64, _i32, types.boolean), **STEP)
def _watch(
    bits: np.ndarray, stack: np.ndarray, words: int, width: int, row: int, low: int, top: int, rows: int,
    min_count: int, pairs: np.ndarray, counted: bool,
) -> int:  # fmt: skip
    """Intersect the rows from `low` before `row` with it, and keep the frequent ones from `top` on.

    Returns:
        where the rows kept end; -1 if a row before is in every basket: the closure was found there.
    """
    wide = np.uint64(words)
    count = np.int64(stack[1, row])
    for other in range(low, row):
        if counted and pairs[other * rows + row] < min_count:
            continue
        both = _intersect(
            bits, np.uint64(row) * wide, np.uint64(other) * wide, np.uint64(top) * wide, np.uint64(width)
        )
        if both == count:
            return -1
        if both >= min_count:
            stack[0, top] = stack[0, other]
            stack[1, top] = both
            top += 1
    return top


@njit(
    types.Tuple((_tree, _i64, _i64, _u64, _tree))(
        _u64, _tree, _i64, _i64, _i64, _i64, _i32, types.boolean, _i32, _i64, _i64, _i64, _i64,
        _i64, _i64, _i64, _i64, _tree, _i64, _i64,
    ),
    **STEP,
)  # fmt: skip
def grow_bitsets(
    bits: np.ndarray, stack: np.ndarray, words: int, rows: int, first: int, stop: int, pairs: np.ndarray,
    counted: bool, ids: np.ndarray, ids_at: int, counts_at: int, node: int, depth: int,
    min_count: int, mode: int, max_size: int, limit: int, tree: np.ndarray, n: int, last: int,
) -> tuple[np.ndarray, int, int, np.ndarray, np.ndarray]:  # fmt: skip
    """Add every result below `node` to the tree, depth first, from the bitset rows of its projection.

    A level is a span of rows, `_LOW` to `_HIGH`: the items that are frequent with the level's set. Its rows
    from `_NEXT` to `_STOP` are taken as next item one after the other; each makes the level below, whose rows
    are written behind its own, with fewer words where that pays (`_WIDTH`).

    Args:
        bits: rows of `words` words each; the first `rows` are filled. Room for deeper rows grows.
        stack: int32[2, …] room for the item and the count of each row.
        words: words per row.
        rows: number of items of the projection, in search order.
        first: rows before it are not extended with, only watched: an item there that is in all baskets of a
            set shows that the set is not closed (or, if frequent with it, not maximal). 0 for ALL.
        stop: rows from it on are not extended with either, only intersected.
        pairs: from `projection.count_pairs`, where `counted`.
        counted: whether the pairs of rows are counted.
        ids: where the items' codes (at `ids_at`) and counts (at `counts_at`) lie.
        ids_at: see `ids`.
        counts_at: see `ids`.
        node: the tree's node of the projection.
        depth: number of items of that node.
        min_count: minimum count.
        mode: ALL, CLOSED or MAXIMAL.
        max_size: maximum number of items of a result.
        limit: most nodes; when passed, returns at once with more.
        tree: the prefix tree.
        n: its number of nodes.
        last: index of its last result.

    Returns:
        tree, n, last, bits, stack: some of them grown.
    """
    levels = np.empty((rows + 2, _FIELDS), np.int64)
    extensions = np.empty(rows + 1, np.int32)
    bits, stack = _with_rows(bits, stack, 0, rows, 0)
    for row in range(rows):
        stack[0, row] = ids[ids_at + row]
        stack[1, row] = ids[counts_at + row]
    prune = mode != ALL or max_size > 1 << 30
    level = 0
    levels[0, _LOW], levels[0, _HIGH], levels[0, _NEXT] = 0, rows, first
    levels[0, _NODE], levels[0, _DEPTH], levels[0, _EXTENSIONS] = node, depth, 0
    levels[0, _STOP], levels[0, _WIDTH] = stop, words
    n_extensions = 0
    while level >= 0 and n <= limit:
        row, low, high = levels[level, _NEXT], levels[level, _LOW], levels[level, _HIGH]
        parent, start = levels[level, _NODE], levels[level, _EXTENSIONS]
        if row == levels[level, _STOP]:
            if level > 0:
                tree, n = leave_node(tree, n, parent, mode, last, extensions, start, n_extensions, limit)
                n_extensions = start
            level -= 1
            continue
        levels[level, _NEXT] = row + 1
        item, count, size = np.int64(stack[0, row]), np.int64(stack[1, row]), levels[level, _DEPTH] + 1
        if mode == ALL:
            if n == tree.shape[1]:
                tree = with_room(tree, n, n + 1)
            tree[PARENT, n], tree[ITEM, n], tree[COUNT, n] = parent, item, count
            n += 1
            if row + 1 == high or size == max_size:
                continue

        most = high + high - low
        if most > stack.shape[1] or most * words > bits.size:
            bits, stack = _with_rows(bits, stack, high, most, words)
        start, watched, known = n_extensions, high, counted and level == 0
        width = levels[level, _WIDTH]
        if mode != ALL:
            watched = _watch(bits, stack, words, width, row, low, high, rows, min_count, pairs, known)
            if watched < 0:
                continue
        # Intersect the rows after it. Not a function of its own: passing the arrays would cost a third more.
        wide = np.uint64(words)
        mask = np.uint64(row) * wide
        top = watched
        for other in range(row + 1, high):
            if known and pairs[row * rows + other] < min_count:
                continue
            both = _intersect(bits, mask, np.uint64(other) * wide, np.uint64(top) * wide, np.uint64(width))
            if both >= min_count:
                if both == count and prune:
                    extensions[n_extensions] = stack[0, other]
                    n_extensions += 1
                else:
                    stack[0, top] = stack[0, other]
                    stack[1, top] = both
                    top += 1

        if mode == ALL:
            goes_on = top > watched
            if not goes_on:
                tree, n = add_extensions(tree, n, n - 1, extensions, start, n_extensions, limit)
        else:
            before = n
            size += n_extensions - start
            result = size <= max_size and (mode == CLOSED or top == high)
            tree, n = add_closed(tree, n, parent, item, count, extensions, start, n_extensions, result)
            if result:
                last = n - 1
            goes_on = top > watched and size <= max_size
            if not goes_on:
                n = max(last + 1, before)
        if mode != ALL or not goes_on:
            n_extensions = start
        if goes_on:
            level += 1
            levels[level, _LOW], levels[level, _HIGH], levels[level, _NEXT] = high, top, watched
            levels[level, _NODE], levels[level, _DEPTH], levels[level, _EXTENSIONS] = n - 1, size, start
            if top - watched >= _MANY_ROWS and _SHRINKS * count <= width << 6:
                width = _narrow(bits, words, width, row, high, top)
            levels[level, _STOP], levels[level, _WIDTH] = top, width
    return tree, n, last, bits, stack
