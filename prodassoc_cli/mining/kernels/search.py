"""The search for frequent itemsets: occurrence-deliver projection above, bitset Eclat below.

The frequent items are numbered 0, 1, … from the rarest; a basket is a run of ascending numbers between two
-1. A set is grown by items of higher number only. For each item the baskets that contain it are visited
(its occurrences), the items after it are counted, and the frequent ones among them make a smaller projection,
which is searched the same way (Uno et al. 2004, LCM ver. 2; Borgelt 2012, "Frequent item set mining"). As
soon as a projection is small or dense enough, bitsets are cheaper, and `grow_bitsets` takes over.

For closed and maximal sets the items before an item are carried along too, only to be watched: an earlier
item in every basket of a set shows that the set's closure is found elsewhere (the prefix-preserving
extension of Uno et al.). No result is ever stored to compare others with.

Every function here is a numba kernel: arrays in, arrays out, no Python objects, without the GIL.
"""

from __future__ import annotations

import numpy as np

from prodassoc_cli.mining.kernels.bitsets import (
    ALL,
    CLOSED,
    add_closed,
    add_extensions,
    grow_bitsets,
    leave_node,
)
from prodassoc_cli.mining.kernels.projection import (
    count_neighbours,
    count_pairs,
    fill_bitsets,
    index_projection,
    project,
    sort_frequent,
    with_space,
)
from prodassoc_cli.numerics.jit import KERNEL, STEP, njit, types

DENSITY = 48
"""Words of bitsets that may be intersected for each step of the projection's next level."""
PAIR_COST = 2
"""Words of bitsets that are intersected in the time in which `count_pairs` takes a step."""
_MAX_LEVELS = 64
_NEXT, _END, _ROWS, _PTR, _IDS, _COUNTS, _NODE, _DEPTH, _EXT, _EXTS, _TOP, _FIELDS = range(12)

_i32, _i64 = types.int32[::1], types.int64
_i64s, _u64s = types.int64[::1], types.uint64[::1]
_tree = types.int32[:, ::1]


@njit(
    types.Tuple((_i64, _i64, _i64))(
        _i32, _i64, _i32, _i64, _i64, types.boolean, _i32, _i64, _i64, _i64, _i64, _i32
    ),
    **STEP,
)  # fmt: skip
def choose_rows(
    seen: np.ndarray, kept: int, count: np.ndarray, here: int, n_here: int, prune: bool,
    arena: np.ndarray, ids: int, at_ids: int, at_counts: int, at_ext: int, row_of: np.ndarray,
) -> tuple[int, int, int]:  # fmt: skip
    """Make of each frequent neighbour a row of the projection or, with `prune`, a perfect extension.

    Args:
        seen: the neighbours, ascending.
        kept: their number.
        count: count of each.
        here: the row they are neighbours of.
        n_here: its count.
        prune: whether those in every basket of `here` are taken out of the search.
        arena: holds the codes of the items, from `ids`.
        ids: see `arena`.
        at_ids: where the codes of the rows go.
        at_counts: where the counts of the rows go.
        at_ext: where the codes of the perfect extensions go.
        row_of: gets the row of each neighbour.

    Returns:
        The number of rows; how many of them are before `here`; the number of perfect extensions, or -1 if
        one of them is before `here`: then all that could be found is found elsewhere.
    """
    rows, first, exts = 0, 0, 0
    for at in range(kept):
        other = seen[at]
        if prune and count[other] == n_here:
            if other < here:
                return rows, first, -1
            arena[at_ext + exts] = arena[ids + other]
            exts += 1
        else:
            first += other < here
            arena[at_ids + rows] = arena[ids + other]
            arena[at_counts + rows] = count[other]
            row_of[other] = rows
            rows += 1
    return rows, first, exts


@njit(
    types.Tuple((_tree, _i64))(_i32, _i32, _i64s, _i64s, _i64s, _i64, _i64, _i64, _i64),
    **KERNEL,
)
def search(
    db: np.ndarray, occ: np.ndarray, ptr: np.ndarray, counts: np.ndarray, roots: np.ndarray,
    min_count: int, mode: int, max_size: int, limit: int,
) -> tuple[np.ndarray, int]:  # fmt: skip
    """Find every set whose rarest item is one of `roots`, and return their prefix tree and its size.

    Level 0 is the whole database, a level below it a projection. All that belongs to a level lies in one
    `arena`, a stack of integers: the projected baskets, the codes and the counts of its rows, the perfect
    extensions, then where each row occurs.

    Args:
        db: from `index_baskets`.
        occ: from `index_baskets`.
        ptr: from `index_baskets`.
        counts: int64, the count of each item, from the rarest.
        roots: int64, items to start from.
        min_count: minimum count of a result, at least 1.
        mode: ALL, CLOSED or MAXIMAL.
        max_size: maximum number of items of a result.
        limit: most nodes of the tree; the search stops when it is passed.

    Returns:
        tree: int32[3, …], see `bitsets.PARENT`; items are codes by descending count.
        n: its number of nodes.
    """
    n_items = counts.size
    tree = np.empty((3, 1024), np.int32)
    n, last = 0, -1
    count = np.zeros(n_items, np.int32)
    row_of = np.empty(n_items, np.int32)
    seen = np.empty(n_items + 1, np.int32)
    arena = np.empty(2 * n_items + (1 << 14), np.int32)
    for row in range(n_items):
        row_of[row] = -1
        arena[row] = n_items - 1 - row
        arena[n_items + row] = counts[row]
    bits = np.empty(1 << 12, np.uint64)
    stack = np.empty((2, 256), np.int32)
    pairs = np.empty(1 << 10, np.int32)
    state = np.empty((_MAX_LEVELS, _FIELDS), np.int64)
    state[0, _ROWS], state[0, _IDS], state[0, _COUNTS], state[0, _TOP] = n_items, 0, n_items, 2 * n_items
    state[0, _NODE], state[0, _DEPTH] = -1, 0
    both = mode != ALL
    prune = both or max_size > 1 << 30
    for root in roots:
        level = 0
        state[0, _NEXT], state[0, _END] = root, root + 1
        while level >= 0:
            if n > limit:
                return tree, n
            here, ids, parent = state[level, _NEXT], state[level, _IDS], state[level, _NODE]
            if here == state[level, _END]:
                if level > 0:
                    at, exts = state[level, _EXT], state[level, _EXTS]
                    tree, n = leave_node(tree, n, parent, mode, last, arena, at, at + exts, limit)
                level -= 1
                continue
            state[level, _NEXT] = here + 1
            item, n_here = np.int64(arena[ids + here]), np.int64(arena[state[level, _COUNTS] + here])
            if level == 0:
                start, stop = np.int64(ptr[here]), np.int64(ptr[here + 1])
            else:
                at = state[level, _PTR] + here
                start, stop = np.int64(arena[at]), np.int64(arena[at + 1])
            size = state[level, _DEPTH] + 1
            if mode == ALL:
                tree, n = add_closed(tree, n, parent, item, n_here, arena, 0, 0, True)
                if size == max_size or stop - start < min_count:
                    continue

            # Count the neighbours, and choose the rows of their projection.
            n_rows = state[level, _ROWS]
            if level == 0:
                n_seen, total = count_neighbours(db, occ, start, stop, both, count, seen)
            else:
                n_seen, total = count_neighbours(arena, arena, start, stop, both, count, seen)
            at_ids = state[level, _TOP]
            at_counts, at_ext = at_ids + n_seen, at_ids + 2 * n_seen
            at_seen, at_ptr = at_ids + 3 * n_seen, at_ids + 4 * n_seen
            room = at_ptr + n_seen + 2 * total + stop - start + 8
            if room > arena.size:
                arena = with_space(arena, at_ids, room)
            for at in range(n_seen):
                arena[at_seen + at] = seen[at]
            kept = sort_frequent(seen, n_seen, count, 0 if both else here + 1, n_rows, min_count)
            rows, first, exts = choose_rows(
                seen, kept, count, here, n_here, prune, arena, ids, at_ids, at_counts, at_ext, row_of
            )

            # Emit what is known already.
            goes_on = rows > first and exts >= 0
            if mode == ALL:
                node = n - 1
                if rows == 1:
                    tree, n = add_closed(
                        tree, n, node, np.int64(arena[at_ids]), np.int64(arena[at_counts]), arena, 0, 0, True
                    )
                if rows < 2:
                    goes_on = False
                    tree, n = add_extensions(tree, n, node, arena, at_ext, at_ext + exts, limit)
            elif exts >= 0:
                before = n
                size += exts
                result = size <= max_size and (mode == CLOSED or rows == 0)
                tree, n = add_closed(tree, n, parent, item, n_here, arena, at_ext, at_ext + exts, result)
                if result:
                    last = n - 1
                node = n - 1
                goes_on = goes_on and size <= max_size
                if not goes_on:
                    n = max(last + 1, before)

            at_db = at_ptr + rows + 1
            end, baskets, squares = at_db, 0, 0
            if goes_on:
                if level == 0:
                    end, baskets, squares = project(db, occ, start, stop, both, row_of, arena, at_db)
                else:
                    end, baskets, squares = project(arena, arena, start, stop, both, row_of, arena, at_db)
            for at in range(at_seen, at_seen + n_seen):
                count[arena[at]] = 0
                row_of[arena[at]] = -1
            if not goes_on:
                continue

            # Go on below it: on bitsets where that is cheaper, else by projecting again.
            words = (baskets + 63) >> 6
            if level + 2 == _MAX_LEVELS or rows * rows * words < DENSITY * squares:
                counted = PAIR_COST * squares < rows * rows * (words + 8)
                if counted:
                    if rows * rows > pairs.size:
                        pairs = np.empty(2 * rows * rows, np.int32)
                    count_pairs(arena, at_db, end, rows, pairs)
                if rows * words > bits.size:
                    bits = np.empty(2 * rows * words, np.uint64)
                fill_bitsets(arena, at_db, end, rows, words, bits)
                tree, n, last, bits, stack = grow_bitsets(
                    bits, stack, words, rows, first, rows, pairs, counted, arena, at_ids, at_counts, node,
                    size, min_count, mode, max_size, limit, tree, n, last,
                )  # fmt: skip
                if n <= limit:
                    tree, n = leave_node(tree, n, node, mode, last, arena, at_ext, at_ext + exts, limit)
                continue
            index_projection(arena, at_db, end, at_ptr, rows)
            level += 1
            state[level, _NEXT], state[level, _END], state[level, _ROWS] = first, rows, rows
            state[level, _PTR], state[level, _IDS], state[level, _COUNTS] = at_ptr, at_ids, at_counts
            state[level, _NODE], state[level, _DEPTH] = node, size
            state[level, _EXT], state[level, _EXTS] = at_ext, exts
            state[level, _TOP] = end + (end - at_db)
    return tree, n


@njit(_u64s(_i32, _i64, _i64), **KERNEL)
def bitsets_of(db: np.ndarray, rows: int, words: int) -> np.ndarray:
    """Return the whole database as bitsets: `words` per item, one bit per basket."""
    bits = np.empty(rows * words, np.uint64)
    fill_bitsets(db, 0, db.size, rows, words, bits)
    return bits


@njit(types.Tuple((_tree, _i64))(_u64s, _i64s, _i64s, _i64, _i64, _i64, _i64), **KERNEL)
def search_bitsets(
    whole: np.ndarray, counts: np.ndarray, roots: np.ndarray,
    min_count: int, mode: int, max_size: int, limit: int,
) -> tuple[np.ndarray, int]:  # fmt: skip
    """Find what `search` finds, where the whole database is dense enough for bitsets.

    Args:
        whole: from `bitsets_of`; the other arguments are those of `search`.
        counts: see `search`.
        roots: see `search`.
        min_count: see `search`.
        mode: see `search`.
        max_size: see `search`.
        limit: see `search`.
    """
    rows = counts.size
    words = whole.size // rows
    bits = np.empty(2 * whole.size, np.uint64)
    for word in range(whole.size):
        bits[word] = whole[word]
    ids = np.empty(2 * rows, np.int32)
    for row in range(rows):
        ids[row] = rows - 1 - row
        ids[rows + row] = counts[row]
    tree, stack, pairs = np.empty((3, 1024), np.int32), np.empty((2, 256), np.int32), np.empty(1, np.int32)
    n, last = 0, -1
    for root in roots:
        if n > limit:
            break
        tree, n, last, bits, stack = grow_bitsets(
            bits, stack, words, rows, root, root + 1, pairs, False, ids, 0, rows, -1, 0,
            min_count, mode, max_size, limit, tree, n, last,
        )  # fmt: skip
    return tree, n
