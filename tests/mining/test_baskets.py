from __future__ import annotations

from datetime import datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prodassoc_cli.mining.basket_builder import baskets_from_interactions
from prodassoc_cli.mining.baskets import Baskets

SCHEMA = {
    "user_id": pl.String, "order_id": pl.String, "product_id": pl.String, "event": pl.String,
    "timestamp": pl.Datetime("us"),
}  # fmt: skip


def interactions(*rows) -> pl.DataFrame:
    return pl.DataFrame(rows, SCHEMA, orient="row")


def sets_of(baskets: Baskets) -> list[list[str]]:
    ids = baskets.item_ids.to_list()
    cuts = zip(baskets.indptr[:-1], baskets.indptr[1:], strict=True)
    return sorted(sorted(ids[code] for code in baskets.items[start:stop]) for start, stop in cuts)


def test_a_basket_is_an_order_else_a_visit_else_a_user():
    noon, later = datetime(2024, 1, 1, 12), datetime(2024, 1, 1, 13)
    said = []
    baskets = baskets_from_interactions(
        interactions(
            ("u", "1", "a", "purchase", noon),
            ("u", "1", "b", "purchase", later),
            ("u", "1", "b", "purchase", later),
            ("u", None, "a", "purchase", noon),
            ("u", None, "c", "purchase", noon),
            ("u", None, "d", "purchase", later),
            ("1", None, "e", "purchase", None),
            ("1", None, "f", "purchase", None),
            (None, None, "g", "purchase", noon),
        ),
        say=said.append,
    )
    assert sets_of(baskets) == [["a", "b"], ["a", "c"], ["d"], ["e", "f"]]
    assert said == ["1 row without order_id and user_id: in no basket"]


def test_codes_descend_by_count_ties_by_id():
    rows = [
        ("u", str(at), item, "purchase", None)
        for at, items in enumerate(("ba", "bc", "b", "c", "a"))
        for item in items
    ]
    baskets = baskets_from_interactions(interactions(*rows))
    assert baskets.item_ids.to_list() == ["b", "a", "c"]
    assert baskets.counts.tolist() == [3, 2, 2]
    assert (baskets.indptr.dtype, baskets.items.dtype) == (np.int64, np.int32)


def test_events_strongest_first():
    rows = [("u", "1", "a", "view", None), ("u", "1", "b", "cart", None), ("u", "1", "c", "dismiss", None)]
    said = []
    assert sets_of(baskets_from_interactions(interactions(*rows), say=said.append)) == [["b"]]
    assert said == ["no purchases: baskets are made of cart rows"]
    rows.append(("u", "1", "d", "purchase", None))
    assert sets_of(baskets_from_interactions(interactions(*rows))) == [["d"]]
    assert len(baskets_from_interactions(interactions(("u", "1", "c", "dismiss", None)))) == 0


def test_huge_baskets_are_left_out_or_warned_of():
    rows = [("u", "big", str(at), "purchase", None) for at in range(1_200)]
    rows += [("u", "small", "1", "purchase", None), ("u", "small", "2", "purchase", None)]
    said = []
    assert len(baskets_from_interactions(interactions(*rows), say=said.append)) == 2
    assert "`max_basket_size`" in said[0]
    said.clear()
    baskets = baskets_from_interactions(interactions(*rows), max_basket_size=2, say=said.append)
    assert sets_of(baskets) == [["1", "2"]]
    assert len(baskets.item_ids) == 2
    assert said == ["1 basket with more than 2 products left out (`max_basket_size`)"]


@pytest.mark.parametrize("rows", [[], [(None, None, "a", "purchase", None)]])
def test_nothing(rows):
    baskets = baskets_from_interactions(interactions(*rows))
    assert len(baskets) == 0
    assert baskets.items.size == 0
    assert baskets.item_ids.dtype == pl.String


@settings(max_examples=60)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from([None, "u", "v"]), st.sampled_from([None, "1", "2"]), st.sampled_from("abcd"),
            st.sampled_from(["purchase", "view"]),
            st.sampled_from([None, datetime(2024, 1, 1), datetime(2024, 1, 2)]),
        )
    ),
    seed=st.integers(0, 99),
)  # fmt: skip
def test_as_a_dictionary_of_sets_in_any_order(rows, seed):
    event = "purchase" if any(row[3] == "purchase" for row in rows) else "view"
    groups: dict[tuple, set[str]] = {}
    for user, order, product, kind, time in rows:
        if kind == event and (order or user):
            groups.setdefault(("order", order) if order else (user, time), set()).add(product)
    shuffled = [rows[at] for at in np.random.default_rng(seed).permutation(len(rows))]
    first, second = (baskets_from_interactions(interactions(*each)) for each in (rows, shuffled))
    assert sets_of(first) == sets_of(second) == sorted(sorted(items) for items in groups.values())
    assert first.item_ids.to_list() == second.item_ids.to_list()
    assert all(
        (np.diff(first.items[a:b]) > 0).all()
        for a, b in zip(first.indptr[:-1], first.indptr[1:], strict=True)
    )
