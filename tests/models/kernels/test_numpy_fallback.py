"""The kernels' twins in numpy must give the kernels' bytes; one basket must not load numba."""

from __future__ import annotations

import sys
from dataclasses import replace
from inspect import isfunction
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from prodassoc_cli.models.data import csr_of
from prodassoc_cli.models.kernels import dispatch as rows
from prodassoc_cli.models.kernels import numpy_fallback
from prodassoc_cli.models.kernels import sparse as kernels
from prodassoc_cli.models.kernels.topk import top_k
from prodassoc_cli.models.registry import make
from prodassoc_cli.models.similarity import best_from, pair_products, scores_from, sparse_pair_products
from prodassoc_cli.models.split import basket_queries
from tests.conftest import ROOT, CommandLine

WIDTH = 9


def sparse(height: int):
    """Return matrices with awkward numbers, in which many entries tie."""
    numbers = st.sampled_from([0.0, 0.0, 0.0, 1.0, 0.1, 1 / 3, 7.7, 1e-8])
    return hnp.arrays(np.float32, (height, WIDTH), elements=numbers).map(csr_of)


def both(name: str, height: int, arguments: tuple, *outputs: tuple) -> None:
    """Run the kernel and its twin, and compare what they write."""
    compiled = rows._compiled(name)
    results = []
    for function in (compiled, getattr(numpy_fallback, name)):
        written = [np.full(shape, 77, dtype) for shape, dtype in outputs]
        function(0, height, *arguments, *written)
        results.append(written)
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_array_equal(ours, theirs)
        assert ours.tobytes() == theirs.tobytes()


@given(sparse(5), sparse(WIDTH), st.integers(1, WIDTH), st.sampled_from([0.0, 0.5]))
def test_product_top_k(a, b, k, minimum):
    scale = np.linspace(0.3, 1.7, WIDTH).astype(np.float32)
    excluded = np.array([-1, 0, 1, 2, 8])
    arguments = (*rows.csr_arrays(a), *rows.csr_arrays(b), scale, excluded, minimum)
    results = []
    for function in (kernels.product_top_k, numpy_fallback.product_top_k):
        columns, values = np.full((5, k), -7, np.int32), np.full((5, k), -7, np.float32)
        counts = np.zeros(5, np.int64)
        function(0, 5, *arguments, columns, values, counts)
        kept = np.arange(k) < counts[:, None]
        results.append((counts, columns[kept], values[kept]))
    for ours, theirs in zip(*results, strict=True):
        assert ours.tobytes() == theirs.tobytes()


@given(sparse(4), sparse(WIDTH), st.booleans())
def test_scatter_scores(history, similarity, best):
    arguments = (*rows.csr_arrays(history), *rows.csr_arrays(similarity), best)
    both("scatter_scores", 4, arguments, ((4, WIDTH), np.float32))


@given(
    hnp.arrays(np.float32, (4, WIDTH), elements=st.sampled_from([-np.inf, np.nan, -1.0, 0.0, 0.5, 2.0])),
    hnp.arrays(np.bool_, WIDTH),
    sparse(4),
    st.integers(1, WIDTH),
)
def test_select_top_k(scores, allowed, blocked, k):
    arguments = (scores, allowed, *rows.csr_arrays(blocked)[:2])
    both("select_top_k", 4, arguments, ((4, k), np.int32), ((4, k), np.float32))


@given(sparse(4), sparse(WIDTH), st.booleans(), hnp.arrays(np.bool_, WIDTH), sparse(4), st.integers(1, WIDTH))
def test_best_scores(history, similarity, best, allowed, blocked, k):
    matrices = (*rows.csr_arrays(history), *rows.csr_arrays(similarity))
    pattern = rows.csr_arrays(blocked)[:2]
    both("best_scores", 4, (*matrices, best, allowed, *pattern), ((4, k), np.int32), ((4, k), np.float32))
    queries = replace(basket_queries(history, allowed=allowed, new_only=False), dismissed=blocked)
    found = best_from(history, similarity, queries, k, 1, best=best)
    scores = scores_from(history, similarity, 1, best=best)
    for ours, theirs in zip(found, top_k(scores, k, 1, allowed=allowed, blocked=blocked), strict=True):
        np.testing.assert_array_equal(ours, theirs)


orders = st.lists(st.permutations([-1, *range(WIDTH)]), min_size=4, max_size=4)
lists = orders.map(lambda each: np.array([order[:3] for order in each], np.int32))


@given(sparse(4), sparse(WIDTH), lists)
def test_best_terms(history, similarity, items):
    arguments = (*rows.csr_arrays(history), *rows.csr_arrays(similarity), WIDTH, items)
    both("best_terms", 4, arguments, ((4, 3), np.int32), ((4, 3), np.float32))


@given(
    sparse(4), hnp.arrays(np.float32, (4, 6), elements=st.sampled_from([0, 0, 0.3, 1.1])), sparse(6), lists
)
def test_linking_items(history, near, others, items):
    scale = np.linspace(0.3, 1.7, WIDTH).astype(np.float32)
    arguments = (*rows.csr_arrays(history), *rows.csr_arrays(csr_of(near)), *rows.csr_arrays(others))
    both("linking_items", 4, (*arguments, scale, items), ((4, 3), np.int32), ((4, 3), np.int64))


@given(
    sparse(4), hnp.arrays(np.float32, (WIDTH, 5), elements=st.floats(-1, 1, width=32)), sparse(WIDTH), lists
)
def test_nearest_in_history(history, vectors, attributes, items):
    text, attribute = np.array([[1, 0.3, 0, 2.5], [0, 0.7, 1, 0.1]], np.float32)
    matrices = (*rows.csr_arrays(history), vectors, *rows.csr_arrays(attributes)[:2])
    outputs = ((4, 3), np.int32), ((4, 3), np.float32)
    both("nearest_in_history", 4, (*matrices, text, attribute, items), *outputs)


@given(
    sparse(4),
    hnp.arrays(np.float32, (WIDTH, 6), elements=st.sampled_from([0, 0, 0.3, 1.1])),
    hnp.arrays(np.float32, (WIDTH, 5), elements=st.floats(-1, 1, width=32)),
    lists,
)
def test_largest_filter_terms(history, graph, vectors, items):
    signs = np.array([1, -1, 1, 1, -1], np.float32)
    matrices = (*rows.csr_arrays(history), *rows.csr_arrays(csr_of(graph)), vectors, signs)
    both("largest_filter_terms", 4, (*matrices, items), ((4, 3), np.int32))


pairs = st.lists(st.lists(st.integers(0, WIDTH - 1), max_size=5), min_size=4, max_size=4).map(
    lambda each: (
        np.concatenate([[0], np.cumsum([len(items) for items in each])]).astype(np.int64),
        np.array([item for items in each for item in items], np.int32),
    )
)


@given(
    pairs,
    hnp.arrays(np.float32, (4, 5), elements=st.floats(-1, 1, width=32)),
    hnp.arrays(np.float32, (WIDTH, 5), elements=st.floats(-1, 1, width=32)),
)
def test_pair_products(bounds, left, right):
    arguments = (*bounds, left, right)
    both("pair_products", 4, arguments, ((len(bounds[1]),), np.float32))
    rows_of = np.repeat(np.arange(4), np.diff(bounds[0]))
    expected = (left @ right.T)[rows_of, bounds[1]]
    np.testing.assert_allclose(pair_products(left, right, *bounds, 1), expected, atol=1e-5)


@given(pairs, sparse(4), sparse(WIDTH))
def test_sparse_pair_products(bounds, left, right):
    arguments = (*bounds, *rows.csr_arrays(left), *rows.csr_arrays(right), WIDTH)
    both("sparse_pair_products", 4, arguments, ((len(bounds[1]),), np.float32))
    rows_of = np.repeat(np.arange(4), np.diff(bounds[0]))
    expected = (left @ right.T).toarray()[rows_of, bounds[1]]
    np.testing.assert_allclose(sparse_pair_products(left, right, *bounds, 1), expected, rtol=1e-5)


@given(sparse(WIDTH))
def test_count_common(pattern):
    left, right = (each.ravel().astype(np.int32) for each in np.indices((WIDTH, WIDTH)))
    indptr, indices, _ = rows.csr_arrays(pattern)
    both("count_common", WIDTH**2, (left, right, indptr, indices), (WIDTH**2, np.int64))


def test_every_kernel_has_its_twin():
    twins = {
        name for name, each in vars(numpy_fallback).items() if isfunction(each) and not name.startswith("_")
    }
    assert twins == set(get_args(rows.Kernel))
    for name in twins:
        assert callable(rows._compiled(name))


def test_many_rows_go_to_the_kernels():
    matrix = csr_of(np.eye(rows.FEW + 1, dtype=np.float32))
    scores = scores_from(matrix, matrix, 2)
    np.testing.assert_array_equal(np.where(np.isinf(scores), 0, scores), np.eye(rows.FEW + 1))
    assert "numba" in sys.modules


@pytest.mark.parametrize(
    "name", ["item-knn", "user-knn", "rules", "spectral", "ease", "als", "repeat", "hybrid"]
)
def test_a_basket_is_answered_without_numba(name):
    code = f"""
import sys
from prodassoc_cli.models.storage.artifact import from_arrow, to_arrow
from prodassoc_cli.models.data import TrainingData
from prodassoc_cli.models.kernels.dispatch import load_kernels
from prodassoc_cli.models.serving.recommend import recommend
from prodassoc_cli.models.model import train
from tests.models.shops import catalogue, random_shop, vectors
model = train({name!r}, TrainingData.from_frames(random_shop(1), catalogue(), vectors()))
load_kernels()
compiled = recommend(model, audience="baskets", baskets=[["i01", "i02"], ["i07"]]).frame
for module in [each for each in sys.modules if each.startswith(("prodassoc_cli", "numba"))]:
    sys.modules.pop(module)
from prodassoc_cli.models.storage.artifact import from_arrow
from prodassoc_cli.models.serving.recommend import recommend
frame = recommend(from_arrow(*to_arrow(model)), audience="baskets", baskets=[["i01", "i02"], ["i07"]]).frame
assert frame.equals(compiled)
assert "numba" not in sys.modules
"""
    done = CommandLine(ROOT)("-c", code)
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        ("item-knn", set()),
        ("ease", set()),
        ("als", {"als"}),
        ("spectral", {"spectral"}),
        ("hybrid", {"als", "spectral"}),
    ],
)
def test_to_serve_a_model_takes_its_own_kernels_alone(name, needed):
    assert set(make(name).serve_kernels) == needed
    code = f"""
import sys
from prodassoc_cli.models.storage.artifact import from_arrow, to_arrow
from prodassoc_cli.models.data import TrainingData
from prodassoc_cli.models.serving.recommend import recommend
from prodassoc_cli.models.model import train
from tests.models.shops import catalogue, random_shop, vectors
model = train({name!r}, TrainingData.from_frames(random_shop(1), catalogue(), vectors()))
stored = to_arrow(model)
for module in [each for each in sys.modules if each.startswith("prodassoc_cli")]:
    sys.modules.pop(module)
from prodassoc_cli.models.storage.artifact import from_arrow
from prodassoc_cli.models.serving.recommend import recommend
assert recommend(from_arrow(*stored), with_reasons=True).frame.height
kernels = "prodassoc_cli.models.kernels."
loaded = {{each.removeprefix(kernels) for each in sys.modules if each.startswith(kernels)}}
print(*loaded & {{"als", "ease", "mf", "spectral"}})
"""
    done = CommandLine(ROOT)("-c", code)
    assert done.returncode == 0, done.stderr.decode()
    assert set(done.stdout.decode().split()) <= needed  # a hybrid need not ask all of its parts
