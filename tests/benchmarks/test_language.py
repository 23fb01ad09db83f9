"""AUC and graded NDCG of `make bench-language`, beside the same by loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import sparse

from benchmarks.language.complements import auc, graded_ndcg, only_listed, partners

N, K = 30, 4


@pytest.fixture(scope="module")
def orders():
    return (np.random.default_rng(3).random((200, N)) < np.linspace(0.04, 0.09, N)).astype(np.float32)


@pytest.fixture(scope="module")
def truth(orders):
    listed = np.arange(N) % 7 != 0
    return partners(sparse.csr_array(orders), np.arange(0, N, 2), listed, np.random.default_rng(5))


@pytest.fixture(scope="module")
def scores(truth):
    drawn = np.random.default_rng(7).integers(0, 6, (len(truth.sources), N)).astype(np.float64)  # with ties
    return only_listed(np.where(drawn == 0, -np.inf, drawn), truth)


def test_true_partners_meet_three_times_and_twice_as_often_as_by_chance(orders, truth):
    for row, source in enumerate(truth.sources):
        for product in range(N):
            both = float((orders[:, source] * orders[:, product]).sum())
            lift = both * len(orders) / (orders[:, source].sum() * orders[:, product].sum() or math.inf)
            true = product != source and truth.listed[product] and both >= 3 and lift >= 2
            assert truth.gains[row, product] == pytest.approx(math.log(lift) if true else 0)
    assert truth.gains.any()


def test_products_beside_true_partners_are_as_popular_and_were_not_bought_with_the_source(orders, truth):
    counts = orders.sum(axis=0)
    assert len(truth.row)
    for row, partner, other in zip(truth.row, truth.partner, truth.other, strict=True):
        source = truth.sources[row]
        assert truth.gains[row, partner] > 0
        assert truth.listed[other]
        assert other != source
        assert abs(counts[other] - counts[partner]) <= 0.15 * counts[partner]
        assert not (orders[:, source] * orders[:, other]).any()


def test_auc_is_that_of_loops(truth, scores):
    expected = []
    for row in range(len(truth.sources)):
        pairs = [
            (scores[row, true], scores[row, other])
            for at, true, other in zip(truth.row, truth.partner, truth.other, strict=True)
            if at == row
        ]
        wins = sum(1 if a > b else 0.5 if a == b else 0 for a, b in pairs)
        expected.append(wins / len(pairs) if pairs else math.nan)
    np.testing.assert_allclose(auc(scores, truth), expected)


def test_graded_ndcg_is_that_of_loops(truth, scores):
    expected = []
    for row, gains in enumerate(truth.gains):
        listed = [product for product in range(N) if scores[row, product] > -math.inf]
        best = sorted(listed, key=lambda product: -scores[row, product])[:K]
        dcg = sum(gains[product] / math.log2(at + 2) for at, product in enumerate(best))
        ideal = sum(gain / math.log2(at + 2) for at, gain in enumerate(sorted(gains)[::-1][:K]))
        expected.append(dcg / ideal if ideal else math.nan)
    np.testing.assert_allclose(graded_ndcg(scores, truth, K), expected)
