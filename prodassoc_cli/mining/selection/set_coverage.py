"""Which baskets hold each set: from a prefix tree of sets back to the baskets. A numba kernel.

One walk over the tree, with the list of baskets of every set on the path to the root, answers what counting
alone does not: how many users stand behind a set, how often it occurs in other baskets than those it
was found in, and how many frequent sets a basket holds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from prodassoc_cli.mining.baskets import Baskets
from prodassoc_cli.mining.itemsets import Itemsets
from prodassoc_cli.mining.kernels.bitsets import ITEM, PARENT
from prodassoc_cli.mining.kernels.tree import sizes_of
from prodassoc_cli.numerics.indexing import index_of
from prodassoc_cli.numerics.jit import KERNEL, njit, types

_i16, _i32, _i64, _f64 = types.int16[::1], types.int32[::1], types.int64[::1], types.float64[::1]
_tree = types.int32[:, ::1]


@njit(types.void(_tree, _i16, _i64, _i32, _i64, _i32, _i32, _f64, _i64, _i64, _f64, _i64), **KERNEL)
def visit_sets(  # noqa: C901 — a kernel is one flat state machine
    tree: np.ndarray, sizes: np.ndarray, indptr: np.ndarray, items: np.ndarray,
    starts: np.ndarray, holders: np.ndarray, user: np.ndarray, weight: np.ndarray,
    baskets: np.ndarray, users: np.ndarray, score: np.ndarray, sets: np.ndarray,
) -> None:  # fmt: skip
    """Find the baskets of every node and add up what is asked of them.

    Args:
        tree: the sets.
        sizes: int16, items of each node.
        indptr: int64, see `Baskets`.
        items: int32, see `Baskets`.
        starts: int64[items + 1], where the baskets of each item begin in `holders`.
        holders: int32, baskets of each item, users together.
        user: int32, the user of each basket, -1 for none; equal ones must follow each other in `holders`.
        weight: float64, of each node, 0 for one that is no result.
        baskets: int64, output: baskets of each node.
        users: int64, output: distinct users of each node.
        score: float64, output: sum of the weights of the sets each basket holds.
        sets: int64, output: number of sets of positive weight each basket holds.
    """
    deepest, longest = 1, 1
    for node in range(tree.shape[1]):
        deepest = max(deepest, sizes[node])
    for item in range(starts.size - 1):
        longest = max(longest, starts[item + 1] - starts[item])
    lists = np.empty((deepest, longest), np.int32)
    length = np.zeros(deepest, np.int64)
    path = np.full(deepest, -1, np.int64)
    missing = np.empty(deepest, np.int64)
    for node in range(tree.shape[1]):
        count = 0
        at = np.int64(node)
        while at >= 0 and path[sizes[at] - 1] != at:
            missing[count] = at
            count += 1
            at = np.int64(tree[PARENT, at])
        for turn in range(count - 1, -1, -1):
            at = missing[turn]
            depth = sizes[at] - 1
            item = tree[ITEM, at]
            path[depth] = at
            n = 0
            if depth == 0:
                for place in range(starts[item], starts[item + 1]):
                    lists[0, n] = holders[place]
                    n += 1
            else:
                for place in range(length[depth - 1]):
                    basket = lists[depth - 1, place]
                    low, high = indptr[basket], indptr[basket + 1]
                    while low < high:
                        middle = (low + high) >> 1
                        if items[middle] < item:
                            low = middle + 1
                        else:
                            high = middle
                    if low < indptr[basket + 1] and items[low] == item:
                        lists[depth, n] = basket
                        n += 1
            length[depth] = n
        depth = sizes[node] - 1
        last = np.int32(-1)
        for place in range(length[depth]):
            basket = lists[depth, place]
            if user[basket] >= 0 and user[basket] != last:
                last = user[basket]
                users[node] += 1
            if weight[node] > 0:
                score[basket] += weight[node]
                sets[basket] += 1
        baskets[node] = length[depth]


@dataclass(frozen=True)
class Cover:
    """What is known of sets and baskets after a walk.

    Attributes:
        baskets: int64, baskets that hold each node's set.
        users: int64, distinct users of these baskets; baskets without a user count for none.
        score: float64, sum of the weights of the sets each basket holds.
        sets: int64, number of sets with a positive weight each basket holds.
    """

    baskets: np.ndarray
    users: np.ndarray
    score: np.ndarray
    sets: np.ndarray


def cover(
    itemsets: Itemsets, baskets: Baskets, user: np.ndarray | None = None, weight: np.ndarray | None = None
) -> Cover:
    """Walk the sets over the baskets.

    Args:
        itemsets: the sets; their item codes must be those of the baskets.
        baskets: the baskets.
        user: int32, user of each basket, -1 for none.
        weight: float64, weight of each node.
    """
    tree = itemsets.tree
    n, nodes = len(baskets), tree.shape[1]
    user = np.full(n, -1, np.int32) if user is None else user.astype(np.int32)
    basket = np.repeat(np.arange(n, dtype=np.int32), np.diff(baskets.indptr))
    order = np.lexsort((basket, user[basket], baskets.items))
    starts = np.zeros(len(itemsets.item_ids) + 1, np.int64)
    np.cumsum(np.bincount(baskets.items, minlength=len(itemsets.item_ids)), out=starts[1:])
    found = Cover(np.zeros(nodes, np.int64), np.zeros(nodes, np.int64), np.zeros(n), np.zeros(n, np.int64))
    visit_sets(
        tree, sizes_of(tree), baskets.indptr, baskets.items, starts, basket[order], user,
        np.zeros(nodes) if weight is None else weight,
        found.baskets, found.users, found.score, found.sets,
    )  # fmt: skip
    return found


def recoded(baskets: Baskets, itemsets: Itemsets) -> Baskets:
    """Return other baskets in the item codes of these sets; products they do not know are left out.

    A basket may become empty: it counts all the same.
    """
    code = index_of(baskets.item_ids, itemsets.item_ids).cast(pl.Int64).fill_null(-1).to_numpy()
    basket = np.repeat(np.arange(len(baskets)), np.diff(baskets.indptr))
    item = code[baskets.items]
    keep = item >= 0
    pairs = np.sort(basket[keep] << 32 | item[keep])
    indptr = np.zeros(len(baskets) + 1, np.int64)
    np.cumsum(np.bincount(pairs >> 32, minlength=len(baskets)), out=indptr[1:])
    items = (pairs & 0xFFFFFFFF).astype(np.int32)
    counts = np.bincount(items, minlength=len(itemsets.item_ids)).astype(np.int64)
    return Baskets(indptr, items, itemsets.item_ids, counts)
