"""Metrics beyond precision and recall, each against its definition in plain Python.

Beside RecTools 0.19 (compared by `tests/evaluation/peers.py`, which needs an environment of its own):

- Accuracy, IntraListDiversity (Hamming of categories) and MeanInvUserFreq agree where every list has k rows.
  RecTools divides the diversity of a shorter list by the pairs of k rows.
- AvgRecPopularity(normalize=True) divides by the number of interactions; popularity divides by that of users.
- Serendipity of RecTools weighs a hit by how far it lies from the best-seller in rank; here a hit counts or
  does not (Ge et al. 2010).
- PartialAUC of RecTools counts only the first k misses; auc ties everything that is not listed.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from prodassoc_cli.evaluation.judged_lists import judge_lists
from prodassoc_cli.evaluation.segments import FEW, find_segments, restrict, segment_metrics
from tests.evaluation.frames import LISTS, TRUTHS, bought, lists
from tests.evaluation.lists import evaluate_lists

PRODUCTS = [f"p{number}" for number in range(12)]
CATEGORIES = {
    f"p{number}": None if number == 11 else f"Top{number % 2} > C{number % 3}" for number in range(12)
}
PRICES = {f"p{number}": None if number == 10 else 1.5 * number for number in range(12)}


def catalogue() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "product_id": PRODUCTS,
            "category": [CATEGORIES[each] for each in PRODUCTS],
            "price": [PRICES[each] for each in PRODUCTS],
        }
    )


def vectors(seed: int = 3) -> pl.DataFrame:
    found = np.random.default_rng(seed).normal(size=(11, 4)).astype(np.float32)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    return pl.DataFrame(
        {"product_id": PRODUCTS[:11], "embedding": pl.Series(found, dtype=pl.Array(pl.Float32, 4))}
    )


def frame(rows: dict) -> pl.DataFrame:
    return lists(**{user: " ".join(products) for user, products in rows.items()})


def pairs(rows: dict) -> pl.DataFrame:
    return bought(**{user: " ".join(sorted(products)) for user, products in rows.items()})


def mean(values: list) -> float | None:
    return sum(values) / len(values) if values else None


@settings(max_examples=120)
@given(TRUTHS, LISTS, TRUTHS, st.integers(1, 10))
def test_every_metric_is_what_its_definition_says(truth, recommended, train, k):
    assume(not any(recommended.values()) or any(recommended.get(user) for user in truth))
    found = evaluate_lists({"m": frame(recommended)}, pairs(truth), [k], pairs(train), catalogue(), vectors())
    ours = dict(found.select("metric", "value").iter_rows())
    cut = {user: recommended.get(user, [])[:k] for user in truth}
    holders = {p: sum(p in had for had in train.values()) for p in PRODUCTS}
    vector = dict(vectors().with_columns(pl.col("embedding").arr.to_list()).iter_rows())

    accuracies, aucs = [], []
    for user, wanted in truth.items():
        listed = cut[user]
        right = sum((p in listed) == (p in wanted) for p in PRODUCTS)
        accuracies.append(right / len(PRODUCTS))
        if len(wanted) < len(PRODUCTS):
            scores = [len(listed) - listed.index(p) if p in listed else 0 for p in PRODUCTS]
            aucs.append(roc_auc_score([p in wanted for p in PRODUCTS], scores))
    assert ours["accuracy"] == pytest.approx(mean(accuracies))
    assert ours["auc"] == pytest.approx(mean(aucs))

    best = sorted(PRODUCTS, key=lambda p: (-holders[p], p))[:k]
    hits = {user: [p for p in cut[user] if p in truth[user]] for user in truth}
    assert ours["serendipity"] == pytest.approx(
        mean([sum(p not in best for p in hits[user]) / k for user in truth])
    )
    assert ours["revenue"] == pytest.approx(
        mean([sum(PRICES[p] or 0.0 for p in hits[user]) for user in truth])
    )
    shares = [mean([holders[p] / len(train) for p in row]) for row in cut.values() if row]
    assert ours["popularity"] == pytest.approx(mean(shares))
    priced = [[PRICES[p] for p in row if PRICES[p] is not None] for row in cut.values()]
    assert ours["price"] == pytest.approx(mean([mean(row) for row in priced if row]))

    def over_pairs(known, distance):
        rows = [[p for p in row if known(p)] for row in cut.values()]
        return mean([
            mean([distance(*pair) for pair in itertools.combinations(row, 2)]) for row in rows if len(row) > 1
        ])  # fmt: skip

    assert ours["diversity"] == pytest.approx(
        over_pairs(lambda p: CATEGORIES[p], lambda a, b: float(CATEGORIES[a] != CATEGORIES[b]))
    )
    assert ours["embedding_diversity"] == pytest.approx(
        over_pairs(vector.__contains__, lambda a, b: 1 - np.dot(vector[a], vector[b])), abs=1e-5
    )

    counts = [sum(p in row[:k] for row in recommended.values()) for p in PRODUCTS]
    if total := sum(counts):
        differences = sum(abs(a - b) for a in counts for b in counts)
        assert ours["gini"] == pytest.approx(differences / (2 * len(counts) * total))
        assert ours["entropy"] == pytest.approx(-sum(c / total * math.log2(c / total) for c in counts if c))
    else:
        assert ours["gini"] is ours["entropy"] is None


def test_metrics_without_their_inputs_are_left_out():
    found = evaluate_lists({"m": lists(u="a b")}, bought(u="a"), [2])
    asked = {"auc", "accuracy", "gini", "price", "diversity", "embedding_diversity", "popularity"}
    assert not asked & set(found["metric"])


def shop(seed: int = 0):
    random = np.random.default_rng(seed)
    names = [f"u{number:02}" for number in range(40)]
    train = {user: set(random.choice(PRODUCTS, random.integers(1, 9), replace=False)) for user in names}
    truth = {user: set(random.choice(PRODUCTS, random.integers(1, 4), replace=False)) for user in names}
    rows = {user: list(random.permutation(PRODUCTS)[:6]) for user in names[:35]}
    return train, truth, rows


def test_a_segment_of_users_is_an_evaluation_of_those_users():
    train, truth, rows = shop()
    judged = judge_lists({"m": frame(rows)}, pairs(truth), pairs(train), catalogue())
    found = segment_metrics(judged, [3])
    users = {user for user in truth if len(train[user]) < FEW}
    alone = evaluate_lists(
        {"m": frame({u: r for u, r in rows.items() if u in users})},
        pairs({u: t for u, t in truth.items() if u in users}), [3],
    )  # fmt: skip
    expected = dict(alone.select("metric", "value").iter_rows())
    got = dict(found.filter(segment="users: new").select("metric", "value").iter_rows())
    assert got == pytest.approx({metric: expected[metric] for metric in got})
    sizes = dict(found.filter(metric="ndcg").select("segment", "n").iter_rows())
    assert sum(n for name, n in sizes.items() if name.startswith("users:")) == len(truth)


def test_a_segment_of_products_is_an_evaluation_by_those_products():
    train, truth, rows = shop(1)
    judged = judge_lists({"m": frame(rows)}, pairs(truth), pairs(train), catalogue())
    found = segment_metrics(judged, [2, 5])
    of_top = {
        user: {p for p in wanted if (CATEGORIES[p] or "").startswith("Top1")}
        for user, wanted in truth.items()
    }
    alone = evaluate_lists({"m": frame(rows)}, pairs({u: t for u, t in of_top.items() if t}), [2, 5])
    expected = {(m, k): (v, n) for m, k, v, n in alone.select("metric", "k", "value", "n").iter_rows()}
    got = found.filter(segment="category: Top1")
    assert got.height
    for metric, k, value, n in got.select("metric", "k", "value", "n").iter_rows():
        assert (value, n) == (pytest.approx(expected[metric, k][0]), expected[metric, k][1])


def test_segments_name_what_the_inputs_tell():
    train, truth, rows = shop(2)
    bare = judge_lists({"m": frame(rows)}, pairs(truth))["m"]
    assert find_segments(bare.truth) == []
    judged = judge_lists({"m": frame(rows)}, pairs(truth), pairs(train), catalogue())["m"]
    names = [segment.name for segment in find_segments(judged.truth)]
    assert "users: heavy" in names
    assert {"category: Top0", "category: Top1"} <= set(names)
    for segment in find_segments(judged.truth):
        part = restrict(judged, segment)
        assert (part.truth.relevant > 0).all()
        assert (np.diff(part.user) >= 0).all()
