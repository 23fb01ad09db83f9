"""Frequent, closed and maximal itemsets: from baskets to a prefix tree, and from the tree to frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa

from prodassoc_cli.errors import BadData
from prodassoc_cli.mining.baskets import Baskets, ranks_of
from prodassoc_cli.mining.kernels.bitsets import ALL, CLOSED, COUNT, ITEM, MAXIMAL
from prodassoc_cli.mining.kernels.eclat import eclat
from prodassoc_cli.mining.kernels.ordering import order_sets
from prodassoc_cli.mining.kernels.tree import (
    drop_subsumed,
    fill_lists,
    index_sets,
    sizes_at,
    sizes_of,
)
from prodassoc_cli.numerics.arrays import arrow_of

UNLIMITED = 2**31 - 1
"""Stands for no maximum size; also the most nodes a tree can have, its links being int32."""

_MODES = {"frequent": ALL, "rules": ALL, "closed": CLOSED, "maximal": MAXIMAL}
TABLE_ROWS = 200_000
"""Sets a table: what is made of the tree at a time, and a row group of the artifact."""
SPAN_SETS = 1_000_000
"""Sets put in order at a time."""

_BYTES_A_NODE = 36
"""A node takes 12 bytes; trees are copied when they grow and are joined, and the allocator keeps some of what
is given back."""
_BYTES_A_ROW = 400
"""A set of ten items in a frame: 16 bytes per item, once more while it is written."""
_BYTES_AN_ENTRY = 8
"""What the index of the baskets takes an entry."""


@dataclass(frozen=True)
class Itemsets:
    """Sets of items with their counts, as a prefix tree.

    Attributes:
        tree: int32[3, nodes] (`bitsets.PARENT`), 12 bytes per node.
        item_ids: product id of each item code.
        n_baskets: number of baskets.
    """

    tree: np.ndarray
    item_ids: pl.Series
    n_baskets: int

    def __len__(self) -> int:
        """Return the number of sets."""
        return int((self.tree[COUNT] > 0).sum())

    def frame(self) -> pl.DataFrame:
        """Return all sets (columns of `schemas.ITEMSETS`), by descending count, then size, then items."""
        table = pa.concat_tables(self.tables())
        frame = pl.from_arrow(
            table.set_column(0, "items", table["items"].cast(pa.large_list(pa.large_string())))
        )
        assert isinstance(frame, pl.DataFrame)
        return frame

    def tables(self, rows: int = TABLE_ROWS) -> Iterator[pa.Table]:
        """Yield the sets in the order of `frame`, at most `rows` at a time: they need not be held at once.

        There is at least one table; its ids are dictionary-encoded. Beside it about 50 bytes are held for
        each of a million sets, or of those that share a count and a size, if they are more.
        """
        counts = self.tree[COUNT]
        largest = int(sizes_of(self.tree).max(initial=1))
        names = self._names()
        for low, high in _spans(counts, SPAN_SETS):
            nodes = _nodes_within(counts, low, high)
            for part in self._by_size(nodes) if low == high else [nodes]:
                yield from self._in_order(part, high, largest, names, rows)

    def _in_order(
        self, nodes: np.ndarray, highest: int, largest: int, names: Names, rows: int
    ) -> Iterator[pa.Table]:
        """Yield these nodes' sets in their order; nothing of it is held when the next nodes come."""
        order = order_sets(self.tree, nodes, names.ranks, highest - self.tree[COUNT][nodes], largest)
        for begin in range(0, max(len(nodes), 1), rows):
            yield self._table(nodes[order[begin : begin + rows]], names)

    def _by_size(self, nodes: np.ndarray) -> Iterator[np.ndarray]:
        """Yield the nodes of each size by themselves, unless they are few."""
        if len(nodes) <= SPAN_SETS:
            yield nodes
            return
        sizes = sizes_at(self.tree, nodes)
        for size in range(1, int(sizes.max()) + 1):
            part = nodes[sizes == size]
            if len(part):
                yield part

    def _names(self) -> Names:
        """Return the ids of the products that stand in a set, in the order of the ids."""
        found = np.zeros(len(self.item_ids), bool)
        for _, items in _pieces(self.tree[ITEM]):
            found[items] = True
        ids = self.item_ids.filter(pl.Series(found))
        ranks = np.full(len(found), -1, np.int32)
        ranks[found] = ranks_of(ids)
        return Names(ids.sort(), ranks)

    def _table(self, nodes: np.ndarray, names: Names) -> pa.Table:
        """Return the sets of these nodes, in their order."""
        sizes = sizes_at(self.tree, nodes)
        offsets, ranks = self._lists(nodes, sizes, names.ranks)
        # Through polars: `pa.array` of a numpy array imports pandas where that is installed.
        values = pa.DictionaryArray.from_arrays(
            pl.Series(ranks).to_arrow(), names.ids.to_arrow().cast(pa.string())
        )
        items = pa.ListArray.from_arrays(pl.Series(offsets.astype(np.int32)).to_arrow(), values)
        count = self.tree[COUNT][nodes].astype(np.int64)
        numbers = pl.DataFrame(
            {"size": sizes.astype(np.int32), "count": count, "support": count / max(self.n_baskets, 1)}
        )
        return numbers.to_arrow().add_column(0, "items", items)

    def ranked_items(self, nodes: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the items of each node as ascending ranks of their ids: int64 offsets, int32 ranks."""
        return self._lists(nodes, sizes[nodes], ranks_of(self.item_ids))

    def _lists(self, nodes: np.ndarray, sizes: np.ndarray, rank: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the items of each node as ascending ranks: int64 offsets, int32 ranks."""
        offsets = np.zeros(len(nodes) + 1, np.int64)
        np.cumsum(sizes, out=offsets[1:])
        ranks = np.empty(offsets[-1], np.int32)
        fill_lists(self.tree, nodes, offsets, rank, ranks)
        return offsets, ranks


@dataclass(frozen=True)
class Names:
    """Product ids in their order, and the place there of each item code (int32, -1 for none)."""

    ids: pl.Series
    ranks: np.ndarray


def _pieces(values: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yield where it begins and a million values at a time: numpy widens what it counts or looks up."""
    for begin in range(0, len(values), 1_000_000):
        yield begin, values[begin : begin + 1_000_000]


def _nodes_within(counts: np.ndarray, low: int, high: int) -> np.ndarray:
    """Return the nodes with a count from low to high, int32."""
    found = [
        np.flatnonzero((piece >= low) & (piece <= high)).astype(np.int32) + np.int32(begin)
        for begin, piece in _pieces(counts)
    ]
    return np.concatenate(found) if found else np.empty(0, np.int32)


def _spans(counts: np.ndarray, sets: int) -> Iterator[tuple[int, int]]:
    """Yield ranges of counts (low, high), descending, of about so many sets each; one range at least."""
    having = np.zeros(int(counts.max(initial=0)), np.int64)
    for _, piece in _pieces(counts):
        having += np.bincount(piece[piece > 0], minlength=len(having) + 1)[1:]
    having = having[::-1]
    if not having.any():
        yield 1, 1
        return
    before = np.cumsum(having) - having
    high = len(having)
    ends = np.diff(before // sets, append=-1) != 0
    ends[:-1] |= having[1:] > sets  # many with one count stay by themselves
    for cut in np.flatnonzero(ends):
        low = len(having) - int(cut)
        if having[len(having) - high : cut + 1].any():
            yield low, high
        high = low - 1


def lists_of_ids(offsets: np.ndarray, ranks: np.ndarray, sorted_ids: pl.Series) -> pl.Series:
    """Return a list[str] series from offsets and ranks, through Arrow, without Python objects."""
    values = sorted_ids.gather(ranks).to_arrow(compat_level=pl.CompatLevel.newest())
    series: pl.Series = pl.from_arrow(pa.LargeListArray.from_arrays(arrow_of(offsets), values))  # type: ignore[assignment]
    return series


def mine_itemsets(
    baskets: Baskets,
    *,
    min_count: int,
    target: str = "frequent",
    algorithm: str = "auto",
    max_size: int | None = None,
    threads: int = 1,
    memory_limit: int | None = None,
) -> Itemsets:
    """Find the itemsets that are in at least `min_count` baskets.

    A set is closed if no superset is in as many baskets, and maximal if no superset is frequent, whatever
    `max_size` is: it only says how large the sets returned may be. The empty set is not a set here.

    Args:
        baskets: the baskets.
        min_count: minimum number of baskets, at least 1.
        target: frequent, closed or maximal; rules stands for frequent, which rules are made from.
        algorithm: apriori, fp-growth, eclat or auto (eclat); all give the same sets.
        max_size: maximum number of products in a set.
        threads: threads to work with (eclat only); they do not change the result.
        memory_limit: bytes that the index of the baskets, the sets, and the frames made of them may take.

    Raises:
        BadData: the result would pass the memory limit.
    """
    mode = _MODES[target]
    most = max_size or UNLIMITED
    limit = UNLIMITED - 1 if memory_limit is None else _max_nodes(memory_limit, len(baskets.items))
    if algorithm in ("auto", "eclat"):
        tree, found = eclat(baskets, min_count, mode, most, limit, threads)
    else:
        tree, found = _by_name(algorithm)(
            baskets, min_count, most + (mode != ALL and most < UNLIMITED), limit
        )
    if found > limit:
        hint = f"try `min_count={2 * min_count}`" + ("" if max_size else ", or `max_size`")
        raise BadData(
            f"stopped at {limit:,} itemsets with `min_count={min_count}`: more would pass the memory limit",
            hint,
        )
    if algorithm not in ("auto", "eclat") and mode != ALL:
        _keep_only(tree, mode, most)
    return Itemsets(tree, baskets.item_ids, len(baskets))


def search_sets(
    baskets: Baskets, *, min_count: int, target: str, max_size: int | None, limit: int, first: np.ndarray
) -> tuple[np.ndarray, int]:
    """Search a part of the whole: the sets whose rarest item is one of the codes `first` (see `eclat`)."""
    return eclat(baskets, min_count, _MODES[target], max_size or UNLIMITED, limit, first=first)


def _max_nodes(memory_limit: int, entries: int) -> int:
    """Return how many sets can be found and written within that many bytes."""
    free = max(0, memory_limit - _BYTES_AN_ENTRY * entries)
    table = TABLE_ROWS * _BYTES_A_ROW
    few, many = free // (_BYTES_A_NODE + _BYTES_A_ROW), (free - table) // _BYTES_A_NODE
    return min(UNLIMITED - 1, max(few, many) if few >= TABLE_ROWS else few)


def _by_name(algorithm: str):  # type: ignore[no-untyped-def]  # noqa: ANN202
    """Return the miner of that name; imported here, because importing compiles it on the first run."""
    if algorithm == "apriori":
        from prodassoc_cli.mining.kernels.apriori import apriori

        return apriori
    from prodassoc_cli.mining.kernels.fp_growth import fp_growth

    return fp_growth


def _keep_only(tree: np.ndarray, mode: int, max_size: int) -> None:
    """Reduce a tree of all frequent sets (up to one item more than `max_size`) to closed or maximal ones."""
    index = index_sets(tree)
    drop_subsumed(tree, index.words, index.hashes, index.table, mode == MAXIMAL)
    too_large = sizes_of(tree) > max_size
    tree[COUNT, too_large] = -np.abs(tree[COUNT, too_large])
