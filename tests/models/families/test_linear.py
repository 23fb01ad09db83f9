"""EASE, iALS and RP3beta against their own definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prodassoc_cli.models.data import TrainingData, binary, csr_of
from prodassoc_cli.models.families.als import Als
from prodassoc_cli.models.families.ease import Ease, dense_weights, sparse_weights
from prodassoc_cli.models.families.rp3beta import Rp3Beta
from prodassoc_cli.models.model import train
from prodassoc_cli.models.split import basket_queries, user_queries
from tests.models.shops import random_shop


def _pattern(seed: int, rows: int = 40, columns: int = 12) -> np.ndarray:
    x = (np.random.default_rng(seed).random((rows, columns)) < 0.3).astype(np.float32)
    x[:, 3] = 0
    return x


@given(st.integers(0, 2**16))
def test_each_column_of_ease_is_a_ridge_regression_on_the_others(seed):
    x = _pattern(seed)
    weights = dense_weights(csr_of(x), 5.0)
    for item in range(x.shape[1]):
        others = np.flatnonzero(np.arange(x.shape[1]) != item)
        a = x[:, others].T @ x[:, others] + 5.0 * np.eye(len(others))
        np.testing.assert_allclose(
            weights[others, item], np.linalg.solve(a, x[:, others].T @ x[:, item]), atol=1e-5
        )
        assert weights[item, item] == 0


@given(st.integers(0, 2**16))
def test_restricted_ease_is_ease_where_all_are_neighbours(seed):
    x = _pattern(seed)
    found = sparse_weights(csr_of(x), 5.0, 12, 2).toarray()
    exact = dense_weights(csr_of(x), 5.0)
    # A product that shares no buyer is no neighbour, so columns with one differ a little.
    full = ((x.T @ x) > 0).sum(axis=0) == (x.sum(axis=0) > 0).sum()
    np.testing.assert_allclose(found[:, full], exact[:, full], atol=1e-5)
    few = sparse_weights(csr_of(x), 5.0, 4, 1)
    assert np.diff(few.tocsc().indptr).max() <= 4


@pytest.mark.parametrize("assignments", [[], ["max_products=5", "neighbours=6"]])
def test_ease_names_the_product_whose_removal_costs_most(assignments):
    data = TrainingData.from_frames(random_shop(4, items=15))
    model = Ease.from_assignments(["ridge=3", *assignments])
    model.fit(data, 0, 1)
    queries = user_queries(data, np.arange(data.n_users, dtype=np.int32))
    items = np.tile(np.arange(data.n_items, dtype=np.int32), (data.n_users, 1))
    named = model.explain(queries, items, 1).others[:, :, 0]
    history = binary(queries.history).toarray()
    dense = model.weights if isinstance(model.weights, np.ndarray) else model.weights.toarray()
    terms = history[:, :, None] * dense[None]
    scores = model.score(queries, 1)
    there = np.isfinite(scores)
    np.testing.assert_allclose(scores[there], terms.sum(axis=1)[there], atol=1e-5)
    best = np.where(there, terms.max(axis=1), 0)
    rows, columns = np.nonzero(named >= 0)
    np.testing.assert_allclose(terms[rows, named[rows, columns], columns], best[rows, columns], atol=1e-7)
    assert (best[named < 0] <= 1e-7).all()


def _als_loss(model: Als, x: np.ndarray, users: np.ndarray, products: np.ndarray) -> float:
    own, a = model.parameters, model.unobserved
    predicted = users @ products.T
    f_user, f_item = x.sum(axis=1) + a * x.shape[1], x.sum(axis=0) + a * x.shape[0]
    pull = own.ridge * model.unit
    return float(
        (x * (1 - predicted) ** 2).sum()
        + a * (predicted**2).sum()
        + pull * (f_user**own.frequency @ (users**2).sum(axis=1))
        + pull * (f_item**own.frequency @ (products**2).sum(axis=1))
    )


def test_the_users_of_als_are_the_minimum_of_its_loss():
    data = TrainingData.from_frames(random_shop(6, anonymous=0))
    model = Als.from_assignments(["factors=6", "epochs=30", "unobserved=0.2"])
    model.fit(data, 0, 2)
    x = binary(data.weights).toarray().astype(np.float64)
    queries = user_queries(data, np.arange(data.n_users, dtype=np.int32))
    v = model.products.astype(np.float64)
    pulls = model.parameters.ridge * (x.sum(axis=1) + 0.2 * x.shape[1]) * model.unit
    users = np.stack(
        [
            np.linalg.solve(0.2 * v.T @ v + v.T @ (row[:, None] * v) + pull * np.eye(6), v.T @ row)
            for row, pull in zip(x, pulls, strict=True)
        ]
    )
    np.testing.assert_allclose(model.score(queries, 1), users @ v.T, rtol=2e-3, atol=2e-3)
    # Trained long enough, the products are a minimum too: no small step makes the loss smaller.
    minimum = _als_loss(model, x, users, v)
    rng = np.random.default_rng(0)
    for _ in range(20):
        assert _als_loss(model, x, users, v + 1e-3 * rng.standard_normal(v.shape)) > minimum - 1e-3


def test_als_weighs_observed_and_unobserved_by_density():
    data = TrainingData.from_frames(random_shop(6, anonymous=0))
    model = Als.from_assignments(["factors=4", "epochs=1"])
    model.fit(data, 0, 1)
    density = data.weights.nnz / (data.n_users * data.n_items)
    assert model.unobserved == pytest.approx(min(1.0, 10 * density))


def test_the_reasons_of_als_are_terms_that_add_up_to_the_score():
    data = TrainingData.from_frames(random_shop(6))
    model = Als.from_assignments(["factors=6", "unobserved=0.1"])
    model.fit(data, 0, 1)
    queries = user_queries(data, np.arange(10, dtype=np.int32))
    items = np.tile(np.arange(data.n_items, dtype=np.int32), (10, 1))
    named = model.explain(queries, items, 1).others[:, :, 0]
    scores = model.score(queries, 1)
    v = model.products.astype(np.float64)
    for row in range(10):
        own = queries.history.indices[queries.history.indptr[row] : queries.history.indptr[row + 1]]
        pull = model.parameters.ridge * (len(own) + 0.1 * data.n_items) * model.unit
        a = 0.1 * v.T @ v + v[own].T @ v[own] + pull * np.eye(6)
        terms = v @ np.linalg.solve(a, v[own].T)
        np.testing.assert_allclose(terms.sum(axis=1), scores[row], rtol=2e-3, atol=2e-3)
        terms[own, np.arange(len(own))] = 0
        for item in np.flatnonzero(named[row] >= 0):
            place = own.tolist().index(named[row, item])
            assert terms[item, place] == pytest.approx(terms[item].max(), abs=1e-4)


def test_rp3beta_is_the_walk_of_three_steps():
    data = TrainingData.from_frames(random_shop(8, anonymous=0))
    model = Rp3Beta.from_assignments(["alpha=0.7", "beta=0.3"])
    model.fit(data, 0, 1)
    x = binary(data.weights).toarray().astype(np.float64)
    to_user = (x.T / x.sum(axis=0)[:, None]) ** 0.7
    to_item = (x / x.sum(axis=1)[:, None]) ** 0.7
    walk = to_user @ to_item / x.sum(axis=0)[None] ** 0.3
    np.fill_diagonal(walk, 0)
    np.testing.assert_allclose(model.similar.toarray(), walk, rtol=1e-4)
    history = csr_of(np.eye(data.n_items, dtype=np.float32)[:3])
    scores = model.score(basket_queries(history), 1)
    np.testing.assert_allclose(np.where(np.isfinite(scores), scores, 0), walk[:3], rtol=1e-4)


@pytest.mark.parametrize("more", [[], ["max_products=1", "neighbours=100"]])
def test_the_degree_scales_the_weights_by_the_buyers_of_both_products(more):
    data = TrainingData.from_frames(random_shop(2))
    plain = train("ease", data, parameters=["degree=0", *more]).recommender.weights
    held = train("ease", data, parameters=["degree=0.5", *more]).recommender.weights
    buyers = np.bincount(binary(data.rows).indices, minlength=data.n_items)
    expected = (plain if not more else plain.toarray()) * np.sqrt(buyers[:, None] / np.maximum(buyers, 1))
    np.testing.assert_allclose(held if not more else held.toarray(), expected, rtol=1e-5, atol=1e-7)
