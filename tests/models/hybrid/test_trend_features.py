"""How products sold since a row's last purchase, and lately."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from prodassoc_cli.models.base import Why
from prodassoc_cli.models.data import TrainingData
from prodassoc_cli.models.hybrid.cold_start import ColdProducts
from prodassoc_cli.models.hybrid.trend_features import Trends
from prodassoc_cli.models.model import train
from prodassoc_cli.models.serving.recommend import recommend
from prodassoc_cli.models.split import inner_split, user_queries
from tests.models.shops import catalogue, random_shop, vectors

NOW = datetime(2024, 6, 30)


def shop(lines):
    """Return training data of (user, product, days ago)."""
    frame = pl.DataFrame(
        {
            "user_id": [user for user, _, _ in lines],
            "order_id": [f"{user}-{days}" for user, _, days in lines],
            "product_id": [product for _, product, _ in lines],
            "event": "purchase",
            "timestamp": [NOW - timedelta(days=days) for _, _, days in lines],
        }
    )
    return TrainingData.from_frames(frame)


LINES = [
    ("a", "old", 300), ("b", "old", 290), ("c", "old", 280), ("b", "new", 0), ("c", "new", 6),
    ("c", "new", 2), ("a", "steady", 200), ("b", "steady", 20), ("d", "steady", 5), ("d", "steady", 19),
]  # fmt: skip
NEW, OLD, STEADY = range(3)


def test_sales_are_users_and_weeks():
    data = shop(LINES)
    found = Trends.of(data, ColdProducts.none(data.n_items))
    np.testing.assert_allclose(np.expm1(found.popularity[-1]), [2, 3, 4], rtol=1e-5)
    np.testing.assert_allclose(np.exp(found.lately[-1]), [2.5 / 3, 0.5 / 4, 3.5 / 5], rtol=1e-5)
    assert found.buyers.tolist() == [2, 0, 2]


def test_of_the_past_only_what_had_been_sold_by_then_is_known():
    data = shop(LINES)
    found = Trends.of(data, ColdProducts.none(data.n_items))
    queries = user_queries(data, np.array([0, 1, 2, 3], np.int32))
    asked = [NOW, NOW - timedelta(days=9), NOW - timedelta(days=270), NOW - timedelta(days=4000)]
    asked = np.array([(each - datetime(1970, 1, 1)) // timedelta(microseconds=1) for each in asked])
    rows = np.arange(4)
    sold = np.expm1(found.features(replace(queries, asked=asked), rows, np.full(4, STEADY))[:, 1])
    np.testing.assert_allclose(sold, [3, 3, 0, 0], atol=1e-5)  # in the week of a question nothing is known
    lately = np.exp(found.features(replace(queries, asked=asked), rows, np.full(4, OLD))[:, 0])
    np.testing.assert_allclose(lately, [0.5 / 4, 0.5 / 4, 3.5 / 4, 0.5], rtol=1e-5)
    now = np.expm1(found.features(queries, rows, np.full(4, STEADY))[:, 1])
    np.testing.assert_allclose(now, 4, rtol=1e-5)


def test_the_fusion_learns_from_what_was_known_when_an_order_was_placed():
    data = TrainingData.from_frames(random_shop(1), catalogue(), vectors())
    split = inner_split(data, 1000, 1)
    last = data.events.filter((pl.col("user") >= 0) & (pl.col("order") >= 0)).group_by("user")
    last = last.agg(pl.col("timestamp").max()).filter(pl.col("user").is_in(split.users.tolist()))
    assert split.times.tolist() == last.sort("user")["timestamp"].to_list()


def test_without_times_no_product_has_a_trend():
    frame = random_shop(1).with_columns(timestamp=pl.lit(None, pl.Datetime("us")))
    data = TrainingData.from_frames(frame)
    found = Trends.of(data, ColdProducts.none(data.n_items))
    assert found.lately.shape == found.popularity.shape == (2, data.n_items)
    queries = replace(user_queries(data, np.arange(2, dtype=np.int32)), asked=np.full(2, 2**62))
    features = found.features(queries, np.array([0, 1]), np.array([3, 4]))
    np.testing.assert_array_equal(features[:, 1], found.popularity[-1, [3, 4]])


def test_arrays_of_other_products_are_refused():
    data = shop(LINES)
    arrays = Trends.of(data, ColdProducts.none(data.n_items)).arrays()
    assert len(Trends.from_arrays(arrays, 3).buyers) == 3
    with pytest.raises(ValueError, match="trends"):
        Trends.from_arrays(arrays, 4)


def test_a_reason_of_late_can_be_counted():
    data = shop(LINES)
    found = Trends.of(data, ColdProducts.none(data.n_items))
    explanation = found.explain(np.array([[NEW, OLD, -1]], np.int32))
    assert explanation.kind[0, :2].tolist() == [Why.LATELY, Why.POPULAR]
    assert (explanation.count[0, 0], explanation.value[0, 0]) == (2, 91)


def test_what_is_said_of_late_is_true_of_the_shop():
    interactions = random_shop(1)
    data = TrainingData.from_frames(interactions, catalogue(), vectors())
    model = train("hybrid", data, parameters=["validation_users=20"])
    model.recommender.weights[:] = 0
    for feature in ("popularity.score", "trend.lately"):
        model.recommender.weights[:, model.recommender.feature_names.index(feature)] = 1
    frame = recommend(model, k=5).frame.filter(pl.col("reason_kind") == "bought lately")
    assert frame.height
    said = frame.with_columns(
        n=pl.col("reason").str.extract(r"^bought by (\d+) customers? in").cast(pl.Int64),
        days=pl.col("reason").str.extract(r"in the last (\d+) days$").cast(pl.Int64),
    )
    newest = interactions["timestamp"].max()
    for product, n, days in said.select("product_id", "n", "days").iter_rows():
        recent = interactions.filter(
            (pl.col("product_id") == product) & (pl.col("timestamp") > newest - timedelta(days=days))
        )
        assert recent["user_id"].drop_nulls().n_unique() == n
