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
from numba import njit, types

from prodassoc_cli.mining.bitsets import (
    ALL,
    CLOSED,
    COUNT,
    ITEM,
    KERNEL,
    PARENT,
    add_closed,
    add_extensions,
    grow_bitsets,
    with_room,
)
from prodassoc_cli.mining.projection import (
    count_neighbours,
    fill_bitsets,
    index_projection,
    project,
    sort_frequent,
)

_MAX_LEVELS = 64
DENSITY = 24
_NEXT, _FIRST, _ROWS, _PTR, _IDS, _COUNTS, _NODE, _DEPTH, _EXT, _EXTS, _TOP, _FIELDS = range(12)

_i32, _i64 = types.int32[::1], types.int64
_i64s = types.int64[::1]
_tree = types.int32[:, ::1]


@njit(
    types.Tuple((_tree, _i64))(_i32, _i32, _i64s, _i64s, _i64s, _i64, _i64, _i64, _i64),
    **KERNEL,
)
def search(
    db: np.ndarray, occ: np.ndarray, ptr: np.ndarray, counts: np.ndarray, roots: np.ndarray,
    min_count: int, mode: int, max_size: int, limit: int,
) -> tuple[np.ndarray, int]:  # fmt: skip
    """Find every set whose rarest item is one of `roots`, and return their prefix tree and its size.

    Args:
        db: from `index_baskets`.
        occ: from `index_baskets`.
        ptr: from `index_baskets`.
        counts: int64, the count of each item, from the rarest.
        roots: int64, items to start from.
        min_count: least count of a result, at least 1.
        mode: ALL, CLOSED or MAXIMAL.
        max_size: most items of a result.
        limit: most nodes of the tree; the search stops when it is passed.

    Returns:
        tree: int32[3, …], see `bitsets.PARENT`; items are codes by descending count.
        n: its number of nodes.
    """
    n_items = counts.size
    tree = np.empty((3, 1024), np.int32)
    n = 0
    last = -1
    count = np.zeros(n_items, np.int32)
    row_of = np.full(n_items, np.int32(-1))
    seen = np.empty(n_items, np.int32)
    arena = np.empty(1 << 14, np.int32)
    bits = np.empty(1 << 12, np.uint64)
    stack = np.empty((2, 256), np.int32)
    state = np.empty((_MAX_LEVELS, _FIELDS), np.int64)
    both = mode != ALL
    for root in roots:
        level = 0
        state[0, _NEXT], state[0, _ROWS], state[0, _NODE], state[0, _DEPTH] = root, root + 1, -1, 0
        state[0, _TOP] = 0
        while True:
            here = state[level, _NEXT]
            if n > limit:
                return tree, n
            if here == state[level, _ROWS]:
                if level == 0:
                    break
                if mode == ALL:
                    at = state[level, _EXT]
                    tree, n = add_extensions(
                        tree, n, state[level, _NODE], arena, at, at + state[level, _EXTS], limit
                    )
                else:
                    n = max(last + 1, state[level, _NODE])
                level -= 1
                continue
            state[level, _NEXT] = here + 1
            if level == 0:
                item, n_here = n_items - 1 - here, counts[here]
                start, stop, n_rows = ptr[here], ptr[here + 1], n_items
            else:
                item, n_here = (
                    np.int64(arena[state[level, _IDS] + here]),
                    np.int64(arena[state[level, _COUNTS] + here]),
                )
                at = state[level, _PTR] + here
                start, stop, n_rows = np.int64(arena[at]), np.int64(arena[at + 1]), state[level, _ROWS]
            parent = state[level, _NODE]
            size = state[level, _DEPTH] + 1
            if mode == ALL:
                tree = with_room(tree, n, n + 1)
                tree[PARENT, n] = parent
                tree[ITEM, n] = item
                tree[COUNT, n] = n_here
                n += 1
                if size == max_size or stop - start < min_count:
                    continue

            if level == 0:
                n_seen, total = count_neighbours(db, occ, start, stop, both, count, seen)
            else:
                n_seen, total = count_neighbours(arena, arena, start, stop, both, count, seen)
            top = state[level, _TOP]
            if top + 5 * n_seen + 2 * total + stop - start + 8 > arena.size:
                wider = np.empty(2 * (top + 5 * n_seen + 2 * total + stop - start + 8), np.int32)
                wider[:top] = arena[:top]
                arena = wider

            # Which neighbours go on: as rows of the projection, or as perfect extensions of the set.
            low = 0 if both else here + 1
            n_seen_all = n_seen
            at_ids, at_counts, at_ext = top, top + n_seen, top + 2 * n_seen
            at_seen = top + 3 * n_seen
            arena[at_seen : at_seen + n_seen] = seen[:n_seen]
            kept = sort_frequent(seen, n_seen, count, low, n_rows, min_count)
            rows, first, exts = 0, 0, 0
            redundant = False
            for at in range(kept):
                other = seen[at]
                n_both = count[other]
                other_item = (
                    n_items - 1 - other if level == 0 else np.int64(arena[state[level, _IDS] + other])
                )
                if n_both == n_here and (mode != ALL or max_size > 1 << 30):
                    if other < here:
                        redundant = True
                        break
                    arena[at_ext + exts] = other_item
                    exts += 1
                else:
                    first += other < here
                    arena[at_ids + rows] = other_item
                    arena[at_counts + rows] = n_both
                    row_of[other] = rows
                    rows += 1
            node = n - 1
            goes_on = rows > first and not redundant
            if mode == ALL:
                if rows == 1:
                    tree = with_room(tree, n, n + 1)
                    tree[PARENT, n] = node
                    tree[ITEM, n] = arena[at_ids]
                    tree[COUNT, n] = arena[at_counts]
                    n += 1
                if rows < 2:
                    goes_on = False
                    tree, n = add_extensions(tree, n, node, arena, at_ext, at_ext + exts, limit)
            elif not redundant:
                size += exts
                result = size <= max_size and (mode == CLOSED or rows == 0)
                before = n
                tree, n = add_closed(tree, n, parent, item, n_here, arena, at_ext, at_ext + exts, result)
                node = n - 1
                if result:
                    last = node
                if not goes_on or size > max_size:
                    goes_on = False
                    n = max(last + 1, before)

            at_ptr = at_seen + n_seen_all
            at_db = at_ptr + rows + 1
            end, baskets, squares = 0, 0, 0
            if goes_on:
                if level == 0:
                    end, baskets, squares = project(db, occ, start, stop, both, row_of, arena, at_db)
                else:
                    end, baskets, squares = project(arena, arena, start, stop, both, row_of, arena, at_db)
            for at in range(at_seen, at_seen + n_seen_all):
                count[arena[at]] = 0
                row_of[arena[at]] = -1
            if not goes_on:
                continue

            words = (baskets + 63) >> 6
            if level + 2 == _MAX_LEVELS or rows * rows * words < DENSITY * squares:
                if rows * words > bits.size:
                    bits = np.empty(2 * rows * words, np.uint64)
                fill_bitsets(arena, at_db, end, rows, words, bits)
                tree, n, last, bits, stack = grow_bitsets(
                    bits, stack, words, rows, first, arena, at_ids, at_counts, node, size,
                    min_count, mode, max_size, limit, tree, n, last,
                )  # fmt: skip
                if n > limit:
                    return tree, n
                if mode == ALL:
                    tree, n = add_extensions(tree, n, node, arena, at_ext, at_ext + exts, limit)
                else:
                    n = max(last + 1, node)
                continue
            index_projection(arena, at_db, end, at_ptr, rows)
            level += 1
            state[level, _NEXT], state[level, _FIRST], state[level, _ROWS] = first, first, rows
            state[level, _PTR], state[level, _IDS], state[level, _COUNTS] = at_ptr, at_ids, at_counts
            state[level, _NODE], state[level, _DEPTH] = node, size
            state[level, _EXT], state[level, _EXTS] = at_ext, exts
            state[level, _TOP] = end + (end - at_db)
    return tree, n
