"""Baskets from pieces are those of the whole."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from prodassoc_cli.mining import baskets
from prodassoc_cli.mining.baskets import baskets_from_interactions
from prodassoc_cli.mining.gather import baskets_from_pieces

rows = st.lists(
    st.tuples(
        st.sampled_from([None, "u", "v", "1 u"]), st.sampled_from([None, "1", "2", "u"]),
        st.sampled_from(["a", "b", "c", "d"]), st.sampled_from(["purchase", "cart", "view", "impression"]),
        st.sampled_from([None, datetime(2024, 1, 1), datetime(1969, 1, 1)]),
    ),
    max_size=40,
)  # fmt: skip
SCHEMA = {
    "user_id": pl.String, "order_id": pl.String, "product_id": pl.String, "event": pl.String,
    "timestamp": pl.Datetime("us"),
}  # fmt: skip


def as_sets(found: baskets.Baskets) -> list[tuple[str, ...]]:
    ids = found.item_ids.to_list()
    pairs = zip(found.indptr[:-1], found.indptr[1:], strict=True)
    return sorted(tuple(ids[item] for item in found.items[start:end]) for start, end in pairs)


@given(rows, st.integers(1, 7), st.sampled_from([None, 2]))
def test_any_pieces(lines, size, most):
    frame = pl.DataFrame(lines, schema=SCHEMA, orient="row")
    said, said_of_pieces = [], []
    whole = baskets_from_interactions(frame, most, said.append)
    pieces = (frame.slice(at, size) for at in range(0, frame.height, size))
    found = baskets_from_pieces(pieces, most, said_of_pieces.append)
    assert found.item_ids.to_list() == whole.item_ids.to_list()
    assert found.counts.tolist() == whole.counts.tolist()
    assert as_sets(found) == as_sets(whole)
    assert sorted(said_of_pieces) == sorted(said)


@given(st.lists(st.integers(0, 50), max_size=60), st.integers(1, 9))
def test_chunks_do_not_show(numbers, chunk):
    pairs = np.array([(number // 7) << 32 | number % 7 for number in numbers], np.int64)
    expected = np.unique(pairs)
    before, baskets.CHUNK = baskets.CHUNK, chunk
    try:
        found = baskets._distinct(pairs.copy())
        sizes = baskets._sizes(found)
    finally:
        baskets.CHUNK = before
    assert found.tolist() == expected.tolist()
    assert sizes.tolist() == np.bincount(expected >> 32).tolist()
