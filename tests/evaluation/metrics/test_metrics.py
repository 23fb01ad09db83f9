"""Metrics by hand, against ir-measures, and by their definitions in plain Python.

Where ir-measures and its engines differ from what is said here, and what the tests do about it:

- pytrec_eval, ir-measures' engine, leaves out a user who has relevant products and no list; ir-measures
  puts a 0 in its place, as we do. The comparison draws such users.
- pytrec_eval orders a list by score and breaks ties by id from Z to A; the comparison hands it distinct
  scores.
- AP@k divides by |relevant| in both (trec_eval's map_cut). Texts that divide by min(k, |relevant|)
  print more.
- nDCG@k cuts the ideal at min(k, |relevant|) in both; RecTools' default does not cut it and prints less.
- F1@k is no measure of ir-measures: it is worked out of its P@k and R@k user by user.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict

import ir_measures
import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from ir_measures import AP, RR, P, R, Success, nDCG

from prodassoc_cli.evaluation.compare import METRICS_SCHEMA
from prodassoc_cli.evaluation.metrics.registry import ALL_METRICS, NEEDS, RANKING_METRICS
from tests.evaluation.frames import LISTS, TRUTHS, bought, interactions, lists
from tests.evaluation.lists import evaluate_lists


def values(metrics: pl.DataFrame, model: str = "m") -> dict[str, float]:
    """{"ndcg@10": 0.5, …} of one model."""
    rows = metrics.filter(pl.col("model") == model)
    return {f"{metric}@{k}": value for metric, k, value in rows.select("metric", "k", "value").iter_rows()}


def test_one_user_by_hand():
    # Hits at 1 and 3 of relevant {a, c, z}.
    metrics = evaluate_lists({"m": lists(u="a b c d")}, bought(u="c a z"), [2, 4])
    found = values(metrics)
    ideal_2 = 1 + 1 / math.log2(3)
    ideal_4 = ideal_2 + 1 / 2
    assert found == pytest.approx({
        "precision@2": 1 / 2, "precision@4": 2 / 4,
        "recall@2": 1 / 3, "recall@4": 2 / 3,
        "f1@2": 2 / 5, "f1@4": 4 / 7,
        "map@2": 1 / 3, "map@4": (1 + 2 / 3) / 3,
        "mrr@2": 1, "mrr@4": 1,
        "ndcg@2": 1 / ideal_2, "ndcg@4": 1.5 / ideal_4,
        "hit_rate@2": 1, "hit_rate@4": 1,
    })  # fmt: skip
    assert metrics.schema == METRICS_SCHEMA


def test_a_user_with_truth_and_no_list_counts_zero_and_one_without_truth_not_at_all():
    alone = evaluate_lists({"m": lists(u="a")}, bought(u="a"), [1])
    with_silent = evaluate_lists({"m": lists(u="a", w="a")}, bought(u="a", v="a"), [1])
    for metric, value in values(alone).items():
        assert value == 1
        assert values(with_silent)[metric] == pytest.approx(0.5)
    assert with_silent["n"].unique().to_list() == [2]


def test_a_list_shorter_than_k_keeps_the_divisor_k():
    found = values(evaluate_lists({"m": lists(u="a")}, bought(u="a b c"), [5]))
    assert found["precision@5"] == pytest.approx(1 / 5)
    assert found["recall@5"] == pytest.approx(1 / 3)


def test_relevant_is_what_users_did_of_their_own_will():
    truth = interactions(
        {"user_id": "u", "product_id": "seen", "event": "impression"},
        {"user_id": "u", "product_id": "waved-off", "event": "dismiss"},
        {"user_id": "u", "product_id": "bought"},
        {"user_id": "u", "product_id": "bought", "event": "rating", "rating": 5.0},
        {"user_id": "v", "product_id": "seen", "event": "impression"},
        {"user_id": None, "product_id": "anonymous"},
    )
    metrics = evaluate_lists({"m": lists(u="seen waved-off anonymous bought")}, truth, [4])
    assert values(metrics)["recall@4"] == 1
    assert values(metrics)["mrr@4"] == pytest.approx(1 / 4)
    assert metrics["n"].unique().to_list() == [1]


def test_equal_ranks_are_ordered_by_product_id():
    tied = lists(u="b a c").with_columns(rank=pl.Series([1, 1, 2], dtype=pl.Int32))
    assert values(evaluate_lists({"m": tied}, bought(u="a"), [1]))["precision@1"] == 1
    assert values(evaluate_lists({"m": tied}, bought(u="b"), [1]))["precision@1"] == 0


def test_coverage_is_a_share_of_the_catalogue_and_of_train_without_one():
    truth, recs = bought(u="a", v="a"), {"m": lists(u="a b", v="a x", w="c")}
    catalogue = pl.DataFrame({"product_id": list("abcd")})
    # c is recommended to w alone, who has no truth: it is reached all the same; x is not in the catalogue.
    of_catalogue = evaluate_lists(recs, truth, [1, 2], products=catalogue).filter(metric="coverage")
    assert of_catalogue.select("value", "low", "high", "n").rows() == [
        (0.5, None, None, 4), (0.75, None, None, 4),
    ]  # fmt: skip
    of_train = evaluate_lists(recs, truth, [2], train=bought(t="a b e f g"))
    assert values(of_train)["coverage@2"] == pytest.approx(2 / 5)
    assert "coverage@1" not in values(evaluate_lists(recs, truth, [1]))


def test_novelty_is_the_mean_inverse_user_frequency():
    train = bought(t="a b", u="a", v="a", w="a")
    truth = bought(u="z", v="z", x="z")
    metrics = evaluate_lists({"m": lists(u="a b", v="new")}, truth, [1, 2], train=train).filter(
        metric="novelty"
    )
    # a: 4 of 4 users, 0 bits; b: 1 of 4, 2 bits; a product nobody has counts as one user's. x has no list.
    assert metrics["value"].to_list() == pytest.approx([(0 + 2) / 2, (1 + 2) / 2])
    assert metrics["n"].to_list() == [2, 2]


def test_novelty_needs_training_users():
    anonymous = interactions({"order_id": "1", "product_id": "a"})
    metrics = evaluate_lists({"m": lists(u="a")}, bought(u="a"), [1], train=anonymous)
    assert "novelty" not in metrics["metric"].to_list()
    assert values(metrics)["coverage@1"] == 1


def test_every_metric_is_documented():
    for name, metric in ALL_METRICS.items():
        assert name == metric.name
        assert metric.definition
        assert metric.source
        ways = [metric.values, metric.total, metric.loss]
        assert sum(way is not None for way in ways) == (metric.needs not in ("rules", "feedback"))
        assert metric.needs is None or metric.needs in NEEDS


def _long(recommended: dict[str, list[str]]) -> pl.DataFrame:
    return lists(**{user: " ".join(products) for user, products in recommended.items()})


def _pairs(truth: dict[str, set[str]]) -> pl.DataFrame:
    return bought(**{user: " ".join(products) for user, products in truth.items()})


IR_MEASURES = {
    "precision": lambda k: P @ k,
    "recall": lambda k: R @ k,
    "map": lambda k: AP @ k,
    "mrr": lambda k: RR @ k,
    "ndcg": lambda k: nDCG @ k,
    "hit_rate": lambda k: Success @ k,
}


@settings(max_examples=150)
@given(TRUTHS, LISTS, st.sets(st.integers(1, 12), min_size=1, max_size=3))
def test_agrees_with_ir_measures(truth, recommended, ks):
    assume(not any(recommended.values()) or any(recommended.get(user) for user in truth))
    ks = sorted(ks)
    ours = values(evaluate_lists({"m": _long(recommended)}, _pairs(truth), ks))

    qrels = [ir_measures.Qrel(user, product, 1) for user, products in truth.items() for product in products]
    run = [
        ir_measures.ScoredDoc(user, product, -float(place))
        for user, products in recommended.items()
        for place, product in enumerate(products)
    ]
    theirs = {name: {k: measure(k) for k in ks} for name, measure in IR_MEASURES.items()}
    asked = [measure for by_k in theirs.values() for measure in by_k.values()]
    by_user = defaultdict(dict)
    for found in ir_measures.iter_calc(asked, qrels, run):
        by_user[found.measure][found.query_id] = found.value
    for name, by_k in theirs.items():
        for k, measure in by_k.items():
            # ir-measures may leave users out altogether when the run is empty.
            expected = sum(by_user[measure].get(user, 0.0) for user in truth) / len(truth)
            assert ours[f"{name}@{k}"] == pytest.approx(expected, abs=1e-9), (name, k)
    for k in ks:
        p, r = by_user[P @ k], by_user[R @ k]
        f1 = [2 * p[u] * r[u] / (p[u] + r[u]) if p.get(u) else 0.0 for u in truth]
        assert ours[f"f1@{k}"] == pytest.approx(sum(f1) / len(truth), abs=1e-9)


@settings(max_examples=100)
@given(TRUTHS, LISTS, TRUTHS, st.integers(1, 12))
def test_novelty_and_coverage_as_defined(truth, recommended, train, k):
    assume(not any(recommended.values()) or any(recommended.get(user) for user in truth))
    metrics = evaluate_lists({"m": _long(recommended)}, _pairs(truth), [k], train=_pairs(train))
    catalogue = set().union(*train.values())
    judged = {user: products[:k] for user, products in recommended.items() if user in truth and products}
    shown = {product for products in recommended.values() for product in products[:k]}
    assert values(metrics)[f"coverage@{k}"] == pytest.approx(len(shown & catalogue) / len(catalogue))

    def bits(product):
        return -math.log2(max(1, sum(product in had for had in train.values())) / len(train))

    means = [sum(map(bits, products)) / len(products) for products in judged.values()]
    novelty = metrics.filter(metric="novelty")
    assert novelty["n"].item() == len(means)
    if means:
        assert novelty["value"].item() == pytest.approx(sum(means) / len(means))
    else:
        assert novelty["value"].item() is None


@settings(max_examples=100)
@given(TRUTHS, LISTS, st.integers(1, 12), st.randoms(use_true_random=False))
def test_bounds_hold_and_order_of_rows_does_not_matter(truth, recommended, k, random):
    assume(not any(recommended.values()) or any(recommended.get(user) for user in truth))
    frame, pairs = _long(recommended), _pairs(truth)
    metrics = evaluate_lists({"m": frame}, pairs, [k], train=pairs)
    for name, value, low, high in metrics.select("metric", "value", "low", "high").iter_rows():
        if value is None:
            continue
        metric = ALL_METRICS[name]
        top = math.inf if metric.high is None else metric.high
        assert metric.low <= value <= top + 1e-12
        if low is not None:
            assert metric.low - 1e-12 <= low <= value <= high <= top + 1e-12

    def shuffled(rows: pl.DataFrame) -> pl.DataFrame:
        return rows[random.sample(range(rows.height), rows.height)]

    again = evaluate_lists({"m": shuffled(frame)}, shuffled(pairs), [k], train=shuffled(pairs))
    assert again.equals(metrics)


def test_a_perfect_list_is_worth_one():
    found = values(evaluate_lists({"m": lists(u="a b c", v="d e")}, bought(u="c b a", v="e d"), [3]))
    for metric in ("recall", "map", "mrr", "ndcg", "hit_rate"):
        assert found[f"{metric}@3"] == 1
    assert found["precision@3"] == pytest.approx((1 + 2 / 3) / 2)


def test_thirty_thousand_lists_of_twenty_take_under_two_seconds():
    random = np.random.default_rng(0)
    users, k, products = 30_000, 20, 5_000
    # 20 distinct products per user: a random start and a stride.
    columns = (random.integers(products, size=(users, 1)) + 7 * np.arange(k)) % products
    ids = np.array([f"{number:05}" for number in range(products)])
    names = np.array([f"user-{number}" for number in range(users)])
    recs = pl.DataFrame(
        {
            "user_id": np.repeat(names, k),
            "rank": np.tile(np.arange(1, k + 1, dtype=np.int32), users),
            "product_id": ids[columns.ravel()],
        }
    )
    truth = pl.DataFrame(
        {
            "user_id": np.repeat(names, 5),
            "product_id": ids[random.integers(products, size=users * 5)],
            "event": ["purchase"] * (users * 5),
        }
    )
    spent = []
    for _ in range(2):
        wall, cpu = time.perf_counter(), time.process_time()
        metrics = evaluate_lists({"m": recs}, truth, [5, 10, 20], train=truth)
        # On a busy machine the CPU's own time is the fairer one.
        spent.append(min(time.perf_counter() - wall, time.process_time() - cpu))
    assert metrics.height == 3 * sum(
        m.needs in (None, "catalogue", "training users") for m in RANKING_METRICS.values()
    )
    assert min(spent) < 2
