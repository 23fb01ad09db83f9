from __future__ import annotations

from datetime import datetime

import numpy as np
import polars as pl
import pytest

from prodassoc_cli.embedding.analysis import profiles
from prodassoc_cli.embedding.analysis.profiles import user_profiles
from prodassoc_cli.embedding.vectors.arithmetic import unit
from prodassoc_cli.errors import BadData

PRODUCTS = pl.DataFrame(
    {
        "product_id": ["cheap", "dear", "mid", "tea"],
        "title": ["Plain Lamp", "Golden Lamp", "Steel Lamp", "Green Tea 20 bags"],
        "brand": ["A", "B", "A", None],
        "category": ["Home", "Home", "Home", "Food"],
        "price": [1.0, 100.0, 10.0, 3.0],
    }
)
VECTORS = np.eye(4, dtype=np.float32)
ROWS = [
    ("ann", "o1", "cheap", "purchase", 1.0, 1.0, datetime(2025, 1, 1)),
    ("ann", "o2", "tea", "purchase", 3.0, None, datetime(2025, 4, 1)),
    ("ann", None, "dear", "impression", None, None, datetime(2025, 4, 1)),
    ("bob", "o3", "dear", "purchase", 2.0, 90.0, datetime(2025, 4, 11)),
    ("bob", "o3", "gone", "purchase", 1.0, 5.0, datetime(2025, 4, 11)),
    ("cid", "o4", "gone", "purchase", None, None, datetime(2025, 4, 1)),
    (None, "o5", "mid", "purchase", 1.0, 1.0, datetime(2025, 4, 1)),
    ("dan", None, "mid", "dismiss", None, None, None),
]


def interactions(rows=ROWS) -> pl.DataFrame:
    names = ["user_id", "order_id", "product_id", "event", "quantity", "price", "timestamp"]
    schema = dict.fromkeys(names, pl.String) | {
        "quantity": pl.Float64, "price": pl.Float64, "timestamp": pl.Datetime("us"),
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(rating=pl.lit(None, pl.Float64))


def described(rows=ROWS, products: pl.DataFrame = PRODUCTS, **options) -> dict[str, dict]:
    frames = list(user_profiles(interactions(rows), products, VECTORS, **options))
    return {row["user_id"]: row for row in pl.concat(frames).to_dicts()}


def test_recency_frequency_and_money() -> None:
    users = described()
    assert list(users) == ["ann", "bob", "cid"]
    ann, bob, cid = users["ann"], users["bob"], users["cid"]
    assert (ann["recency_days"], ann["frequency"]) == (10.0, 2)
    assert ann["monetary"] == 1.0 + 3 * 3.0  # a price that is missing is the catalogue's
    assert ann["last_seen"] == datetime(2025, 4, 1)
    assert (bob["recency_days"], bob["frequency"], bob["monetary"]) == (0.0, 1, 185.0)
    assert (cid["monetary"], cid["embedding"], cid["keywords"]) == (None, None, [])


def test_the_vector_is_the_weighted_mean() -> None:
    ann = described(half_life=100.0)["ann"]
    # Ages 100 and 10 days; log2(1 + 1) = 1 and log2(1 + 3) = 2.
    expected = unit(np.array([[0.5 * 1, 0, 0, 0.5**0.1 * 2]], dtype=np.float32))[0]
    np.testing.assert_allclose(ann["embedding"], expected, atol=1e-6)


def test_tastes_in_words() -> None:
    users = described()
    assert users["ann"]["top_categories"] == ["Food", "Home"]
    assert users["ann"]["top_brands"] == ["A"]
    assert users["bob"]["top_brands"] == ["B"]
    assert users["bob"]["keywords"] == ["golden lamp"]
    assert users["bob"]["price_band"] == "high"
    assert users["ann"]["price_band"] == "middle"
    assert users["cid"]["price_band"] is None
    assert (users["ann"]["price_low"], users["ann"]["price_high"]) == (1.5, 2.5)


def test_keywords_are_common_phrases_or_whole_names_and_share_no_word() -> None:
    titles = ["Fresh Goat Milk, 1 L", "Organic Goat Milk", "Amber Maple Syrup", "Maple Syrups"]
    products = pl.DataFrame({"product_id": list("abcd"), "title": titles})
    rows = [("u", f"o{item}", item, "purchase", 1.0, 1.0, None) for item in "abc"]
    user = described(rows, products=products)["u"]
    # Two milks weigh more than one syrup; of the syrup, all of its name, and nothing of it twice.
    assert user["keywords"] == ["goat milk", "amber maple syrup", "fresh", "organic"]


def test_without_purchases_every_interest_counts() -> None:
    rows = [("u", None, "tea", "rating", None, None, None), ("u", None, "mid", "view", None, None, None)]
    user = described(rows)["u"]
    assert (user["frequency"], user["recency_days"], user["last_seen"]) == (2, None, None)
    np.testing.assert_allclose(user["embedding"], [0, 0, 0.5**0.5, 0.5**0.5], atol=1e-6)


def test_a_bare_catalogue_will_do() -> None:
    ann = described(products=PRODUCTS.select("product_id"))["ann"]
    assert (ann["top_categories"], ann["keywords"], ann["monetary"]) == ([], [], 1.0)


def test_order_of_rows_and_blocks_of_users_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = described()
    monkeypatch.setattr(profiles, "_USERS", 1)
    assert described(ROWS[::-1]) == before


def test_nobody_is_an_error() -> None:
    with pytest.raises(BadData, match="no row has a user"):
        described([ROWS[-1], ROWS[-2]])
