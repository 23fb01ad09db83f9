"""All rules of a prefix tree of frequent sets, by look-up of the sides' counts. A numba kernel."""

from __future__ import annotations

import numpy as np

from prodassoc_cli.mining.kernels.bitsets import COUNT, ITEM, PARENT, with_room
from prodassoc_cli.mining.kernels.tree import find_set
from prodassoc_cli.numerics.jit import KERNEL, njit, types

_i32, _i64, _u64, _f64 = types.int32[::1], types.int64, types.uint64[::1], types.float64
_tree = types.int32[:, ::1]


@njit(types.Tuple((_tree, _i64))(_tree, _i64, _i64, _u64, _u64, _i32, _f64, _i64, _f64, _f64, _i64), **KERNEL)
def split_sets(
    tree: np.ndarray, begin: int, end: int, words: np.ndarray, hashes: np.ndarray, table: np.ndarray,
    n_baskets: float, max_consequent: int, min_confidence: float, min_lift: float, limit: int,
) -> tuple[np.ndarray, int]:  # fmt: skip
    """Split the sets `begin` to `end` into antecedent and consequent in every way; keep what is good enough.

    Args:
        tree: all frequent sets.
        begin: first node.
        end: node after the last.
        words: from `tree.index_sets`.
        hashes: from `tree.index_sets`.
        table: from `tree.index_sets`.
        n_baskets: number of baskets.
        max_consequent: maximum number of items of a consequent.
        min_confidence: minimum confidence.
        min_lift: minimum lift.
        limit: most rules; returns at once with more when it is passed.

    Returns:
        rules: int32[3, …], the node of the set, of the antecedent and of the consequent of each rule.
        n: number of rules.
    """
    rules = np.empty((3, 1024), np.int32)
    n = 0
    part = np.empty(64, np.uint64)
    chosen = np.empty(64, np.int64)
    for node in range(begin, end):
        size = 0
        at = node
        while at >= 0:
            if size == part.size:
                wider = np.empty(2 * size, np.uint64)
                for place in range(size):
                    wider[place] = part[place]
                part, chosen = wider, np.empty(2 * size, np.int64)
            part[size] = words[tree[ITEM, at]]
            size += 1
            at = tree[PARENT, at]
        both = np.float64(tree[COUNT, node])
        for wanted in range(1, min(max_consequent, size - 1) + 1):
            for place in range(wanted):
                chosen[place] = place
            more = True
            while more:
                side = np.uint64(0)
                for place in range(wanted):
                    side += part[chosen[place]]
                antecedent = find_set(hashes, table, hashes[node] - side)
                confidence = both / tree[COUNT, antecedent]
                if confidence >= min_confidence:
                    consequent = find_set(hashes, table, side)
                    chance = np.float64(tree[COUNT, antecedent]) * np.float64(tree[COUNT, consequent])
                    if both * n_baskets / chance >= min_lift:
                        rules = with_room(rules, n, n + 1)
                        rules[0, n], rules[1, n], rules[2, n] = node, antecedent, consequent
                        n += 1
                # the next choice of `wanted` of the items
                place = wanted - 1
                while place >= 0 and chosen[place] == size - wanted + place:
                    place -= 1
                more = place >= 0
                if more:
                    chosen[place] += 1
                    for after in range(place + 1, wanted):
                        chosen[after] = chosen[after - 1] + 1
            if n > limit:
                return rules, n
    return rules, n
