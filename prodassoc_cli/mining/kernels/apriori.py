"""Apriori (Agrawal & Srikant 1994): candidates from the frequent sets of the level below, counted in a pass.

Kept beside the default miner because it is the method people know and compare with; the results are the same.
"""

from __future__ import annotations

import numpy as np

from prodassoc_cli.mining.baskets import Baskets
from prodassoc_cli.mining.kernels.bitsets import COUNT, ITEM, PARENT, with_room
from prodassoc_cli.mining.kernels.projection import index_baskets
from prodassoc_cli.mining.kernels.tree import find_set, index_sets
from prodassoc_cli.numerics.jit import KERNEL, njit, types

_i32, _i64, _u64, _i64s = types.int32[::1], types.int64, types.uint64[::1], types.int64[::1]
_tree = types.int32[:, ::1]


def apriori(baskets: Baskets, min_count: int, max_size: int, limit: int) -> tuple[np.ndarray, int]:
    """Return the prefix tree of all frequent sets.

    Inside, items are numbered from the rarest and a node's children are sorted by number, which keeps
    the candidate tree narrow where the baskets are long.

    Peak memory: 8 bytes per entry of the baskets, and 20 bytes per candidate and per frequent set.

    Args:
        baskets: the baskets.
        min_count: minimum count, at least 1.
        max_size: maximum number of items of a set.
        limit: most nodes, candidates included.

    Returns:
        the int32[3, n] tree (`bitsets.PARENT`) and n; more than `limit` where the search was stopped.
    """
    n_frequent = int((baskets.counts >= min_count).sum())
    if n_frequent == 0:
        return np.empty((3, 0), np.int32), 0
    db, occurrences, starts, _ = index_baskets(baskets.indptr, baskets.items, n_frequent)
    tree = np.empty((3, n_frequent), np.int32)
    tree[PARENT] = -1
    tree[ITEM] = np.arange(n_frequent)
    tree[COUNT] = baskets.counts[:n_frequent][::-1]
    begin, size = 0, 1
    while begin < tree.shape[1] <= limit and size < max_size:
        n = tree.shape[1]
        if size == 1:
            level = _frequent_pairs(db, occurrences, starts, min_count, limit - n)
        else:
            sets = index_sets(tree, begin)
            children = np.searchsorted(tree[PARENT], np.arange(n + 1))
            level = _candidates(tree, begin, children, sets.words, sets.hashes, sets.table, limit - n)
            if level.shape[1] <= limit - n:
                _count_candidates(db, tree, begin, level, size + 1)
                level = level[:, level[COUNT] >= min_count]
        tree = np.concatenate([tree, level], axis=1)
        begin, size = n, size + 1
    found = tree.shape[1]
    tree = np.ascontiguousarray(tree[:, :limit])
    tree[ITEM] = n_frequent - 1 - tree[ITEM]
    return tree, found


@njit(_tree(_i32, _i32, _i64s, _i64, _i64), **KERNEL)
def _frequent_pairs(
    db: np.ndarray, occurrences: np.ndarray, starts: np.ndarray, min_count: int, limit: int
) -> np.ndarray:
    """Return the second level. Every pair is a candidate; they are counted one first item at a time."""
    n_items = starts.size - 1
    level = np.empty((3, 1024), np.int32)
    n = 0
    count = np.zeros(n_items, np.int32)
    for first in range(n_items):
        count[first:] = 0
        for occurrence in range(starts[first], starts[first + 1]):
            at = occurrences[occurrence] + 1
            while db[at] >= 0:
                count[db[at]] += 1
                at += 1
        level = with_room(level, n, n + n_items - first)
        for second in range(first + 1, n_items):
            if count[second] >= min_count:
                level[PARENT, n] = first
                level[ITEM, n] = second
                level[COUNT, n] = count[second]
                n += 1
        if n > limit:
            break
    return level[:, :n].copy()


@njit(_tree(_tree, _i64, _i64s, _u64, _u64, _i32, _i64), **KERNEL)
def _candidates(
    tree: np.ndarray, begin: int, children: np.ndarray,
    words: np.ndarray, hashes: np.ndarray, table: np.ndarray, limit: int,
) -> np.ndarray:  # fmt: skip
    """Join siblings of the last level, and keep a join whose every subset of one less item is frequent.

    The two subsets that were joined are; the others lack one item of their common path.
    """
    level = np.empty((3, 1024), np.int32)
    n = 0
    for left in range(begin, tree.shape[1]):
        family_end = children[tree[PARENT, left] + 1]
        for right in range(left + 1, family_end):
            joined = hashes[left - begin] + words[tree[ITEM, right]]
            at = tree[PARENT, left]
            while at >= 0 and find_set(hashes, table, joined - words[tree[ITEM, at]]) >= 0:
                at = tree[PARENT, at]
            if at < 0:
                level = with_room(level, n, n + 1)
                level[PARENT, n] = left
                level[ITEM, n] = tree[ITEM, right]
                level[COUNT, n] = 0
                n += 1
        if n > limit:
            break
    return level[:, :n].copy()


def _count_candidates(db: np.ndarray, tree: np.ndarray, begin: int, level: np.ndarray, size: int) -> None:
    """Count in how many baskets each candidate of `size` items is (into `level`)."""
    whole = np.concatenate([tree, level], axis=1)
    nodes = np.arange(whole.shape[1] + 1)
    children = np.searchsorted(whole[PARENT], nodes)
    leads = np.zeros(whole.shape[1], bool)  # to a candidate: other branches need no visit
    frontier = np.unique(level[PARENT])
    while len(frontier) and frontier[0] >= 0:
        leads[frontier] = True
        frontier = np.unique(whole[PARENT][frontier])
    _visit(db, whole[ITEM], children, leads, size, whole[COUNT])
    level[COUNT] = whole[COUNT][tree.shape[1] :]


@njit(types.void(_i32, _i32, _i64s, types.boolean[::1], _i64, _i32), **KERNEL)
def _visit(
    db: np.ndarray, items: np.ndarray, children: np.ndarray, leads: np.ndarray, size: int, count: np.ndarray
) -> None:
    """Walk each basket down the candidate tree, and count the candidates it reaches.

    Items and children both ascend, so that a basket and the children of a node are merged; of many
    children only those ahead are looked at (by bisection).
    """
    child = np.empty(size + 1, np.int64)
    stop = np.empty(size + 1, np.int64)
    place = np.empty(size + 1, np.int64)
    begin = 1
    while begin < db.size:
        end = begin
        while db[end] >= 0:
            end += 1
        for first in range(begin, end - size + 1):
            root = db[first]
            depth = 1 if leads[root] else 0
            child[1], stop[1], place[1] = children[root], children[root + 1], first + 1
            while depth > 0:
                node, at = child[depth], place[depth]
                if node == stop[depth] or at + size - depth > end:
                    depth -= 1
                elif items[node] > db[at]:
                    place[depth] = at + 1
                elif items[node] < db[at]:
                    low, high = node + 1, stop[depth]
                    while low < high and items[low] < db[at]:
                        middle = (low + high) >> 1
                        if items[middle] < db[at]:
                            low = middle + 1
                        else:
                            high = middle
                    child[depth] = low
                else:
                    child[depth], place[depth] = node + 1, at + 1
                    if depth + 1 == size:
                        count[node] += 1
                    elif leads[node]:
                        depth += 1
                        child[depth], stop[depth], place[depth] = children[node], children[node + 1], at + 1
        begin = end + 1
