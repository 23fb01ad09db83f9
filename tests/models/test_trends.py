"""How products sold since a row's last purchase, and lately."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from prodassoc_cli.models import trends
from prodassoc_cli.models.base import Why
from prodassoc_cli.models.cold import ColdProducts
from prodassoc_cli.models.data import TrainingData
from prodassoc_cli.models.serving import recommend
from prodassoc_cli.models.split import basket_queries, user_queries
from prodassoc_cli.models.trained import train
from prodassoc_cli.models.trends import Trends

from .shops import catalogue, random_shop, vectors

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
    ("c", "new", 2), ("a", "steady", 200), ("b", "steady", 20), ("d", "steady", 5),
]  # fmt: skip


def test_buyers_are_counted_once_and_by_their_last_purchase():
    data = shop(LINES)
    found = Trends.of(data, ColdProducts.none(data.n_items))
    window = {int(days): n for n, days in enumerate(trends._WINDOWS)}
    ids = data.items.ids.to_list()
    counts = {name: found.buyers[:, ids.index(name)] for name in ("old", "new", "steady")}
    assert counts["new"][window[7]] == 2
    assert counts["new"].max() == 2
    assert counts["steady"][window[7]] == 1
    assert counts["steady"][window[28]] == 2
    assert counts["old"][window[224]] == 0
    assert counts["old"][window[448]] == 3


def test_the_window_is_the_time_since_the_row_was_there():
    data = shop(LINES)
    found = Trends.of(data, ColdProducts.none(data.n_items))
    queries = user_queries(data, np.array([0, 1], np.int32))  # a came last 200 days ago, b today
    new, old, _ = range(3)
    rows, items = np.array([0, 0, 1]), np.array([new, old, new])
    features = found.features(queries, rows, items)
    np.testing.assert_allclose(np.exp(features[:, 0]), [2.5 / 3, 0.5 / 4, 2.5 / 3], rtol=1e-6)
    np.testing.assert_allclose(np.exp(features[:, 1]), [2.5 / 3, 0.5 / 4, 2.5 / 3], rtol=1e-6)
    np.testing.assert_allclose(np.exp(features[:, 3]), [3, 4, 3], rtol=1e-6)
    baskets = basket_queries(queries.history)
    all_of_the_past = found.features(baskets, rows, items)[:, 0]
    np.testing.assert_allclose(np.exp(all_of_the_past), [2.5 / 3, 3.5 / 4, 2.5 / 3], rtol=1e-6)


def test_without_times_no_product_has_a_trend():
    frame = random_shop(1).with_columns(timestamp=pl.lit(None, pl.Datetime("us")))
    data = TrainingData.from_frames(frame)
    found = Trends.of(data, ColdProducts.none(data.n_items))
    assert (found.logs[:-1] == found.logs[0]).all()


def test_arrays_of_other_products_are_refused():
    data = shop(LINES)
    arrays = Trends.of(data, ColdProducts.none(data.n_items)).arrays()
    assert Trends.from_arrays(arrays, 3).buyers.shape[1] == 3
    with pytest.raises(ValueError, match="trends"):
        Trends.from_arrays(arrays, 4)


def test_a_reason_of_late_can_be_counted():
    data = shop(LINES)
    found = Trends.of(data, ColdProducts.none(data.n_items))
    queries = user_queries(data, np.array([0, 1], np.int32))
    evidence = found.explain(queries, np.array([[0, 1], [0, 1]], np.int32))
    # For a since 200 days, told by the next window of 226; b came today, so a week; old sold in neither.
    assert evidence.kind.tolist() == [[Why.LATELY, Why.POPULAR], [Why.LATELY, Why.POPULAR]]
    assert evidence.count[:, 0].tolist() == [2, 2]
    assert evidence.value[:, 0].tolist() == [224, 7]


def test_what_is_said_of_late_is_true_of_the_shop():
    interactions = random_shop(1)
    data = TrainingData.from_frames(interactions, catalogue(), vectors())
    model = train("hybrid", data, parameters=["validation_users=20"])
    model.recommender.weights[:] = 0
    for feature in ("popularity.listed", "trend.month"):
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
            (pl.col("product_id") == product) & (pl.col("timestamp") >= newest - timedelta(days=days))
        )
        assert recent["user_id"].drop_nulls().n_unique() == n
