"""Products without buyers: what they borrow, and that it serves them."""

from __future__ import annotations

import numpy as np
import polars as pl

from prodassoc_cli.models.base import Why
from prodassoc_cli.models.data import TrainingData
from prodassoc_cli.models.hybrid import cold_start
from prodassoc_cli.models.hybrid.cold_start import ColdProducts
from prodassoc_cli.models.model import train
from prodassoc_cli.models.serving.recommend import recommend
from prodassoc_cli.models.split import user_queries
from tests.models.shops import COLD, N_ITEMS, catalogue, lines, shop_without, vectors


def test_a_score_blends_by_the_number_of_buyers(monkeypatch):
    monkeypatch.setattr(cold_start, "_WARM", 10)
    monkeypatch.setattr(cold_start, "_USUAL_SHARE", 1.0)
    data = shop_without(COLD)
    found = ColdProducts.of(data, 2)
    buyers = np.bincount(data.rows.indices, minlength=data.n_items)
    np.testing.assert_array_equal(found.items, np.flatnonzero(buyers < 10))
    np.testing.assert_allclose(
        found.own, buyers[found.items] / (buyers[found.items] + cold_start._OWN), rtol=1e-6
    )
    scores = np.random.default_rng(0).random((4, data.n_items)).astype(np.float32)
    scores[1, found.items] = -np.inf
    expected = scores.copy()
    for place, item in enumerate(found.items):
        likeness = data.embeddings @ data.embeddings[item]
        likeness[buyers < 10] = -1
        near = np.argsort(-likeness, kind="stable")[:10]
        weight = np.maximum(likeness[near], 0) ** 4
        mine = np.where(np.isfinite(scores[:, item]), scores[:, item], 0)
        mean = scores[:, near] @ weight / weight.sum()
        expected[:, item] = found.own[place] * mine + (1 - found.own[place]) * mean
    np.testing.assert_allclose(found.blend(scores.copy()), expected, rtol=1e-4)
    again = ColdProducts.from_arrays(found.arrays(), data.n_items)
    np.testing.assert_array_equal(again.blend(scores.copy()), found.blend(scores.copy()))


def test_single_products_blend_as_all_do(monkeypatch):
    monkeypatch.setattr(cold_start, "_WARM", 10)
    found = ColdProducts.of(shop_without(COLD), 1)
    rng = np.random.default_rng(0)
    scores = rng.random((4, N_ITEMS)).astype(np.float32)
    scores[1, found.items] = -np.inf
    scores[2] = -np.inf
    asked = rng.random(scores.shape) < 0.5
    asked[3] = False
    rows, items = np.nonzero(asked)
    indptr = np.concatenate([[0], np.cumsum(asked.sum(axis=1))])

    def score(bounds: np.ndarray, products: np.ndarray) -> np.ndarray:
        return scores[np.repeat(np.arange(4), np.diff(bounds)), products]

    blended = found.blend_pairs([score], indptr, items.astype(np.int32))[:, 0]
    np.testing.assert_allclose(blended, found.blend(scores.copy())[rows, items], rtol=1e-5)


def test_where_most_products_have_few_buyers_few_is_not_cold():
    rows = [
        (f"u{user}", f"o{user}-{item}", f"i{item:02}", None) for item in range(N_ITEMS) for user in range(4)
    ]
    rows = [row for row in rows if row[2] != "i19"]
    found = ColdProducts.of(TrainingData.from_frames(lines(rows), catalogue(), vectors()), 1)
    assert found.items.tolist() == [19]


def test_products_with_a_past_and_shops_without_texts_are_left_alone():
    data = TrainingData.from_frames(lines([("u", "o", "x", None)]))
    scores = np.array([[0.5]], np.float32)
    assert ColdProducts.of(data, 1).blend(scores) is scores


def test_the_hybrid_lists_products_nobody_bought_yet_and_says_why(monkeypatch):
    monkeypatch.setattr(cold_start, "_WARM", 10)
    model = train("hybrid", shop_without(COLD))
    queries = user_queries(model, np.arange(len(model.users), dtype=np.int32))
    items = model.items.index_of(pl.Series(COLD)).to_numpy()
    alone = train("hybrid", shop_without(COLD), parameters=["parts=popularity,item-knn"])
    for each in (model, alone):
        scores = each.recommender.score(queries, 1)[:, items]
        assert np.isfinite(scores).mean() > 0.5
    wanted = np.tile(items.astype(np.int32), (len(queries), 1))
    explanation = model.recommender.explain(queries, wanted, 1)
    listed = np.isfinite(model.recommender.score(queries, 1)[:, items])
    # Where no text of the history is near, there is nothing to name.
    assert (explanation.kind[listed] == Why.SIMILAR).mean() > 0.8
    assert set(explanation.kind[listed].tolist()) <= {int(Why.SIMILAR), int(Why.POPULAR)}
    served = recommend(model, k=N_ITEMS).frame.filter(pl.col("product_id").is_in(COLD))
    # Without the product named, the score falls: where it does not, there is another reason.
    similar = served["reason"].str.starts_with("similar to")
    assert similar.mean() > 0.2
    assert (served.filter(similar)["reason_weight"] > 0).all()
    assert set(served.filter(~similar)["reason"]) == {"new in the range"}
