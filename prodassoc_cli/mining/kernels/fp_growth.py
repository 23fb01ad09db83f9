"""FP-growth (Han, Pei & Yin 2000): baskets as a prefix tree, mined by conditional trees.

Kept beside the default miner because it is the method people know and compare with; the results are the same.
"""

from __future__ import annotations

import numpy as np

from prodassoc_cli.mining.baskets import Baskets
from prodassoc_cli.mining.kernels.bitsets import COUNT, ITEM, PARENT, add_extensions, with_room
from prodassoc_cli.numerics.jit import KERNEL, njit, types

_i32, _i64, _i64s = types.int32[::1], types.int64, types.int64[::1]
_tree = types.int32[:, ::1]

_UP, _LABEL, _WEIGHT, _LINK, _COPY = range(5)
"""Rows of an FP-tree: parent, item, baskets, next node of the item, and its copy in the tree being made."""

_TOP, _LOW, _NEXT, _NODE, _SIZE, _EXT = range(6)


def fp_growth(baskets: Baskets, min_count: int, max_size: int, limit: int) -> tuple[np.ndarray, int]:
    """Return the prefix tree of all frequent sets.

    Peak memory: 20 bytes per node of the FP-tree (at most one node per entry of the baskets) and of the
    conditional trees above the current one, 16 bytes per place of the table that builds it, and the result.

    Args:
        baskets: the baskets.
        min_count: minimum count, at least 1.
        max_size: maximum number of items of a set.
        limit: most nodes of the result.

    Returns:
        the int32[3, n] tree (`bitsets.PARENT`) and n; more than `limit` where the search was stopped.
    """
    n_frequent = int((baskets.counts >= min_count).sum())
    forest, used, heads = _build(baskets.indptr, baskets.items, n_frequent)
    counts = baskets.counts[:n_frequent].astype(np.int32)
    tree, n = _mine(forest, used, heads, counts, min_count, max_size, limit)
    return tree[:, : min(n, limit)].copy(), n


@njit(_i64(_i64s, _i64), **KERNEL)
def _slot(keys: np.ndarray, key: int) -> int:
    """Return where `key` is, or would go, in an open-addressing table whose length is a power of two."""
    mask = keys.size - 1
    mixed = np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)
    place = np.int64(mixed >> np.uint64(20)) & mask
    while keys[place] >= 0 and keys[place] != key:
        place = (place + 1) & mask
    return place


@njit(_tree(_tree, _i64, _i64), **KERNEL)
def _wider(table: np.ndarray, used: int, wanted: int) -> np.ndarray:
    """Return `table`, or a copy with more columns where `wanted` would not fit."""
    if wanted <= table.shape[1]:
        return table
    wider = np.empty((table.shape[0], max(wanted, 2 * table.shape[1])), np.int32)
    wider[:, :used] = table[:, :used]
    return wider


@njit(types.Tuple((_tree, _i64, _i32))(_i64s, _i32, _i64), **KERNEL)
def _build(indptr: np.ndarray, items: np.ndarray, n_frequent: int) -> tuple[np.ndarray, int, np.ndarray]:
    """Insert every basket, most frequent item first; children are found in one hash table of (node, item)."""
    forest = np.empty((5, 1024), np.int32)
    used = 0
    heads = np.full(n_frequent, np.int32(-1))
    keys = np.full(4096, np.int64(-1))
    nodes = np.empty(4096, np.int32)
    for basket in range(indptr.size - 1):
        node = -1
        for at in range(indptr[basket], indptr[basket + 1]):
            item = items[at]
            if item >= n_frequent:
                break
            if 2 * used >= keys.size:
                old_keys, old_nodes = keys, nodes
                keys = np.full(2 * old_keys.size, np.int64(-1))
                nodes = np.empty(2 * old_keys.size, np.int32)
                for slot in range(old_keys.size):
                    if old_keys[slot] >= 0:
                        place = _slot(keys, old_keys[slot])
                        keys[place] = old_keys[slot]
                        nodes[place] = old_nodes[slot]
            key = (np.int64(node + 1) << 32) | np.int64(item)
            place = _slot(keys, key)
            if keys[place] < 0:
                forest = _wider(forest, used, used + 1)
                forest[_UP, used] = node
                forest[_LABEL, used] = item
                forest[_WEIGHT, used] = 0
                forest[_LINK, used] = heads[item]
                forest[_COPY, used] = -1
                heads[item] = used
                keys[place] = key
                nodes[place] = used
                used += 1
            node = nodes[place]
            forest[_WEIGHT, node] += 1
    return forest, used, heads


@njit(types.Tuple((_tree, _i64))(_tree, _i64, _i64, _i32, _i32), **KERNEL)
def _condition(
    forest: np.ndarray, used: int, first: int, kept: np.ndarray, heads: np.ndarray
) -> tuple[np.ndarray, int]:
    """Append the conditional tree: the ancestors of the linked nodes, reduced to the kept items.

    Args:
        forest: FP-trees, one after the other.
        used: columns in use.
        first: first node of the item that is the condition; the others are linked to it.
        kept: int32 by item, whether it stays.
        heads: int32 by item, filled with the first node of each kept item in the new tree.
    """
    old = used
    node = first
    while node >= 0:
        weight = forest[_WEIGHT, node]
        below = -1
        up = forest[_UP, node]
        while up >= 0:
            item = forest[_LABEL, up]
            if kept[item] != 0:
                copy = forest[_COPY, up]
                if copy < 0:
                    forest = _wider(forest, used, used + 1)
                    copy = np.int32(used)
                    used += 1
                    forest[_COPY, up] = copy
                    forest[_UP, copy] = -1
                    forest[_LABEL, copy] = item
                    forest[_WEIGHT, copy] = 0
                    forest[_LINK, copy] = heads[item]
                    forest[_COPY, copy] = -1
                    heads[item] = copy
                forest[_WEIGHT, copy] += weight
                if below >= old:
                    forest[_UP, below] = copy
                below = np.int64(copy)
            up = forest[_UP, up]
        node = np.int64(forest[_LINK, node])
    node = first
    while node >= 0:
        up = forest[_UP, node]
        while up >= 0:
            forest[_COPY, up] = -1
            up = forest[_UP, up]
        node = np.int64(forest[_LINK, node])
    return forest, used


@njit(types.Tuple((_tree, _i64))(_tree, _i64, _i32, _i32, _i64, _i64, _i64), **KERNEL)
def _mine(
    forest: np.ndarray, used: int, heads: np.ndarray, counts: np.ndarray,
    min_count: int, max_size: int, limit: int,
) -> tuple[np.ndarray, int]:  # fmt: skip
    """Mine the FP-tree depth first: a level of `levels` is a conditional tree, its header in `header`."""
    n_items = counts.size
    tree = np.empty((3, 1024), np.int32)
    n = 0
    header = np.empty((3, max(n_items, 1)), np.int32)
    for item in range(n_items):
        header[0, item], header[1, item], header[2, item] = item, heads[item], counts[item]
    extensions = np.empty(n_items + 1, np.int32)
    n_extensions = 0
    support = np.zeros(n_items, np.int32)
    head_of = np.full(n_items, np.int32(-1))
    levels = np.empty((n_items + 2, 6), np.int64)
    level = 0
    levels[0, _TOP], levels[0, _LOW], levels[0, _NEXT] = used, 0, n_items - 1
    levels[0, _NODE], levels[0, _SIZE], levels[0, _EXT] = -1, 0, 0
    while level >= 0 and n <= limit:
        at = levels[level, _NEXT]
        if at < levels[level, _LOW]:
            if level > 0:
                start = levels[level, _EXT]
                tree, n = add_extensions(
                    tree, n, levels[level, _NODE], extensions, start, n_extensions, limit
                )
                n_extensions = start
            level -= 1
            continue
        levels[level, _NEXT] = at - 1
        used = levels[level, _TOP]
        item, first, count = header[0, at], header[1, at], header[2, at]
        size = levels[level, _SIZE] + 1
        tree = with_room(tree, n, n + 1)
        tree[PARENT, n] = levels[level, _NODE]
        tree[ITEM, n] = item
        tree[COUNT, n] = count
        n += 1
        if size == max_size or at == levels[level, _LOW]:
            continue

        node = first
        while node >= 0:
            up = forest[_UP, node]
            while up >= 0:
                support[forest[_LABEL, up]] += forest[_WEIGHT, node]
                up = forest[_UP, up]
            node = forest[_LINK, node]
        low = at + 1
        high = low
        start = n_extensions
        for other in range(levels[level, _LOW], at):
            code = header[0, other]
            if support[code] == count and max_size > 1 << 30:
                extensions[n_extensions] = code
                n_extensions += 1
                support[code] = 0
            elif support[code] >= min_count:
                header = _wider(header, high, high + 1)
                header[0, high] = code
                header[2, high] = support[code]
                high += 1
            else:
                support[code] = 0
        if high > low:
            forest, used = _condition(forest, used, first, support, head_of)
        for slot in range(low, high):
            code = header[0, slot]
            header[1, slot] = head_of[code]
            head_of[code] = -1
            support[code] = 0
        level += 1
        levels[level, _TOP], levels[level, _LOW], levels[level, _NEXT] = used, low, high - 1
        levels[level, _NODE], levels[level, _SIZE], levels[level, _EXT] = n - 1, size, start
    return tree, n
