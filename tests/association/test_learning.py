"""Association factors, against plain arithmetic and a shop whose truth is planted."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from prodassoc_cli.association.factors import factors_of, log_lifts, together
from prodassoc_cli.association.held_out import HeldOutPairs, held_out_pairs, likeliest_scale
from prodassoc_cli.association.learning import learn_factors
from prodassoc_cli.association.lending import Teacher

KINDS, EACH = 12, 10
"""Products of a kind have much the same text; those of an even kind are bought with those of the next."""


@pytest.fixture(scope="module")
def shop():
    """Return baskets × products, the texts, and the kind of each product; one of each kind is cold."""
    rng = np.random.default_rng(3)
    kind = np.repeat(np.arange(KINDS), EACH)
    centres = rng.normal(size=(KINDS, 24))
    texts = (centres[kind] + 0.3 * rng.normal(size=(len(kind), 24))).astype(np.float32)
    texts /= np.linalg.norm(texts, axis=1, keepdims=True)
    baskets = np.zeros((4000, len(kind)), np.float32)
    for basket in baskets:
        first = rng.integers(KINDS // 2) * 2
        for wanted in (first, first + 1, rng.integers(KINDS)):
            basket[wanted * EACH + rng.integers(EACH)] = 1
    baskets[:, ::EACH] = 0
    return sparse.csr_array(baskets), texts, kind


def test_log_lifts_are_those_of_the_counts():
    baskets = sparse.csr_array(np.array([[1, 1, 0], [1, 1, 0], [1, 0, 1], [0, 0, 1]], np.float32))
    both = together(baskets)
    assert both.toarray().tolist() == [[0, 2, 1], [2, 0, 0], [1, 0, 0]]
    lifts = log_lifts(both, np.array([3.0, 2.0, 2.0]), 4).toarray()
    assert lifts[0, 1] == pytest.approx(np.log(2 * 4 / (3 * 2)) * 2 / 5)
    assert lifts[0, 2] == pytest.approx(np.log(1 * 4 / (3 * 2)) * 1 / 4)
    assert (lifts == lifts.T).all()


def test_factors_give_back_a_matrix_of_their_rank():
    rng = np.random.default_rng(1)
    true = rng.normal(size=(30, 3))
    signs = np.array([1, -1, 1])
    matrix = sparse.csr_array((true * signs) @ true.T)
    found, of = factors_of(matrix, 3)
    assert np.abs((found * of) @ found.T - matrix).max() < 1e-3
    assert sorted(of) == [-1, 1, 1]
    assert factors_of(sparse.csr_array((5, 5)), 3)[0].tolist() == [[0.0]] * 5
    assert found.tobytes() == factors_of(matrix, 3)[0].tobytes()


def test_what_texts_lend_is_kernel_ridge_regression():
    rng = np.random.default_rng(2)
    texts = rng.normal(size=(9, 4)).astype(np.float32)
    texts /= np.linalg.norm(texts, axis=1, keepdims=True)
    factors, known = rng.normal(size=(9, 2)).astype(np.float32), np.array([0, 2, 3, 5, 8])
    kernel = np.exp(2 * (texts.astype(float) @ texts.T - 1))
    weights = np.linalg.solve(kernel[np.ix_(known, known)] + 0.5 * np.eye(5), factors[known])
    assert Teacher.of(texts, known).lent(factors, 0.5) == pytest.approx(kernel[:, known] @ weights, abs=1e-4)


def test_held_out_pairs_met_and_the_others_did_not(shop):
    baskets, _, _ = shop
    listed = np.ones(baskets.shape[1], np.bool_)
    pairs = held_out_pairs(baskets, listed, np.random.default_rng(0))
    both, counts = together(baskets).toarray(), baskets.sum(axis=0)
    assert len(pairs.source) > 100
    by_chance = counts[pairs.source] * counts[pairs.partner] / baskets.shape[0]
    assert (both[pairs.source, pairs.partner] >= 2 * by_chance).all()
    assert (both[pairs.source, pairs.other] == 0).all()
    assert (np.abs(counts[pairs.other] / counts[pairs.partner] - 1) <= 0.16).all()
    assert pairs.auc(np.ones((len(listed), 1)), np.ones((len(listed), 1))) == 0.5
    assert len(pairs.where(np.arange(len(listed)) < 10).source) < len(pairs.source)


def test_the_scale_is_the_likeliest():
    """No other scale makes the counts of the baskets likelier, as draws of Poisson."""
    rng = np.random.default_rng(5)
    vectors = rng.normal(size=(40, 2)).astype(np.float32) * 0.4
    baskets = (rng.random((3000, 40)) < 0.02).astype(np.float64)
    for basket in baskets:
        first = rng.integers(40)
        odds = np.exp(2 * vectors @ vectors[first])
        basket[[first, rng.choice(40, p=odds / odds.sum())]] = 1
    found = likeliest_scale(sparse.csr_array(baskets), vectors, np.ones(2), np.arange(40), 9.0, rng)
    counts, both = baskets.sum(axis=0), baskets.T @ baskets
    apart = ~np.eye(40, dtype=bool)

    def likelihood(scale: float) -> float:
        mean = np.outer(counts, counts) / 3000 * np.exp(scale * (vectors.astype(float) @ vectors.T))
        return float((both * np.log(mean) - mean)[apart].sum())

    assert likelihood(found) > max(likelihood(found * 0.97), likelihood(found * 1.03))
    assert likeliest_scale(sparse.csr_array(baskets), vectors, np.ones(2), np.arange(3), 9.0, rng) == 9.0


def test_cold_products_go_with_what_their_like_go_with(shop):
    baskets, texts, kind = shop
    found = learn_factors(baskets, texts, 1, dims=32)
    cold = np.arange(0, len(kind), EACH)
    assert (found.own[cold] == 0).all()
    assert (found.own[np.setdiff1d(np.arange(len(kind)), cold)] > 0.5).all()
    partner = kind[cold] ^ 1
    likely = (found.vectors[cold] * found.signs) @ found.vectors.T
    likely[:, cold] = -np.inf
    best = kind[np.argsort(-likely, axis=1)[:, : EACH - 1]]
    assert (best == partner[:, None]).mean() > 0.8
    assert (kind[found.near[cold]][:, : EACH - 1] == kind[cold][:, None]).mean() > 0.9
    assert found.facts["auc_cold"] > 0.75
    assert learn_factors(baskets, texts, 1, dims=32).vectors.tobytes() == found.vectors.tobytes()


def test_without_texts_there_are_the_own_factors(shop):
    baskets, _, _ = shop
    found = learn_factors(baskets, None, 1, dims=16)
    assert (found.own == 1).all()
    assert (found.near == -1).all()
    empty = learn_factors(sparse.csr_array((3, 4), dtype=np.float32), None, 1)
    assert not empty.vectors.any()


def test_pairs_of_a_tuple_are_arrays():
    pairs = HeldOutPairs(np.array([0]), np.array([1]), np.array([2]))
    vectors = np.array([[1.0, 0], [1, 0], [0, 1]])
    assert pairs.auc(vectors, vectors) == 1
