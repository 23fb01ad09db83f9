"""Repeat purchase and the baselines, against plain and slow arithmetic."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prodassoc_cli.models.data import TrainingData
from prodassoc_cli.models.families.repeat import RepeatParameters, habits
from prodassoc_cli.models.model import train
from prodassoc_cli.models.serving.recommend import recommend
from prodassoc_cli.models.split import inner_split, user_queries
from tests.models.shops import lines, random_shop


def slow_vector(baskets: list[set[str]], parameters: RepeatParameters) -> dict[str, float]:
    """Return a user's vector by the words of the paper: group means of order means, both decayed."""
    size = -(-len(baskets) // parameters.groups)
    newest_first = baskets[::-1]
    groups = [newest_first[start : start + size] for start in range(0, len(baskets), size)]
    vector: dict[str, float] = {}
    for g, group in enumerate(groups):
        for place, basket in enumerate(group):
            for product in basket:
                weight = parameters.within_decay**place / size * parameters.group_decay**g / len(groups)
                vector[product] = vector.get(product, 0) + weight
    return vector


@given(
    st.lists(
        st.lists(st.sets(st.sampled_from("abcde"), min_size=1), min_size=1, max_size=9),
        min_size=1,
        max_size=4,
    ),
    st.integers(1, 4),
    st.booleans(),
)
def test_a_user_is_the_decayed_mean_of_its_orders(users, groups, numbered):
    start = datetime(2025, 1, 1)
    rows = [
        (f"u{user}", f"o{user}-{order}" if numbered else None, product, start + timedelta(days=order))
        for user, baskets in enumerate(users)
        for order, basket in enumerate(baskets)
        for product in basket
    ]
    data = TrainingData.from_frames(lines(rows).sample(fraction=1.0, shuffle=True, seed=1))
    parameters = RepeatParameters(groups=groups, within_decay=0.8, group_decay=0.6)
    found = habits(data, parameters).toarray()
    for user, baskets in enumerate(users):
        expected = slow_vector(baskets, parameters)
        for item, product in enumerate(data.items.ids):
            assert found[user, item] == pytest.approx(expected.get(product, 0), rel=1e-5)


@settings(max_examples=15)
@given(st.integers(0, 2**16), st.sampled_from([0.0, 0.4, 1.0]), st.integers(1, 70))
def test_scores_are_means_of_the_user_and_its_neighbours(seed, own, neighbours):
    data = TrainingData.from_frames(random_shop(seed, loyalty=0.5))
    model = train("repeat", data, parameters=[f"own={own}", f"neighbours={neighbours}"])
    vectors = model.recommender.habits.toarray().astype(np.float64)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    users = np.arange(data.n_users)
    scores = model.recommender.score(user_queries(model, users.astype(np.int32)), 2)
    likeness = unit @ unit.T
    np.fill_diagonal(likeness, 0)
    for user in users:
        order = np.argsort(-likeness[user], kind="stable")
        if (
            neighbours < len(order)
            and likeness[user, order[neighbours - 1]] - likeness[user, order[neighbours]] < 1e-6
        ):
            continue  # which of equals is nearer is a matter of rounding
        near = [v for v in order[:neighbours] if likeness[user, v] > 0]
        mean = vectors[near].mean(axis=0) if near else 0
        expected = own * vectors[user] + (1 - own) * mean
        np.testing.assert_allclose(np.where(np.isfinite(scores[user]), scores[user], 0), expected, atol=1e-6)


def test_it_foretells_the_next_basket_better_than_popularity_and_taste():
    data = TrainingData.from_frames(random_shop(5, users=300, items=60, loyalty=0.85))
    split = inner_split(data, 1000, 1)
    hits = {}
    for name in ("repeat", "popularity", "item-knn"):
        model = train(name, split.train)
        items, _ = model.recommender.top_k(user_queries(model, split.users, new_only=False), 3, 1)
        truth = split.truth.toarray() > 0
        hits[name] = np.take_along_axis(truth, np.maximum(items, 0), axis=1)[items >= 0].mean()
    assert hits["repeat"] > 1.3 * max(hits["popularity"], hits["item-knn"])


def test_what_is_bought_again_is_said_to_be():
    data = TrainingData.from_frames(random_shop(9, users=100, loyalty=0.8))
    frame = recommend(train("repeat", data), include_seen=True, k=3).frame
    again = frame.filter(pl.col("reason_kind") == "bought again")
    assert again.height > 100
    assert again["reason"].str.starts_with("you bought it").all()
    fresh = recommend(train("repeat", data), k=3).frame
    assert not fresh["reason_kind"].is_in(["bought again"]).any()


def test_trending_is_popularity_of_late():
    start = datetime(2025, 1, 1)
    rows = [(f"u{n}", f"o{n}", "old", start) for n in range(9)]
    rows += [(f"v{n}", f"p{n}", "new", start + timedelta(days=100)) for n in range(3)]
    rows += [("w", "q", "else", start)]
    data = TrainingData.from_frames(lines(rows))
    scores = train("trending", data, parameters=["half_life=20"]).recommender.scores
    by_id = dict(zip(data.items.ids, scores.tolist(), strict=True))
    assert by_id == pytest.approx({"old": 9 / 32, "new": 3, "else": 1 / 32})
    assert recommend(train("popularity", data), ids=["w"], k=1).frame["product_id"].to_list() == ["old"]
    assert recommend(train("trending", data), ids=["w"], k=1).frame["product_id"].to_list() == ["new"]


def test_random_is_even_and_repeatable():
    data = TrainingData.from_frames(random_shop(2, users=400))
    first = recommend(train("random", data), k=1, include_seen=True).frame
    share = first.group_by("product_id").len()["len"].to_numpy() / first.height
    assert len(share) == data.n_items
    assert share.max() < 2.2 / data.n_items
    assert recommend(train("random", data, seed=43), k=1, include_seen=True).frame.equals(first) is False
    one = recommend(train("random", data), audience="baskets", baskets=[["i01"], ["i02"], ["i01"]], k=4).frame
    lists = one.group_by("basket_id", maintain_order=True).agg("product_id")["product_id"].to_list()
    assert lists[0] == lists[2] != lists[1]
