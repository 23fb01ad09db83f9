"""Content, rules, popularity, mf and hybrid: what each computes, against plain arithmetic."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prodassoc_cli.errors import UsageProblem
from prodassoc_cli.models import similarity
from prodassoc_cli.models.data import Items, RuleTable, TrainingData, csr_of
from prodassoc_cli.models.families.content import Content, encode_attributes, weighted_dot
from prodassoc_cli.models.families.mf import Mf
from prodassoc_cli.models.families.popularity import Popularity
from prodassoc_cli.models.families.rules import Rules, recounted
from prodassoc_cli.models.hybrid.fusion import PARTS, Hybrid
from prodassoc_cli.models.hybrid.listwise import JudgedCandidates, regress, split_baskets, votes
from prodassoc_cli.models.model import train
from prodassoc_cli.models.split import basket_queries, user_queries
from tests.models.shops import catalogue, checkerboard, lines, random_shop, vectors


def test_the_weight_normalised_dot_product():
    assert weighted_dot(csr_of(np.ones((1, 4))), csr_of(np.array([[0, 1, 0, 1]]).T))[0, 0] == 0.5
    assert weighted_dot(csr_of(np.zeros((1, 4))), csr_of(np.array([[0, 1, 0, 1]]).T))[0, 0] == 0


def test_categories_count_by_every_prefix_of_the_path():
    frame = (
        catalogue()
        .head(3)
        .with_columns(
            category=pl.Series(["Food > Dairy > Milk", "Food>Dairy", " "]),
            brand=pl.Series(["Ours", None, "Ours"]),
            price=pl.lit(None, pl.Float64),
        )
    )
    features = encode_attributes(Items(frame))
    common = (features @ features.T).toarray()
    np.testing.assert_array_equal(common, [[4, 2, 1], [2, 2, 0], [1, 0, 1]])


def test_content_names_the_product_that_gave_most():
    data = TrainingData.from_frames(random_shop(5, items=20), catalogue(), vectors())
    model = Content()
    model.fit(data, 0, 1)
    queries = user_queries(data, np.arange(data.n_users, dtype=np.int32))
    items = np.tile(np.arange(data.n_items, dtype=np.int32), (data.n_users, 1))
    named = model.explain(queries, items, 1).others[:, :, 0]
    weights = np.log1p(queries.history.toarray()) / np.log(2)
    profiles = weights @ model.vectors
    attributes = weights @ model.attributes.toarray()
    text = 0.8 / np.linalg.norm(profiles, axis=1)
    rest = 0.2 / attributes.sum(axis=1)
    likeness = model.vectors @ model.vectors.T, (model.attributes @ model.attributes.T).toarray()
    parts = weights[:, :, None] * (
        text[:, None, None] * likeness[0][None] + rest[:, None, None] * likeness[1][None]
    )
    np.testing.assert_allclose(model.score(queries, 1), parts.sum(axis=1), rtol=1e-3, atol=1e-5)
    parts[:, np.arange(data.n_items), np.arange(data.n_items)] = 0
    there = named >= 0
    rows, columns = np.nonzero(there)
    np.testing.assert_allclose(parts[rows, named[there], columns], parts.max(axis=1)[there], rtol=1e-3)


def test_content_without_content_says_what_to_give():
    with pytest.raises(UsageProblem) as problem:
        train("content", TrainingData.from_frames(lines([("u", None, "x", None)])))
    assert "`embeddings=FILE`" in problem.value.hint


def test_pairs_are_scored_by_confidence_and_lift():
    baskets = [("a", "ab"), ("b", "ab"), ("c", "ac"), ("d", "bd"), ("e", "d")]
    data = TrainingData.from_frames(
        lines([(None, order, item, None) for order, of in baskets for item in of])
    )
    model = Rules.from_assignments(["min_count=1", "lift_power=1"])
    model.fit(data, 0, 1)
    # a is in 3 of 5 baskets, b in 3, both in 2: confidence 2/3, lift 2/3 · 5/3 = 10/9.
    assert model.pairs.toarray()[0, 1] == pytest.approx(2 / 3 * 10 / 9)
    # d and b: confidence 1/2, lift 5/6: no more often than by chance.
    assert model.pairs.toarray()[3, 1] == 0


@given(st.integers(0, 2**16))
def test_rules_fire_when_the_whole_left_side_is_there(seed):
    rng = np.random.default_rng(seed)
    left = (rng.random((6, 5)) < 0.4).astype(np.float32)
    left[left.sum(axis=1) == 0, 0] = 1
    right = np.eye(5, dtype=np.float32)[rng.integers(0, 5, 6)]
    table = RuleTable(csr_of(left), csr_of(right), *rng.random((3, 6)))
    history = (rng.random((4, 5)) < 0.6).astype(np.float32)
    fires = (history @ left.T) == left.sum(axis=1)
    value = table.confidence * table.lift**0.5
    terms = fires[:, :, None] * (value[:, None] * right)[None]
    for combine, expected in (("sum", terms.sum(axis=1)), ("best", terms.max(axis=1))):
        model = Rules.from_assignments([f"combine={combine}"])
        model.table, model.pairs = table, None
        model.prepare()
        scores = model.score(basket_queries(csr_of(history)), 1)
        np.testing.assert_allclose(np.where(np.isfinite(scores), scores, 0), expected, rtol=1e-5)
    explanation = model.explain(
        basket_queries(csr_of(history)), np.tile(np.arange(5, dtype=np.int32), (4, 1)), 1
    )
    for row, item in np.argwhere(terms.max(axis=1) > 0):
        rule = terms[row, :, item].argmax()
        named = [other for other in explanation.others[row, item] if other >= 0]
        assert named == np.flatnonzero(left[rule])[:3].tolist()
        assert explanation.more[row, item] == max(0, left[rule].sum() - 3)
        assert explanation.value[row, item] == table.lift[rule]


@given(st.integers(0, 2**16))
def test_rules_are_counted_again_on_other_baskets(seed):
    rng = np.random.default_rng(seed)
    baskets = (rng.random((30, 5)) < 0.5).astype(np.float32)
    left, right = np.eye(5, dtype=np.float32)[[0, 1]], np.eye(5, dtype=np.float32)[[2, 3]]
    left[0, 1] = 1
    table = RuleTable(csr_of(left), csr_of(right), *np.ones((3, 2)))
    again = recounted(table, csr_of(baskets))
    has_left = (baskets @ left.T) == left.sum(axis=1)
    has_right = (baskets @ right.T) == 1
    both = (has_left & has_right).sum(axis=0)
    np.testing.assert_array_equal(again.count, both)
    confidence = both / np.maximum(has_left.sum(axis=0), 1)
    np.testing.assert_allclose(again.confidence, confidence)
    np.testing.assert_allclose(again.lift, confidence * 30 / np.maximum(has_right.sum(axis=0), 1))


def test_popularity_counts_users_and_forgets_by_half():
    start = datetime(2025, 1, 1)
    rows = [("u", "1", "x", start), ("u", "2", "x", start), ("v", "3", "y", datetime(2025, 1, 31))]
    data = TrainingData.from_frames(lines(rows))
    for assignments, expected in (([], [1, 1]), (["half_life=30"], [0.5, 1])):
        model = Popularity.from_assignments(assignments)
        model.fit(data, 0, 1)
        assert model.scores.tolist() == expected


def test_mf_gives_probabilities_and_learns():
    data, _ = checkerboard()
    model = Mf.from_assignments(["epochs=40", "learning_rate=0.02"])
    model.fit(data, 3, 1)
    assert model.losses[-1] < 0.5 * model.losses[0]
    everyone = user_queries(data, np.arange(data.n_users, dtype=np.int32))
    scores = model.score(everyone, 2)
    assert ((scores > 0) & (scores < 1)).all()
    dots = model.users @ model.products.T + model.biases
    np.testing.assert_allclose(scores, 1 / (1 + np.exp(-dots)), rtol=1e-4)
    # A new history of the same products gets much the same scores as the trained user.
    folded = model.score(replace(everyone, users=np.full(data.n_users, -1, np.int32)), 1)
    assert np.corrcoef(folded.ravel(), scores.ravel())[0, 1] > 0.9


def test_another_seed_gives_other_vectors():
    data, _ = checkerboard()
    one, two = Mf(), Mf()
    one.fit(data, 1, 1)
    two.fit(data, 2, 1)
    assert not np.array_equal(one.products, two.products)


def test_the_hybrid_tells_what_it_learned():
    data = TrainingData.from_frames(random_shop(6, users=150), catalogue(), vectors())
    model = train("hybrid", data)
    facts = model.facts
    assert facts["learned"]
    for mode in ("new", "all", "basket"):
        ndcg = facts[mode]["ndcg@10"]
        assert facts[mode]["chosen"] == max(ndcg, key=lambda name: ndcg[name])
        assert sum(facts[mode]["shares"].values()) == pytest.approx(1, abs=0.01)
        assert set(ndcg) == {"sum", "regression", *model.recommender.parts}
    assert list(model.recommender.parts) == [name for name in PARTS if name != "mf"]


def test_without_times_the_hybrid_is_a_sum_of_good_parts():
    frame = random_shop(6, users=150).with_columns(
        order_id=pl.lit(None, pl.String), timestamp=pl.lit(None, pl.Datetime("us"))
    )
    model = train("hybrid", TrainingData.from_frames(frame, catalogue(), vectors()))
    facts, hybrid = model.facts["new"], model.recommender
    assert facts["chosen"] == "sum"
    assert "regression" not in facts["ndcg@10"]
    assert "rules" not in hybrid.parts  # without orders they say what item-knn does
    weights = dict(zip(hybrid.feature_names, hybrid.weights[0], strict=True))
    assert sum(weights.values()) == pytest.approx(1)
    assert all(value >= 0 and (value == 0 or name.endswith(".score")) for name, value in weights.items())


def test_votes_go_to_the_parts_that_rank_well():
    rng = np.random.default_rng(0)
    rows = np.repeat(np.arange(300), 20)
    labels = rng.random(len(rows)) < 0.1
    good = [labels + rng.normal(0, 1.2, len(rows)) for _ in range(2)]
    features = np.column_stack([*good, rng.random(len(rows)), labels]).astype(np.float32)
    relevant = np.bincount(rows, labels, minlength=300).astype(np.int64)
    judged = JudgedCandidates(rows, features, labels, relevant)
    weights = votes(judged, 3)
    assert weights.sum() == pytest.approx(1)
    assert min(weights[:2]) > 0.2
    assert weights[3] == 0  # no part
    apart = max(judged.ndcg(features[:, n]).mean() for n in range(3))
    assert judged.ndcg(features @ weights).mean() > apart


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 30))
def test_ndcg_of_candidates_is_that_of_the_sorted_lists(seed, n_rows, width):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, width + 1, n_rows)
    rows = np.repeat(np.arange(n_rows), sizes)
    scores = rng.permutation(len(rows)).astype(np.float32)
    labels = rng.random(len(rows)) < 0.3
    relevant = np.bincount(rows, labels, minlength=n_rows).astype(np.int64) + rng.integers(0, 3, n_rows)
    found = JudgedCandidates(rows, np.zeros((len(rows), 1), np.float32), labels, relevant).ndcg(scores)
    for row in range(n_rows):
        own = np.flatnonzero(rows == row)
        order = own[np.argsort(-scores[own], kind="stable")][:10]
        gained = sum(1 / np.log2(place + 2) for place, at in enumerate(order) if labels[at])
        ideal = sum(1 / np.log2(place + 2) for place in range(min(10, relevant[row])))
        assert found[row] == pytest.approx(gained / ideal if ideal else 0)


def test_the_hybrid_leaves_ease_out_where_it_would_be_restricted():
    data = TrainingData.from_frames(random_shop(6, users=60), catalogue(), vectors())
    model = train("hybrid", data, parameters=["parts=popularity,ease,item-knn", "ease.max_products=10"])
    assert list(model.recommender.parts) == ["popularity", "item-knn"]


def test_the_hybrid_falls_back_to_its_best_part(monkeypatch):
    data = TrainingData.from_frames(random_shop(6, users=150), catalogue(), vectors())
    # Weights that rank backwards: the comparison must see that a part alone is better.
    worst = "prodassoc_cli.models.hybrid.fusion.regress"
    monkeypatch.setattr(worst, lambda rows, features, labels: -np.ones(features.shape[1]))
    model = train("hybrid", data).recommender
    assert model.validation["new"]["chosen"] not in {"sum", "regression"}
    best = model.validation["new"]["chosen"]
    queries = user_queries(data, np.arange(20, dtype=np.int32))
    order = model.score(queries, 1)
    alone = model.parts[best].score(queries, 1)
    unseen = queries.seen.toarray() == 0
    for row in range(20):
        both = np.flatnonzero(np.isfinite(order[row]) & np.isfinite(alone[row]) & unseen[row])
        assert both[order[row][both].argmax()] in both[alone[row][both] == alone[row][both].max()]


def test_a_hybrid_of_chosen_parts_with_their_own_parameters():
    model = Hybrid.from_assignments(["parts=rules,item-knn", "item-knn.neighbours=5", "candidates=20"])
    assert list(model.parts) == ["item-knn", "rules"]
    assert model.parts["item-knn"].parameters.neighbours == 5
    assert model.describe()["parts"] == "item-knn,rules"
    assert Hybrid.from_mapping(model.describe()).describe() == model.describe()
    for assignment in ("parts=item-nn", "itemknn.neighbours=5", "item-knn.neighbors=5"):
        with pytest.raises(UsageProblem) as problem:
            Hybrid.from_assignments([assignment])
        assert "did you mean" in problem.value.hint


def test_a_hybrid_with_too_few_users_weighs_all_parts_alike():
    data = TrainingData.from_frames(random_shop(7, users=10), catalogue())
    assert not train("hybrid", data).facts["learned"]


def test_dense_products_do_not_depend_on_threads():
    rng = np.random.default_rng(0)
    left, right = (rng.standard_normal((n, 33)).astype(np.float32) for n in (700, 90))
    one = similarity.dense_product(left, right, 1)
    np.testing.assert_array_equal(one, similarity.dense_product(left, right, 4))
    np.testing.assert_allclose(one, left @ right.T, rtol=1e-3, atol=1e-4)


def test_the_listwise_regression_finds_the_weights_that_made_the_labels():
    rng = np.random.default_rng(0)
    rows = np.repeat(np.arange(2000), 8)
    features = rng.standard_normal((len(rows), 3)).astype(np.float32)
    truth = np.array([1.5, -0.7, 0.0])
    noisy = features @ truth + rng.gumbel(size=len(rows))
    labels = np.zeros(len(rows), np.bool_)
    labels[np.arange(2000) * 8 + noisy.reshape(-1, 8).argmax(axis=1)] = True
    # A shift of a whole row is no news, and a row without labels teaches nothing.
    features[:, 2] += rows % 7
    labels[rows < 5] = False
    np.testing.assert_allclose(regress(rows, features, labels, ridge=0.0), truth, atol=0.1)


def test_torn_baskets_lose_nothing():
    rng = np.random.default_rng(1)
    orders = csr_of((rng.random((50, 20)) < 0.3).astype(np.float32))
    history, rest = split_baskets(orders, 3)
    np.testing.assert_array_equal((history + rest).toarray(), orders.toarray())
    sizes = np.diff(orders.indptr)
    assert set(np.diff(history.indptr)[sizes >= 3].tolist()) == {1, 2, 3}


def test_without_orders_the_hybrid_learns_nothing_about_repeats():
    frame = random_shop(6, users=150).with_columns(order_id=pl.lit(None, pl.String))
    model = train("hybrid", TrainingData.from_frames(frame, catalogue(), vectors()))
    assert "all" not in model.facts
    np.testing.assert_array_equal(model.recommender.weights[0], model.recommender.weights[1])
