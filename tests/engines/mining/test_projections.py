"""Group-dependent projections: what is found group by group is what is found at once. No Spark."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prodassoc_cli.engines.mining.projections import Projector, Searcher, cut_groups, project
from prodassoc_cli.mining.itemsets import Itemsets, mine_itemsets
from prodassoc_cli.mining.kernels.eclat import join_trees
from tests.mining.conftest import make_baskets

ROWS = st.lists(st.sets(st.sampled_from("abcdefgh"), min_size=1, max_size=7), min_size=1, max_size=30)


def searched_in_groups(rows, min_count, target, max_size, groups):
    """Do what the executors do, one group after the other."""
    baskets = make_baskets(rows)
    n_frequent = int((baskets.counts >= min_count).sum())
    if not n_frequent:
        return Itemsets(np.empty((3, 0), np.int32), baskets.item_ids, len(baskets))
    counts = baskets.counts[:n_frequent]
    group_of = cut_groups(counts, len(baskets), groups)
    projector = Projector(baskets.item_ids[:n_frequent].to_arrow(), group_of, target != "frequent")
    batch = pa.RecordBatch.from_pydict({"products": pa.array([sorted(row) for row in rows])})
    # Two batches, the second one a slice: its lists do not begin at 0.
    parts = list(projector(iter([batch.slice(0, len(rows) // 2), batch.slice(len(rows) // 2)])))
    seeds = pa.table(
        {
            "group": pa.array(np.unique(group_of)),
            "items": pa.array([[]] * len(np.unique(group_of)), pa.list_(pa.int32())),
        }
    )
    table = pa.concat_tables([*(pa.Table.from_batches([part]) for part in parts), seeds])
    searcher = Searcher(counts, group_of, min_count, target, max_size, 10**6)
    trees = []
    for group in np.unique(group_of).tolist():
        own = table.filter(pa.compute.equal(table["group"], group))
        found = searcher((pa.scalar(group, pa.int32()),), own)
        assert found["group"].to_pylist() == [group]
        columns = [np.array(found[name][0].as_py(), np.int32) for name in ("parent", "item", "count")]
        assert found["found"][0].as_py() == len(columns[0])
        trees.append(np.stack(columns))
    return Itemsets(join_trees(trees), baskets.item_ids, len(baskets))


@given(
    ROWS,
    st.integers(1, 4),
    st.sampled_from(("frequent", "closed", "maximal")),
    st.sampled_from((None, 1, 2, 3)),
    st.integers(1, 12),
)
def test_groups_together_find_what_one_search_finds(rows, min_count, target, max_size, groups):
    whole = mine_itemsets(make_baskets(rows), min_count=min_count, target=target, max_size=max_size)
    parts = searched_in_groups(rows, min_count, target, max_size, groups)
    assert parts.frame().equals(whole.frame())


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=50), st.integers(1, 60))
def test_groups_are_runs_of_neighbours(counts, groups):
    cut = cut_groups(np.sort(np.array(counts, np.int64))[::-1], 1000, groups)
    assert cut.min() >= 0
    assert cut.max() < groups
    assert (np.diff(cut) >= 0).all()


def test_a_basket_goes_to_a_group_up_to_its_rarest_item_of_it():
    group_of = np.array([0, 0, 1, 1, 2], np.int32)
    offsets, codes = np.array([0, 4, 5, 7], np.int64), np.array([0, 1, 2, 4, 3, 1, 3], np.int32)
    group, ends, items = project(offsets, codes, group_of, whole=False)
    lists = [items[begin:end].tolist() for begin, end in pairwise(ends)]
    assert sorted(zip(group.tolist(), lists, strict=True)) == [
        (0, [0, 1]), (1, [0, 1, 2]), (1, [1, 3]), (2, [0, 1, 2, 4]),
    ]  # fmt: skip
    group, ends, items = project(offsets, codes, group_of, whole=True)
    lists = [items[begin:end].tolist() for begin, end in pairwise(ends)]
    assert sorted(zip(group.tolist(), lists, strict=True)) == [
        (0, [0, 1, 2, 4]), (0, [1, 3]), (1, [0, 1, 2, 4]), (1, [1, 3]), (2, [0, 1, 2, 4]),
    ]  # fmt: skip


@pytest.mark.parametrize("whole", [False, True])
def test_baskets_without_frequent_items_make_nothing(whole):
    projector = Projector(pa.array(["a", "b"]), np.array([0, 1], np.int32), whole)
    batch = pa.RecordBatch.from_pydict({"products": pa.array([["x"], [], ["b", "x"]], pa.list_(pa.string()))})
    assert list(projector(iter([batch, batch.slice(0, 0)]))) == []


def test_large_batches_come_out_in_pieces(monkeypatch):
    monkeypatch.setattr("prodassoc_cli.engines.mining.projections._ENTRIES_AT_ONCE", 8)
    projector = Projector(pa.array(["a", "b", "c"]), np.array([0, 1, 2], np.int32), False)
    batch = pa.RecordBatch.from_pydict({"products": pa.array([["c", "a", "b"]] * 5)})
    parts = list(projector(iter([batch])))
    assert len(parts) == 5
    frame = pl.concat(pl.from_arrow(part) for part in parts)
    assert frame["group"].value_counts().sort("group").rows() == [(1, 5), (2, 5)]
