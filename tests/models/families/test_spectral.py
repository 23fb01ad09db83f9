"""Spectral: the filter against dense eigenvectors, the published plateau, reasons against terms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prodassoc_cli.models.data import TrainingData, binary, csr_of
from prodassoc_cli.models.eigenvectors import leading_eigenvectors
from prodassoc_cli.models.families.spectral import Spectral, chebyshev_plateau
from prodassoc_cli.models.split import basket_queries, user_queries
from tests.models.shops import random_shop


def _dense_filter(model: Spectral, x, response) -> np.ndarray:
    """D^β h(R̃ᵀR̃) D^-β by a full eigendecomposition."""
    of_user, of_item = x.sum(axis=1), x.sum(axis=0)
    r = x / np.sqrt(np.maximum(of_user, 1))[:, None] / np.sqrt(np.maximum(of_item, 1))[None]
    values, vectors = np.linalg.eigh(r.T @ r)
    gains = response(np.clip(values, 0, 1))
    degree = np.where(of_item > 0, of_item, 1.0) ** model.parameters.degree
    return ((vectors * gains) @ vectors.T) / degree[:, None] * degree[None]


@pytest.mark.parametrize(
    ("assignments", "response"),
    [
        (["exponent=0.5"], lambda s: s**0.5),
        (["exponent=0.2", "ideal=0.3"], lambda s: s**0.2 + 0.3 * (s > 1e-5)),
        (["filter=chebyshev"], lambda s: chebyshev_plateau(s, 8, 1.5) + 0.2),
    ],
)
def test_the_filter_is_that_of_all_eigenvectors(assignments, response):
    data = TrainingData.from_frames(random_shop(3, users=80, items=20))
    model = Spectral.from_assignments([*assignments, "degree=0.3", "factors=20"])
    model.fit(data, 1, 2)
    queries = user_queries(data, np.arange(data.n_users, dtype=np.int32))
    expected = binary(queries.history).toarray() @ _dense_filter(
        model, binary(data.rows).toarray().astype(np.float64), response
    )
    np.testing.assert_allclose(model.score(queries, 2), expected, rtol=2e-3, atol=2e-3)


def test_what_lies_beyond_the_eigenvectors_is_linear():
    data = TrainingData.from_frames(random_shop(3, users=80, items=20))
    model = Spectral.from_assignments(["exponent=1", "degree=0", "factors=3"])
    model.fit(data, 1, 1)
    queries = user_queries(data, np.arange(data.n_users, dtype=np.int32))
    expected = binary(queries.history).toarray() @ _dense_filter(
        model, binary(data.rows).toarray().astype(np.float64), lambda s: s
    )
    np.testing.assert_allclose(model.score(queries, 1), expected, rtol=1e-3, atol=1e-5)


@given(st.integers(0, 2**16))
def test_removing_the_named_product_costs_most(seed):
    data = TrainingData.from_frames(random_shop(seed % 7, items=12))
    model = Spectral.from_assignments(["factors=5"])
    model.fit(data, 0, 1)
    rng = np.random.default_rng(seed)
    history = (rng.random((1, data.n_items)) < 0.4).astype(np.float32)
    history[0, rng.integers(data.n_items)] = 1
    items = np.arange(data.n_items, dtype=np.int32)[None]
    named = model.explain(basket_queries(csr_of(history)), items, 1).others[0, :, 0]
    whole = model.score(basket_queries(csr_of(history)), 1)[0]
    drops = np.zeros((data.n_items, data.n_items))
    for other in np.flatnonzero(history[0]):
        less = history.copy()
        less[0, other] = 0
        if less.any():
            drops[other] = whole - model.score(basket_queries(csr_of(less)), 1)[0]
        else:
            drops[other] = whole
    np.fill_diagonal(drops, 0)
    drops = np.nan_to_num(drops, neginf=0)
    for item in np.flatnonzero(np.isfinite(whole)):
        most = drops[:, item].max()
        assert drops[named[item], item] == pytest.approx(most, abs=1e-4) if named[item] >= 0 else most < 1e-4


def test_the_plateau_of_chebycf():
    """Gowalla's setting of the paper: nothing of noise, all of the common taste, half in the middle."""
    s = np.array([0, 0.5, 1], np.float32)
    np.testing.assert_allclose(chebyshev_plateau(s, 8, 1.5), [0, 0.5, 1], atol=0.01)
    rising = chebyshev_plateau(np.linspace(0, 1, 101, dtype=np.float32), 8, 1.5)
    assert (np.diff(rising) > -1e-3).all()


@given(st.integers(0, 2**16), st.integers(1, 30))
def test_leading_eigenvectors_are_those_of_the_dense_matrix(seed, count):
    rng = np.random.default_rng(seed)
    x = (rng.random((25, 15)) < 0.3).astype(np.float32)
    x[:, rng.integers(15)] = 0
    x[:, 1] = x[:, 0]
    values, vectors = leading_eigenvectors(csr_of(x), min(count, 15), 0, 1)
    dense = np.linalg.eigvalsh((x.T @ x).astype(np.float64))[::-1]
    np.testing.assert_allclose(values, dense[: len(values)], rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(len(values)), atol=1e-3)
    assert (dense[len(values) : min(count, 15)] < 1e-3 * max(1, dense[0])).all()
