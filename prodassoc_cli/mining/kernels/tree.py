"""Reading a prefix tree of sets: sizes, item lists, and look-up of a set by its items.

A tree is the int32[3, n] array that the searches return (`bitsets.PARENT`): a node is
the set of items on its path to the root. A set is looked up by a hash that does not depend on the order of
its items: the sum of one random 64-bit word per item. That two sets of the tree share a hash is found when
the table is built (every set is in it once), and cured by new random words. So the look-up of a set that is
in the tree is exact; see `find_set` for others.

The functions with a signature are numba kernels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from prodassoc_cli.mining.kernels.bitsets import COUNT, ITEM, PARENT
from prodassoc_cli.numerics.jit import KERNEL, STEP, njit, types

_i32, _i64, _u64 = types.int32[::1], types.int64, types.uint64[::1]
_i64s = types.int64[::1]
_i16 = types.int16[::1]
_tree = types.int32[:, ::1]


@njit(_i16(_tree), **KERNEL)
def sizes_of(tree: np.ndarray) -> np.ndarray:
    """Return the number of items of every node, int16."""
    size = np.empty(tree.shape[1], np.int16)
    for node in range(tree.shape[1]):
        parent = tree[PARENT, node]
        size[node] = 1 if parent < 0 else size[parent] + 1
    return size


@njit(_i16(_tree, _i32), **KERNEL)
def sizes_at(tree: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    """Return the number of items of these nodes, int16."""
    size = np.zeros(nodes.size, np.int16)
    for place in range(nodes.size):
        node = nodes[place]
        while node >= 0:
            size[place] += 1
            node = tree[PARENT, node]
    return size


@njit(types.void(_tree, _i32, _i64s, _i32, _i32), **KERNEL)
def fill_lists(
    tree: np.ndarray, nodes: np.ndarray, offsets: np.ndarray, rank: np.ndarray, lists: np.ndarray
) -> None:
    """Write the items of each node, as ranks in ascending order, to `lists[offsets[i] : offsets[i + 1]]`.

    Args:
        tree: the prefix tree.
        nodes: int32, the nodes wanted; -1 stands for the empty set.
        offsets: int64[len(nodes) + 1], where each list begins.
        rank: int32, the place of each item in the order of ids.
        lists: int32, the output.
    """
    for place in range(nodes.size):
        node = nodes[place]
        begin = offsets[place]
        stop = begin
        while node >= 0:
            item = rank[tree[ITEM, node]]
            at = stop
            while at > begin and lists[at - 1] > item:
                lists[at] = lists[at - 1]
                at -= 1
            lists[at] = item
            stop += 1
            node = tree[PARENT, node]


@njit(_u64(_tree, _u64), **KERNEL)
def hash_sets(tree: np.ndarray, words: np.ndarray) -> np.ndarray:
    """Return the hash of every node: the sum of its items' words, uint64."""
    hashes = np.empty(tree.shape[1], np.uint64)
    for node in range(tree.shape[1]):
        parent = tree[PARENT, node]
        own = words[tree[ITEM, node]]
        hashes[node] = own if parent < 0 else hashes[parent] + own
    return hashes


@njit(_i32(_u64), **KERNEL)
def index_hashes(hashes: np.ndarray) -> np.ndarray:
    """Return an open-addressing table of node numbers by hash; empty if two sets share a hash.

    The empty set, whose hash is 0, is in no tree but counts as one of them: it is looked up too.

    The table's length is a power of two, at least twice the number of nodes; -1 is a free place.
    """
    length = 2
    while length < 2 * hashes.size:
        length *= 2
    mask = np.uint64(length - 1)
    table = np.full(length, np.int32(-1))
    for node in range(hashes.size):
        if hashes[node] == 0:
            return np.empty(0, np.int32)
        at = (hashes[node] >> np.uint64(20)) & mask
        while table[at] >= 0:
            if hashes[table[at]] == hashes[node]:
                return np.empty(0, np.int32)
            at = (at + np.uint64(1)) & mask
        table[at] = node
    return table


@njit(_i64(_u64, _i32, types.uint64), **STEP)
def find_set(hashes: np.ndarray, table: np.ndarray, wanted: int) -> int:
    """Return the node with this hash, or -1.

    Exact for every set of the tree and for the empty set (`index_hashes` sees to it). Rules and
    `drop_subsumed` ask for no others: each subset of a frequent set is frequent. Any other set is taken for
    one of the n nodes with a probability of n / 2⁶⁴; Apriori, which asks for such sets, then counts a
    candidate for nothing.
    """
    mask = np.uint64(table.size - 1)
    at = (wanted >> np.uint64(20)) & mask
    while table[at] >= 0:
        if hashes[table[at]] == wanted:
            return np.int64(table[at])
        at = (at + np.uint64(1)) & mask
    return -1


@njit(types.void(_tree, _u64, _u64, _i32, _i64), **KERNEL)
def drop_subsumed(
    tree: np.ndarray, words: np.ndarray, hashes: np.ndarray, table: np.ndarray, maximal: bool
) -> None:
    """Negate the count of each set that a set of one more item subsumes (in place).

    Subsumed: has a frequent superset (`maximal`), or one of the same count. The tree must hold every
    frequent set; since support is antimonotone, supersets of one more item suffice.
    """
    n = tree.shape[1]
    for node in range(n):
        count = abs(tree[COUNT, node])
        at = node
        while at >= 0:
            subset = find_set(hashes, table, hashes[node] - words[tree[ITEM, at]])
            if subset >= 0 and (maximal != 0 or abs(tree[COUNT, subset]) == count):
                tree[COUNT, subset] = -abs(tree[COUNT, subset])
            at = tree[PARENT, at]


@dataclass(frozen=True)
class SetIndex:
    """Look-up of sets by hash.

    Attributes:
        words: uint64, one random word per item.
        hashes: uint64, one per set.
        table: int32, see `index_hashes`.
    """

    words: np.ndarray
    hashes: np.ndarray
    table: np.ndarray


def index_sets(tree: np.ndarray, begin: int = 0) -> SetIndex:
    """Index the nodes of a tree from `begin` on, numbered from there; they must be distinct sets.

    Takes 8 bytes per node of the tree and 8 to 16 more per node indexed.
    """
    n_items = int(tree[ITEM].max(initial=-1)) + 1
    for seed in range(100):
        words = np.random.default_rng(seed).integers(0, 1 << 64, n_items, np.uint64)
        hashes = hash_sets(tree, words)[begin:]
        table = index_hashes(hashes)
        if table.size:
            return SetIndex(words, hashes, table)
    raise AssertionError("a set is twice in the tree")
