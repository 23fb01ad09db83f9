"""The default miner: occurrence-deliver and bitset Eclat, on threads that share a queue of first items."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import numpy as np

from prodassoc_cli.mining.baskets import Baskets
from prodassoc_cli.mining.kernels.bitsets import PARENT
from prodassoc_cli.mining.kernels.projection import index_baskets
from prodassoc_cli.mining.kernels.search import bitsets_of, search, search_bitsets

_TASKS = 96
_MIN_COST = 20_000
_MIN_COST_OF_BITS = 10 * _MIN_COST
_DENSITY = 4
"""Words of bitsets of all baskets that may be intersected for each step of the first projections.

Below it no basket is projected: mushroom at 20 % then takes a seventh of the time. At 5 (retail at 1 %) that
still gains a little, at 12 (T10I4D100K at 2 %) it loses.
"""


def eclat(
    baskets: Baskets,
    min_count: int,
    mode: int,
    max_size: int,
    limit: int,
    threads: int = 1,
    first: np.ndarray | None = None,
) -> tuple[np.ndarray, int]:
    """Return the prefix tree of the frequent, closed or maximal sets.

    Work is cut into tasks of first-level items that depend on the data alone and are taken from one queue,
    the largest first; their trees are joined in that order: the tree is the same for any number of threads.

    Where few items are frequent and each in many baskets, the search begins with bitsets of all baskets.

    Peak memory: 8 bytes per entry of the baskets for the index, and 12 bytes per node of the tree, of which
    the largest task's part exists twice for a moment.

    Args:
        baskets: the baskets.
        min_count: minimum count, at least 1.
        mode: `bitsets.ALL`, `CLOSED` or `MAXIMAL`.
        max_size: maximum number of items of a set that is returned.
        limit: most nodes.
        threads: threads to work with.
        first: find only sets whose rarest item is one of these codes [default: all]. Then `baskets` need hold
            no others than theirs, but `counts` must be the true ones.

    Returns:
        tree: int32[3, n] (`bitsets.PARENT`).
        found: its number of nodes; more than `limit` where the search was stopped and the tree is partial.
    """
    n_frequent = int((baskets.counts >= min_count).sum())
    if n_frequent == 0:
        return np.empty((3, 0), np.int32), 0
    db, occurrences, starts, cost = index_baskets(baskets.indptr, baskets.items, n_frequent)
    counts = baskets.counts[:n_frequent][::-1].copy()
    words = (len(baskets) + 63) >> 6
    squares = 2 * int(cost.sum()) + len(occurrences)
    is_dense = n_frequent * n_frequent * words < _DENSITY * squares
    bits = bitsets_of(db, n_frequent, words) if is_dense else None
    found = 0
    lock = Lock()

    def work(roots: np.ndarray) -> np.ndarray:
        nonlocal found
        room = limit - found
        if room < 0:
            return np.empty((3, 0), np.int32)
        if bits is None:
            tree, n = search(db, occurrences, starts, counts, roots, min_count, mode, max_size, room)
        else:
            tree, n = search_bitsets(bits, counts, roots, min_count, mode, max_size, room)
        with lock:
            found += n
        part: np.ndarray = tree[:, : min(n, room)]
        return part

    roots = np.arange(n_frequent) if first is None else n_frequent - 1 - first[first < n_frequent]
    tasks = _tasks(cost, roots, _MIN_COST_OF_BITS if is_dense else _MIN_COST)
    if threads == 1 or len(tasks) == 1:
        return join_trees([work(roots) for roots in tasks]), found
    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(work, tasks))
    return join_trees(parts), found


def _tasks(cost: np.ndarray, roots: np.ndarray, min_cost: int) -> list[np.ndarray]:
    """Cut first-level items into tasks of about the same cost, the largest first.

    Cost is the length of an item's projection: the true cost is not known before, so there are many more
    tasks than threads.
    """
    share = max(min_cost, int(cost[roots].sum()) // _TASKS)
    order = roots[np.argsort(-cost[roots], kind="stable")]
    run_in_background = np.concatenate([[0], np.cumsum(cost[order] + 1)[:-1]]) // share
    cuts = np.flatnonzero(np.diff(run_in_background)) + 1
    return np.split(order.astype(np.int64), cuts)


def join_trees(parts: list[np.ndarray]) -> np.ndarray:
    """Join trees into one, in their order, giving each part's memory back as soon as it is copied."""
    total = sum(part.shape[1] for part in parts)
    tree = np.empty((3, total), np.int32)
    at = 0
    for index, part in enumerate(parts):
        stop = at + part.shape[1]
        tree[:, at:stop] = part
        tree[PARENT, at:stop][part[PARENT] >= 0] += at
        at = stop
        parts[index] = np.empty((3, 0), np.int32)
    return tree
