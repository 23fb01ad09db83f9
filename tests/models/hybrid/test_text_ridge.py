"""What new products borrow by a regression from their texts."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import sparse
from sklearn.linear_model import Ridge

from prodassoc_cli.models.data import TrainingData, csr_of
from prodassoc_cli.models.hybrid import cold_start
from prodassoc_cli.models.hybrid.cold_start import ColdProducts
from prodassoc_cli.models.hybrid.text_ridge import TextRidge
from prodassoc_cli.models.model import train
from prodassoc_cli.models.split import user_queries
from prodassoc_cli.models.storage.artifact import to_arrow
from tests.models.shops import COLD, catalogue, random_shop, shop_without, vectors


def _planted(users: int = 300, items: int = 240, noise: float = 0.02):
    """Users who buy what has much of one of four qualities, and texts that tell the qualities."""
    rng = np.random.default_rng(7)
    qualities = rng.random((items, 4))
    wants = rng.integers(0, 4, users)
    bought = rng.random((users, items)) < qualities[:, wants].T ** 3
    told = qualities @ rng.normal(size=(4, 16)) + noise * rng.normal(size=(items, 16))
    told /= np.linalg.norm(told, axis=1, keepdims=True)
    return csr_of(sparse.csr_array(bought.astype(np.float32))), told.astype(np.float32), wants, qualities


@pytest.fixture(scope="module")
def planted():
    purchases, texts, wants, qualities = _planted()
    known = np.arange(len(texts)) >= 40
    blind = purchases.multiply(known.astype(np.float32)).tocsr()
    return csr_of(blind), texts, wants, qualities, known


def test_weights_predict_what_a_ridge_regression_does(planted):
    purchases, texts, _, _, known = planted
    ridge = TextRidge.of(purchases, texts, known, 0)
    targets = np.random.default_rng(1).normal(size=(known.sum(), 5))
    expected = Ridge(alpha=ridge.penalty).fit(texts[known].astype(np.float64), targets).predict(texts[~known])
    np.testing.assert_allclose(ridge.weights(texts[~known]) @ targets, expected, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(ridge.weights(texts).sum(axis=1), 1, rtol=1e-4)


def test_a_new_product_is_given_to_those_who_want_its_kind(planted):
    purchases, texts, wants, qualities, known = planted
    ridge = TextRidge.of(purchases, texts, known, 0)
    weights = ridge.weights(texts[~known])
    # The share of each group of users that bought a known product, told of the new ones.
    bought = np.stack([purchases[wants == group].mean(axis=0) for group in range(4)], axis=1)
    foretold = weights @ np.asarray(bought)[known]
    right = foretold.argmax(axis=1) == qualities[~known].argmax(axis=1)
    assert right.mean() >= 0.8  # chance: a quarter


def test_the_more_noise_in_the_texts_the_larger_the_penalty():
    penalties = []
    for noise in (0.0, 3.0):
        purchases, texts, _, _ = _planted(noise=noise)
        penalties.append(TextRidge.of(purchases, texts, np.ones(len(texts), np.bool_), 0).penalty)
    assert penalties[0] < penalties[1]


def test_lenders_of_large_weight_stand_for_all(monkeypatch):
    data = TrainingData.from_frames(random_shop(3, users=80), catalogue(), vectors())
    monkeypatch.setattr(cold_start, "_WARM", 30)
    monkeypatch.setattr(cold_start, "_USUAL_SHARE", 1.0)
    whole = ColdProducts.of(data, 1, "ridge")
    monkeypatch.setattr(cold_start, "_REGRESSED", 3)
    few = ColdProducts.of(data, 1, "ridge")
    assert np.diff(few.near.indptr).tolist() == [3] * len(few.items)
    for row in range(len(few.items)):
        largest = np.sort(np.abs(whole.near[[row]].data))[-3:]
        np.testing.assert_allclose(np.sort(np.abs(few.near[[row]].data)), largest)


def test_a_hybrid_that_borrows_so_lists_new_products_and_comes_back_as_it_was():
    data = shop_without(COLD)
    model = train("hybrid", data, parameters=["cold=ridge"])
    assert model.recommender.describe()["cold"] == "ridge"
    queries = user_queries(model, np.arange(len(model.users), dtype=np.int32))
    items = model.items.index_of(pl.Series(COLD)).to_numpy()
    assert np.isfinite(model.recommender.score(queries, 1)[:, items]).mean() > 0.5
    first, second = (
        to_arrow(train("hybrid", data, parameters=["cold=ridge"], threads=threads)) for threads in (1, 2)
    )
    assert first[0].equals(second[0])
    other = to_arrow(train("hybrid", data))
    assert not first[0].equals(other[0])
