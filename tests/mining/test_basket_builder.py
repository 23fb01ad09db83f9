"""Baskets from pieces are those of the whole."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import numpy as np
import polars as pl
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from prodassoc_cli.mining import baskets
from prodassoc_cli.mining.basket_builder import baskets_from_interactions, baskets_from_pieces

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


def coded(frame: pl.DataFrame) -> pa.Table:
    """The frame with its texts as dictionaries, as they are read from a file."""
    return frame.with_columns(pl.col(pl.String).cast(pl.Categorical)).to_arrow()


def as_sets(found: baskets.Baskets) -> list[tuple[str, ...]]:
    ids = found.item_ids.to_list()
    pairs = zip(found.indptr[:-1], found.indptr[1:], strict=True)
    return sorted(tuple(ids[item] for item in found.items[start:end]) for start, end in pairs)


@given(rows, st.integers(1, 7), st.sampled_from([None, 2]))
def test_any_pieces(lines, size, most):
    frame = pl.DataFrame(lines, schema=SCHEMA, orient="row")
    said, said_of_pieces = [], []
    whole = baskets_from_interactions(frame, most, said.append)
    pieces = (coded(frame.slice(at, size)) for at in range(0, frame.height, size))
    found = baskets_from_pieces(pieces, most, said_of_pieces.append)
    assert found.item_ids.to_list() == whole.item_ids.to_list()
    assert found.counts.tolist() == whole.counts.tolist()
    assert as_sets(found) == as_sets(whole)
    assert sorted(said_of_pieces) == sorted(said)


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 400)), max_size=300), st.sampled_from([None, 3, 100])
)
def test_rows_laid_out(rows, most):
    basket, item = (np.array([row[at] for row in rows], np.int32) for at in (0, 1))
    names = pl.Series([f"{name:03}" for name in range(401)])
    found = baskets.baskets_of_codes(baskets.CodedRows(basket, item), names, most, lambda _: None)
    sets: dict[int, set[str]] = {}
    for number, product in rows:
        sets.setdefault(number, set()).add(names[product])
    expected = [products for products in sets.values() if most is None or len(products) <= most]
    assert as_sets(found) == sorted(
        tuple(sorted(products, key=found.item_ids.to_list().index)) for products in expected
    )
    counts = Counter(product for products in expected for product in products)
    ranked = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    assert list(zip(found.item_ids.to_list(), found.counts.tolist(), strict=True)) == ranked
