"""Sparse similarity kernels and the neighbour models against dense arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from prodassoc_cli.errors import UsageProblem
from prodassoc_cli.models import similarity
from prodassoc_cli.models.data import csr_of
from prodassoc_cli.models.families.item_knn import ItemKnn, ItemKnnParameters, item_similarities
from prodassoc_cli.models.families.user_knn import UserKnn, UserKnnParameters, mean_ratings
from prodassoc_cli.models.kernels.topk import top_k
from prodassoc_cli.models.pair_counts import Together
from prodassoc_cli.models.split import basket_queries

patterns = hnp.arrays(np.float32, st.tuples(st.integers(1, 9), st.integers(1, 7)), elements=st.integers(0, 1))
counts = hnp.arrays(np.float32, st.tuples(st.integers(1, 9), st.integers(1, 7)), elements=st.integers(0, 3))
threads = st.sampled_from([1, 3])


def dense_top_k(matrix: np.ndarray, k: int) -> np.ndarray:
    kept = np.zeros_like(matrix)
    for row, values in enumerate(matrix):
        order = sorted(range(len(values)), key=lambda column: (-values[column], column))
        for column in order[:k]:
            kept[row, column] = max(0, values[column])
    return kept


@given(counts, st.integers(1, 8), threads, st.integers(0, 3))
def test_top_k_of_a_product(x, k, threads, minimum):
    product = x.T @ x
    np.fill_diagonal(product, 0)
    product[product < minimum] = 0
    scale = np.arange(1, x.shape[1] + 1, dtype=np.float32)
    matrix = csr_of(x)
    found = similarity.top_k_product(
        csr_of(matrix.T),
        matrix,
        k,
        threads,
        column_scale=scale,
        excluded=np.arange(x.shape[1]),
        minimum=float(minimum),
    )
    np.testing.assert_array_equal(found.toarray(), dense_top_k(product * scale, k))


@given(
    hnp.arrays(np.float32, (4, 9), elements=st.sampled_from([-np.inf, np.nan, -1.0, 0.0, 0.5, 2.0])),
    hnp.arrays(np.bool_, 9),
    hnp.arrays(np.float32, (4, 9), elements=st.integers(0, 1)),
    st.integers(1, 10),
    threads,
)
def test_lists_are_exact_and_ties_ascend(scores, allowed, blocked, k, threads):
    items, values = top_k(scores, k, threads, allowed=allowed, blocked=csr_of(blocked))
    for row in range(4):
        candidates = [
            column
            for column in range(9)
            if allowed[column] and not blocked[row, column] and np.isfinite(scores[row, column])
        ]
        expected = sorted(candidates, key=lambda column: (-scores[row, column], column))[:k]
        assert [item for item in items[row] if item >= 0] == expected
        assert values[row, : len(expected)].tolist() == scores[row, expected].tolist()
        assert (items[row, len(expected) :] == -1).all()


def test_a_list_may_be_long():
    scores = np.random.default_rng(0).integers(0, 50, (3, 5000)).astype(np.float32)
    items, _ = top_k(scores, 4000, 2)
    expected = np.lexsort((np.tile(np.arange(5000), (3, 1)), -scores), axis=1)[:, :4000]
    np.testing.assert_array_equal(items, expected)


@given(counts, threads)
def test_scores_and_main_terms(x, threads):
    history, matrix = csr_of(x), csr_of(x.T @ x)
    scores = similarity.scores_from(history, matrix, threads)
    expected = x @ (x.T @ x)
    np.testing.assert_array_equal(np.where(np.isfinite(scores), scores, 0), expected)
    terms = x[:, :, None] * (x.T @ x)[None]
    best = similarity.scores_from(history, matrix, threads, best=True)
    np.testing.assert_array_equal(np.where(np.isfinite(best), best, 0), terms.max(axis=1))
    items = np.tile(np.arange(x.shape[1], dtype=np.int32), (x.shape[0], 1))
    sources, values = similarity.main_terms(history, matrix, items, threads)
    np.testing.assert_array_equal(values, terms.max(axis=1))
    there = sources >= 0
    np.testing.assert_array_equal(sources[there], terms.argmax(axis=1)[there])
    np.testing.assert_array_equal(there, terms.max(axis=1) > 0)


@settings(max_examples=50)
@given(patterns, st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.sampled_from([1.0, 1.5]))
def test_item_similarity_is_the_published_formula(x, a, b, iuf, power):
    users, items = np.maximum(x.sum(axis=1), 1), np.maximum(x.sum(axis=0), 1)
    expected = (items[:, None] ** -a * (x.T @ (x * users[:, None] ** -iuf)) * items**-b) ** power
    np.fill_diagonal(expected, 0)
    parameters = ItemKnnParameters(neighbours=100, a=a, b=b, iuf=iuf, power=power)
    np.testing.assert_allclose(item_similarities(csr_of(x), parameters, 1).toarray(), expected, rtol=1e-4)


@given(patterns)
def test_named_similarities(x):
    both, n = x.T @ x, x.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = {
            "cosine": np.nan_to_num(both / np.sqrt(np.outer(n, n))),
            "jaccard": np.nan_to_num(both / (n[:, None] + n - both)),
            "conditional": np.nan_to_num(both / n[:, None]),
            "asymmetric": np.nan_to_num(both / (n[:, None] ** 0.65 * n**0.35)),
        }
        idf = np.log(x.shape[1]) - np.log1p(x.sum(axis=1))
        of_product = 2.2 / (1.2 * (0.25 + 0.75 * n / max(n.mean(), 1e-12)) + 1)
        weighed = x * of_product * idf[:, None]
        expected["bm25"] = weighed.T @ weighed
    for name, matrix in expected.items():
        np.fill_diagonal(matrix, 0)
        found = item_similarities(csr_of(x), ItemKnnParameters(neighbours=100, similarity=name), 1)
        np.testing.assert_allclose(found.toarray(), matrix, rtol=1e-5, err_msg=name)


@given(patterns, threads)
def test_user_scores_are_sums_of_likenesses(x, threads):
    model = UserKnn(UserKnnParameters(neighbours=100, a=0.5, iif=1.0, power=1.0))
    model.others, model.ratings = csr_of(x), None
    model.prepare()
    n_user, n_item = np.maximum(x.sum(axis=1), 1), np.maximum(x.sum(axis=0), 1)
    likeness = (x / n_item) @ x.T / np.sqrt(np.outer(n_user, n_user))
    scores = model.score(basket_queries(csr_of(x)), threads)
    np.testing.assert_allclose(np.where(np.isfinite(scores), scores, 0), likeness @ x, rtol=1e-4, atol=1e-7)


def test_a_predicted_rating_is_the_weighted_mean_of_the_neighbours():
    near = csr_of(np.array([[4.0, 5.0, 3.0, 5.0]]))
    ratings = csr_of(np.array([[5.0], [4.0], [5.0], [4.0]]))
    assert mean_ratings(near, ratings, 1, 1)[0, 0] == pytest.approx(75 / 17)
    assert np.isneginf(mean_ratings(near, ratings, 5, 1)[0, 0])


@given(counts)
def test_predicted_ratings_stay_inside_the_scale(x):
    model = UserKnn(UserKnnParameters(min_raters=1))
    model.others, model.ratings = csr_of(np.sign(x)), csr_of(x)
    model.prepare()
    scores = model.score(basket_queries(csr_of(x)), 1)
    predicted = scores[np.isfinite(scores)]
    assert ((predicted >= 1 - 1e-5) & (predicted <= 3 + 1e-5)).all()


@given(patterns)
def test_pair_counts_and_lift(x):
    left, right = (each.ravel().astype(np.int32) for each in np.indices((x.shape[1], x.shape[1])))
    common, lift = Together(csr_of(x.T))(left, right)
    both, n = (x.T @ x).ravel(), x.sum(axis=0)
    np.testing.assert_array_equal(common, both)
    np.testing.assert_allclose(lift, both * len(x) / np.maximum(np.outer(n, n).ravel(), 1))


@pytest.mark.parametrize(
    ("assignment", "says"),
    [
        ("neighbors=3", "did you mean 'neighbours'?"),
        ("neighbours=0", "1 <= neighbours"),
        ("neighbours=many", "not a whole number"),
        ("similarity=cosin", "did you mean 'cosine'?"),
        ("a", "no value"),
    ],
)
def test_parameters_are_checked(assignment, says):
    with pytest.raises(UsageProblem) as problem:
        ItemKnn.from_assignments([assignment])
    assert says in f"{problem.value.message} {problem.value.hint}"
    assert ItemKnn.from_assignments(["neighbours=7", "similarity=cosine"]).parameters.neighbours == 7
