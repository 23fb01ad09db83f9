"""Gathered piece by piece, interactions become the same matrices and the same model."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prodassoc_cli.errors import BadData
from prodassoc_cli.models.data import TrainingData
from prodassoc_cli.models.model import train
from prodassoc_cli.models.registry import MODELS, family
from prodassoc_cli.models.storage.artifact import to_arrow
from prodassoc_cli.models.storage.streaming import GatheredData

SCHEMA = {
    "user_id": pl.String, "order_id": pl.String, "product_id": pl.String, "event": pl.String,
    "rating": pl.Float64, "timestamp": pl.Datetime("us"),
}  # fmt: skip
START = datetime(2024, 1, 1)
LINES = st.lists(
    st.tuples(
        st.sampled_from([None, *"uvwxyz"]),
        st.sampled_from([None, "1", "2", "10"]),
        st.sampled_from("abcde"),
        st.sampled_from(["purchase", "view", "dismiss", "rating", "impression"]),
        st.sampled_from([None, 1.0, 3.0, 5.0]),
        st.sampled_from([None, *(START + timedelta(days=day) for day in range(3))]),
    ),
    min_size=1,
    max_size=40,
)


def frame_of(lines) -> pl.DataFrame:
    return pl.DataFrame(lines, schema=SCHEMA, orient="row")


def gathered(frame: pl.DataFrame, piece: int = 7, bucket: int = 3) -> GatheredData:
    return GatheredData.from_pieces(lambda: frame.iter_slices(piece), frame.height, lines_a_bucket=bucket)


def same(left, right) -> bool:
    if left is None or right is None:
        return left is right
    return left.shape == right.shape and all(
        np.array_equal(getattr(left, part), getattr(right, part)) for part in ("indptr", "indices", "data")
    )


@given(LINES)
def test_the_matrices_are_those_of_the_whole(lines):
    frame = frame_of(lines)
    try:
        whole = TrainingData.from_frames(frame)
    except BadData as problem:
        with pytest.raises(BadData, match=str(problem)[:20]):
            gathered(frame)
        return
    ours = gathered(frame)
    assert ours.users.equals(whole.users)
    assert ours.items.frame.equals(whole.items.frame)
    for name in ("weights", "seen", "ratings", "baskets", "anonymous", "rows", "transactions"):
        assert same(getattr(ours, name), getattr(whole, name)), name
    assert np.array_equal(ours.last_seen, whole.last_seen)


@pytest.mark.parametrize("name", [name for name in MODELS if not family(name).needs_events])
def test_the_model_is_that_of_the_whole(name):
    chance = np.random.default_rng(3)
    users, products = chance.integers(0, 60, 900), chance.integers(0, 25, 900) ** 2 // 25
    frame = frame_of(
        [
            (
                f"u{user:02}" if user else None,
                f"o{user * 3 + n % 3}",
                f"p{product:02}",
                "purchase",
                None,
                START,
            )
            for n, (user, product) in enumerate(zip(users, products, strict=True))
        ]
    )
    catalogue = pl.DataFrame({"product_id": ["p00", "never bought"], "title": ["Bread", "Salt"]})
    whole = train(name, TrainingData.from_frames(frame, catalogue))
    pieces = GatheredData.from_pieces(
        lambda: frame.iter_slices(100), frame.height, products=catalogue, lines_a_bucket=50
    )
    table, header = to_arrow(train(name, pieces))
    expected, told = to_arrow(whole)
    assert header == told
    assert table.equals(expected)
