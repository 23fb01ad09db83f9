"""Sets in the order of their ids, compared a few items at a time: no set's list is held to sort by.

Each set gets a 64-bit key: the group it stays in, its size where that comes first, and as many of its items,
from the smallest, as still fit. Few sets share a key; only those are compared by their next items, and so on.
"""

from __future__ import annotations

import numpy as np

from prodassoc_cli.mining.kernels.bitsets import ITEM, PARENT
from prodassoc_cli.numerics.jit import KERNEL, njit, types

_i32, _i64 = types.int32[::1], types.int64


@njit(types.uint64[::1](types.int32[:, ::1], _i32, _i32, _i32, _i64, _i64, _i64, _i64), **KERNEL)
def set_keys(
    tree: np.ndarray, nodes: np.ndarray, group: np.ndarray, rank: np.ndarray,
    first: int, take: int, item_bits: int, size_bits: int,
) -> np.ndarray:  # fmt: skip
    """Return a key for each node that compares as group, size and items `first` … `first + take` do, uint64.

    Args:
        tree: the prefix tree.
        nodes: int32; -1 stands for the empty set.
        group: int32, what comes before all else.
        rank: int32, the place of each item in the order of ids.
        first: how many items of each set to pass over, from the smallest.
        take: how many to compare.
        item_bits: bits of a rank plus one; 0 stands for no item.
        size_bits: bits of a size; 0 leaves it out.
    """
    keys = np.empty(nodes.size, np.uint64)
    items = np.empty(64, np.int32)
    for place in range(nodes.size):
        node, size = nodes[place], 0
        while node >= 0:
            if size == items.size:
                wider = np.empty(2 * size, np.int32)
                for each in range(size):  # as one slice it takes a second and a half to compile
                    wider[each] = items[each]
                items = wider
            item, at = rank[tree[ITEM, node]], size
            while at > 0 and items[at - 1] > item:
                items[at] = items[at - 1]
                at -= 1
            items[at] = item
            size += 1
            node = tree[PARENT, node]
        key = np.uint64(group[place])
        if size_bits:
            key = key << np.uint64(size_bits) | np.uint64(size)
        for at in range(first, first + take):
            key <<= np.uint64(item_bits)
            if at < size:
                key |= np.uint64(items[at] + 1)
        keys[place] = key
    return keys


def order_sets(
    tree: np.ndarray, nodes: np.ndarray, rank: np.ndarray, group: np.ndarray | None = None, largest: int = 0
) -> np.ndarray:
    """Return the places of distinct nodes in their order: by group, then size if asked for, then items.

    Takes about 50 bytes per node. A list that begins another comes before it.

    Args:
        tree: the prefix tree.
        nodes: int32, distinct; -1 stands for the empty set.
        rank: int32, the place of each item in the order of ids.
        group: int32, from 0; all in one group where None.
        largest: items of the largest set, to order by size before the items; 0 does not.
    """
    order = np.arange(len(nodes), dtype=np.int32)
    open_places: slice | np.ndarray = slice(None)
    group = np.zeros(len(nodes), np.int32) if group is None else group
    item_bits, size_bits, first = len(rank).bit_length(), int(largest).bit_length(), 0
    while len(group):
        take = max(1, (64 - size_bits - int(group.max()).bit_length()) // item_bits)
        members = order[open_places]
        keys = set_keys(tree, nodes[members], group, rank, first, take, item_bits, size_bits)
        by_key = np.argsort(keys)
        order[open_places] = members[by_key]
        keys = keys[by_key]
        del members, by_key  # of millions of nodes, each counts
        same = np.concatenate([[False], keys[1:] == keys[:-1]])
        tied = same.copy()
        tied[:-1] |= same[1:]
        group = np.cumsum(~same[tied], dtype=np.int32) - np.int32(1)
        places = np.flatnonzero(tied) if isinstance(open_places, slice) else open_places[tied]
        open_places, first, size_bits = places, first + take, 0
    return order
