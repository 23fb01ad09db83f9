"""Frames to dense integers: ids, weights, orders, ratings, vectors and rules."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import polars as pl
import pytest

from prodassoc_cli.errors import BadData
from prodassoc_cli.models.data import NO_TIME, TrainingData
from prodassoc_cli.models.split import inner_split
from tests.models.shops import lines, random_shop

DAY = [datetime(2025, 1, n) for n in range(1, 9)]


def test_ids_stay_text_and_are_sorted():
    frame = lines([("10", "a", "00123", None), ("9", "b", "123", None), ("9", "b", "ß", None)])
    products = pl.DataFrame({"product_id": ["cold", "123"], "title": ["New", "Known"]})
    data = TrainingData.from_frames(frame, products)
    assert data.items.ids.to_list() == ["00123", "123", "cold", "ß"]
    assert data.users.to_list() == ["10", "9"]
    assert data.items.names.to_list() == ["00123", "Known", "New", "ß"]
    np.testing.assert_array_equal(data.weights.toarray(), [[1, 0, 0, 0], [0, 1, 0, 1]])


def test_a_product_on_two_lines_of_an_order_was_bought_once():
    rows = [("u", "a", "x", DAY[0]), ("u", "a", "x", DAY[0]), ("u", "b", "x", DAY[2]), ("u", None, "y", None)]
    data = TrainingData.from_frames(lines(rows))
    np.testing.assert_array_equal(data.seen.toarray(), [[2, 1]])
    assert data.last_seen.tolist() == [
        int(DAY[2].timestamp() - DAY[0].timestamp()) * 10**6 + _epoch(0),
        NO_TIME,
    ]
    np.testing.assert_array_equal(data.baskets.toarray(), [[1, 0], [1, 0]])


def _epoch(day: int) -> int:
    return pl.Series([DAY[day]]).dt.epoch("us")[0]


def test_order_ids_may_repeat_between_users():
    data = TrainingData.from_frames(lines([("u", "1", "x", None), ("v", "1", "y", None)]))
    assert data.baskets.shape[0] == 2


def test_anonymous_orders_are_rows_for_item_models_only():
    rows = [("u", "1", "x", None), (None, "2", "x", None), (None, "2", "y", None), (None, None, "z", None)]
    data = TrainingData.from_frames(lines(rows))
    np.testing.assert_array_equal(data.weights.toarray(), [[1, 0, 0]])
    np.testing.assert_array_equal(data.rows.toarray(), [[1, 0, 0], [1, 1, 0]])
    assert sorted(data.baskets.toarray().tolist()) == [[1, 0, 0], [1, 1, 0]]


def test_events_weigh_by_what_they_say():
    rows = lines([("u", None, product, None) for product in "abcde"])
    rows = rows.with_columns(event=pl.Series(["purchase", "view", "dismiss", "impression", "cart"]))
    data = TrainingData.from_frames(rows)
    np.testing.assert_allclose(data.weights.toarray(), [[1, 0.1, 0, 0, 0.5]])
    np.testing.assert_array_equal(data.seen.toarray(), [[1, 0, 0, 0, 0]])


def test_only_good_ratings_are_wishes_and_the_latest_counts():
    rows = [
        ("u", None, "x", DAY[1]),
        ("u", None, "x", DAY[0]),
        ("u", None, "y", DAY[0]),
        ("v", None, "y", DAY[0]),
    ]
    frame = lines(rows).with_columns(event=pl.lit("rating"), rating=pl.Series([4.0, 1.0, 2.0, 5.0]))
    data = TrainingData.from_frames(frame)
    np.testing.assert_array_equal(data.ratings.toarray(), [[4, 2], [0, 5]])
    np.testing.assert_array_equal(data.weights.toarray(), [[1, 0], [0, 1]])
    assert data.seen.nnz == 3


def test_nothing_to_learn_from_is_said():
    frame = lines([("u", None, "x", None)]).with_columns(event=pl.lit("impression"))
    with pytest.raises(BadData, match="no purchase"):
        TrainingData.from_frames(frame)


def test_vectors_align_to_the_products():
    embeddings = pl.DataFrame({"product_id": ["b", "z"], "embedding": [[1.0, 0.0], [0.6, 0.8]]})
    data = TrainingData.from_frames(lines([("u", None, "a", None), ("u", None, "b", None)]), None, embeddings)
    np.testing.assert_allclose(data.embeddings, [[0, 0], [1, 0], [0.6, 0.8]])


def test_rules_over_other_things_are_left_out():
    rules = pl.DataFrame(
        {
            "antecedent": [["a", "b"], ["Dairy"], ["b"]],
            "consequent": [["c"], ["a"], ["a", "c"]],
            "count": [5, 6, 7],
            "support": [0.5, 0.6, 0.7],
            "confidence": [0.9, 0.8, 0.7],
            "lift": [2.0, 3.0, 4.0],
        }
    )
    table = TrainingData.from_frames(
        lines([("u", None, each, None) for each in "abc"]), None, None, rules
    ).rules
    np.testing.assert_array_equal(table.antecedents.toarray(), [[1, 1, 0], [0, 1, 0]])
    np.testing.assert_array_equal(table.consequents.toarray(), [[0, 0, 1], [1, 0, 1]])
    assert table.count.tolist() == [5, 7]


def test_the_inner_split_takes_the_last_order_and_nothing_else():
    data = TrainingData.from_frames(random_shop(3))
    split = inner_split(data, 1000, seed=0)
    orders = data.events.filter((pl.col("user") >= 0) & (pl.col("order") >= 0))
    newest = orders.group_by("user").agg(pl.col("timestamp").max(), n=pl.col("order").n_unique())
    assert split.users.tolist() == newest.filter(pl.col("n") > 1)["user"].sort().to_list()
    kept = split.train.events.filter(pl.col("user").is_in(split.users.tolist()))
    aside = data.events.join(split.train.events, on=data.events.columns, how="anti", nulls_equal=True)
    latest_kept = kept.group_by("user").agg(kept=pl.col("timestamp").max())
    earliest_aside = aside.group_by("user").agg(aside=pl.col("timestamp").min())
    assert latest_kept.join(earliest_aside, on="user").filter(pl.col("kept") > pl.col("aside")).is_empty()
    assert split.train.events.height + aside.height == data.events.height
    assert split.truth.nnz == aside.select("user", "item").n_unique()


def test_the_inner_split_without_orders_takes_a_fifth():
    frame = random_shop(4).with_columns(order_id=pl.lit(None, pl.String))
    data = TrainingData.from_frames(frame)
    split = inner_split(data, 10, seed=0)
    sizes = np.diff(data.weights.indptr)[split.users]
    assert len(split.users) == 10
    np.testing.assert_array_equal(np.diff(split.truth.indptr), np.floor(sizes * 0.2))
    assert split.train.weights.multiply(_full(split, data)).sum() == 0


def test_without_times_all_users_lose_a_fifth_and_some_are_judged():
    frame = random_shop(4).with_columns(
        order_id=pl.lit(None, pl.String), timestamp=pl.lit(None, pl.Datetime("us"))
    )
    data = TrainingData.from_frames(frame)
    split = inner_split(data, 10, seed=0)
    assert not split.tells_time
    assert len(split.users) == 10
    before, kept = (np.diff(each.weights.indptr) for each in (data, split.train))
    np.testing.assert_array_equal(before - kept, np.where(before >= 5, np.floor(before * 0.2), 0))
    assert inner_split(TrainingData.from_frames(random_shop(4)), 10, seed=0).tells_time


def _full(split, data):
    full = np.zeros(data.weights.shape, np.float32)
    full[split.users] = split.truth.toarray()
    return full
