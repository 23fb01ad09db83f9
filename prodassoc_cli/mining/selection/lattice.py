"""The frequent sets as a lattice: from sets to their subsets of one product fewer, many at a time.

Sets are looked up by hash (`tree.index_sets`), with one binary search for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from prodassoc_cli.mining.itemsets import Itemsets
from prodassoc_cli.mining.kernels.bitsets import PARENT
from prodassoc_cli.mining.kernels.tree import hash_sets, index_sets, sizes_of

NOWHERE = -1
"""The node of a set that is not in the tree, the empty set among them."""


@dataclass(frozen=True)
class Lattice:
    """Look-up of many frequent sets at once.

    Attributes:
        itemsets: all frequent sets.
        sizes: int16, products of each node.
        words: uint64, the word of each item; the hash of a set is the sum of its items' words.
        hashes: uint64, the hash of each node.
        order: int64, nodes by ascending hash.
    """

    itemsets: Itemsets
    sizes: np.ndarray
    words: np.ndarray
    hashes: np.ndarray
    order: np.ndarray

    def find(self, hashes: np.ndarray) -> np.ndarray:
        """Return the node of each hash, int64; `NOWHERE` where there is none."""
        if not len(self.order):
            return np.full(len(hashes), NOWHERE)
        at = np.searchsorted(self.hashes, hashes, sorter=self.order)
        node = self.order[np.minimum(at, len(self.order) - 1)]
        return np.where(self.hashes[node] == hashes, node, NOWHERE)

    def items_of(self, nodes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the items of many nodes: the row in `nodes` (int64, ascending) and the item of each pair."""
        offsets, ranks = self.itemsets.ranked_items(nodes.astype(np.int32), self.sizes)
        codes = self.itemsets.item_ids.arg_sort().to_numpy()
        return np.repeat(np.arange(len(nodes)), np.diff(offsets)), codes[ranks].astype(np.int64)


def lattice_of(itemsets: Itemsets) -> Lattice:
    """Return the look-up of these sets. Takes 18 bytes per node."""
    index = index_sets(itemsets.tree)
    hashes = hash_sets(itemsets.tree, index.words)
    return Lattice(itemsets, sizes_of(itemsets.tree), index.words, hashes, np.argsort(hashes))


def only_nodes(itemsets: Itemsets, keep: np.ndarray) -> Itemsets:
    """Return the sets of the nodes kept; with a node, all its descendants go.

    Args:
        itemsets: any sets.
        keep: bool, one per node. No kept node may stand below one that is not kept.
    """
    place = np.cumsum(keep, dtype=np.int32) - np.int32(1)
    tree = np.ascontiguousarray(itemsets.tree[:, keep])
    parent = tree[PARENT]
    tree[PARENT] = np.where(parent >= 0, place[parent], parent)
    return Itemsets(tree, itemsets.item_ids, itemsets.n_baskets)
