"""What the executors do for mining: cut baskets into group-dependent projections, and search a group.

Items are cut into groups. A basket is sent to each group it has an item of, as far as that group needs it:
up to its rarest item of the group. All sets whose rarest item is in a group are then in that group's
projections, with their true counts, and groups can be searched apart (PFP: Li et al. 2008). The search is
the local one. For closed and maximal sets it also watches the items rarer than the group's: these get whole
baskets.

Everything here is Arrow and numpy; no Spark.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

PROJECTIONS = "group int, items array<int>"
"""Schema of projections, as Spark writes it."""

TREES = "group int, part int, found long, parent array<int>, item array<int>, count array<int>"
"""Schema of the parts of a group's tree."""

_NODES_A_PART = 1 << 20
_ENTRIES_AT_ONCE = 1 << 20
"""Entries of projections that are made at a time, about."""


def cut_groups(counts: np.ndarray, n_baskets: int, groups: int) -> np.ndarray:
    """Return the group of each item, int32: neighbours in the order of counts, of about the same work.

    The work of an item is taken for the length of its projection: its count times the number of more
    frequent items that a basket has on average.

    Args:
        counts: int64, of the frequent items, descending.
        n_baskets: number of baskets.
        groups: number of groups.
    """
    if not len(counts):
        return np.empty(0, np.int32)
    above = (np.cumsum(counts) - counts) / n_baskets
    work = np.cumsum(counts * (1 + above))
    middle = work - counts * (1 + above) / 2
    return np.minimum(middle * groups / work[-1], groups - 1).astype(np.int32)


def projected_entries(counts: np.ndarray, n_baskets: int) -> int:
    """Return how many entries all projections together have, at the most, on average baskets."""
    return int((counts * (1 + (np.cumsum(counts) - counts) / max(n_baskets, 1))).sum())


def project(
    offsets: np.ndarray, codes: np.ndarray, group_of: np.ndarray, whole: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the projections of baskets on the groups they have items of.

    Args:
        offsets: int64[n + 1], where each basket begins.
        codes: int32, ascending within a basket.
        group_of: int32, the group of each code, ascending.
        whole: whether a group gets all of a basket, not only what comes before its last item.

    Returns:
        int32 group, int64 offsets and int32 codes of the projections. Those of a single item are left out:
        no set of two is in them.
    """
    basket = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    group = group_of[codes]
    changes = (group[1:] != group[:-1]) | (basket[1:] != basket[:-1])
    last = np.flatnonzero(np.append(changes, len(codes) > 0)[: len(codes)])
    begin = offsets[basket[last]]
    size = (offsets[basket[last] + 1] if whole else last + 1) - begin
    last, begin, size = (each[size > 1] for each in (last, begin, size))
    ends = np.cumsum(size)
    at = np.arange(ends[-1] if len(ends) else 0) + np.repeat(begin - (ends - size), size)
    return group[last], np.append(0, ends).astype(np.int64), codes[at]


@dataclass(frozen=True)
class Projector:
    """Makes projections of baskets of product ids; for `mapInArrow`.

    Attributes:
        ids: the frequent products by code, as Arrow strings.
        group_of: see `project`.
        whole: see `project`.
    """

    ids: pa.Array
    group_of: np.ndarray
    whole: bool

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Turn batches of the column `products` (lists of distinct ids) into batches of `PROJECTIONS`."""
        groups = int(self.group_of[-1]) + 1 if len(self.group_of) else 1
        for batch in batches:
            offsets, codes = self._encode(batch.column("products"))
            longest = int(np.diff(offsets).max(initial=1))
            rows = max(1, _ENTRIES_AT_ONCE // (longest * min(longest, groups)))
            for first in range(0, len(offsets) - 1, rows):
                span = offsets[first : first + rows + 1]
                part = codes[span[0] : span[-1]]
                group, ends, items = project(span - span[0], part, self.group_of, self.whole)
                if len(group):
                    lists = pa.ListArray.from_arrays(ends.astype(np.int32), items)
                    yield pa.RecordBatch.from_arrays([pa.array(group), lists], ["group", "items"])

    def _encode(self, lists: Any) -> tuple[np.ndarray, np.ndarray]:  # noqa: ANN401 — an Arrow list array
        """Return the baskets as offsets and ascending codes of their frequent items."""
        basket = pc.list_parent_indices(lists).to_numpy()
        found = pc.index_in(lists.flatten(), value_set=self.ids)
        frequent = pc.is_valid(found).to_numpy(zero_copy_only=False)
        codes = found.drop_null().to_numpy()
        keys = np.sort(basket[frequent].astype(np.int64) << 32 | codes)
        sizes = np.bincount(keys >> 32, minlength=len(lists))
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
        return offsets, (keys & 0x7FFFFFFF).astype(np.int32)


@dataclass(frozen=True)
class Searcher:
    """Searches the projections of one group; for `groupBy(group).applyInArrow`.

    Attributes:
        counts: int64, true count of each frequent item, descending.
        group_of: group of each code.
        min_count: minimum count.
        target: frequent, closed or maximal; rules stands for frequent.
        max_size: most items of a set; None for any.
        limit: most sets.
    """

    counts: np.ndarray
    group_of: np.ndarray
    min_count: int
    target: str
    max_size: int | None
    limit: int

    def __call__(self, key: tuple[Any, ...], table: pa.Table) -> pa.Table:
        """Turn the projections of a group (`PROJECTIONS`) into the parts of its tree (`TREES`)."""
        group = key[0].as_py()
        lists = table.column("items").combine_chunks()
        lists = lists.chunk(0) if isinstance(lists, pa.ChunkedArray) else lists
        offsets = lists.offsets.to_numpy().astype(np.int64)
        tree, found = self.search(group, offsets - offsets[0], lists.flatten().to_numpy().astype(np.int32))
        cuts = np.arange(0, max(tree.shape[1], 1), _NODES_A_PART)
        parts = [tree[:, cut : cut + _NODES_A_PART] for cut in cuts]
        columns = {
            name: pa.array([part[row] for part in parts], pa.list_(pa.int32()))
            for row, name in enumerate(("parent", "item", "count"))
        }
        heads = {
            "group": pa.array([group] * len(parts), pa.int32()),
            "part": pa.array(range(len(parts)), pa.int32()),
            "found": pa.array([found] + [0] * (len(parts) - 1), pa.int64()),
        }
        return pa.table(heads | columns)

    def search(self, group: int, offsets: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, int]:
        """Return the tree of the sets whose rarest item is in the group, and its number of nodes."""
        from prodassoc_cli.mining.baskets import Baskets
        from prodassoc_cli.mining.itemsets import search_sets

        names = pl.Series([], dtype=pl.String)  # the search knows codes only
        return search_sets(
            Baskets(offsets, codes, names, self.counts),
            min_count=self.min_count,
            target=self.target,
            max_size=self.max_size,
            limit=self.limit,
            first=np.flatnonzero(self.group_of == group),
        )
