from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prodassoc_cli.embedding.analysis import neighbours
from prodassoc_cli.embedding.analysis.neighbours import nearest, nearest_to_each, neighbour_table


def brute(vectors: np.ndarray, queries: np.ndarray, k: int, own: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    indices = np.full((len(queries), k), -1)
    scores = np.full((len(queries), k), -np.inf)
    for row, query in enumerate(queries):
        pairs = [
            (-round(float(vector @ query), 6), index)
            for index, vector in enumerate(vectors.astype(np.float64))
            if index != own[row]
        ]
        for place, (score, index) in enumerate(sorted(pairs)[:k]):
            indices[row, place], scores[row, place] = index, -score
    return indices, scores


@settings(max_examples=60)
@given(st.integers(0, 60), st.integers(0, 12), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_agrees_with_brute_force_whatever_the_blocks(n: int, m: int, k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    # Few distinct values: many ties, which must go to the lower index.
    vectors = rng.integers(-2, 3, (n, 3)).astype(np.float32) / 4
    queries = rng.integers(-2, 3, (m, 3)).astype(np.float32) / 4
    own = rng.integers(-1, max(n, 1), m)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbours, "_QUERIES", 5)
        patch.setattr(neighbours, "_SMALLEST_BLOCK", 4)
        patch.setattr(neighbours, "_LARGEST_BLOCK", 16)
        found = nearest(vectors, queries, k, exclude=own)
    indices, scores = brute(vectors, queries, k, own)
    np.testing.assert_array_equal(found.indices, indices)
    np.testing.assert_allclose(found.scores, scores, atol=1e-6)


def test_many_blocks_of_real_size() -> None:
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(20_000, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[15_000:15_020] = vectors[:20]
    found = nearest_to_each(vectors[:], 10)
    sample = [0, 19, 7_777, 15_003, 19_999]
    for row in sample:
        scores = np.round(vectors @ vectors[row], 6)
        scores[row] = -np.inf
        expected = np.lexsort((np.arange(len(vectors)), -scores))[:10]
        np.testing.assert_array_equal(found.indices[row], expected)
    assert (found.indices != np.arange(len(vectors))[:, None]).all()


def test_fewer_vectors_than_k_are_marked() -> None:
    found = nearest_to_each(np.eye(3, dtype=np.float32), 5)
    assert found.indices.tolist() == [[1, 2, -1, -1, -1], [0, 2, -1, -1, -1], [0, 1, -1, -1, -1]]
    assert np.isneginf(found.scores[:, 2:]).all()


def test_threads_change_nothing_and_progress_reaches_the_end() -> None:
    rng = np.random.default_rng(2)
    vectors = rng.normal(size=(3_000, 8)).astype(np.float32)
    seen: list[tuple[int, int]] = []
    one = nearest_to_each(vectors, 7)
    three = nearest_to_each(vectors, 7, threads=3, progress=lambda *at: seen.append(at))
    np.testing.assert_array_equal(one.indices, three.indices)
    np.testing.assert_array_equal(one.scores, three.scores)
    assert seen[-1] == (3_000, 3_000)


def test_table_leaves_out_what_is_not_there() -> None:
    found = nearest_to_each(np.eye(2, dtype=np.float32), 3)
    table = neighbour_table(pl.Series(["a", "b"]), found)
    assert table.rows() == [("a", 1, "b", 0.0), ("b", 1, "a", 0.0)]
    one = neighbours.Neighbours(found.indices[1:], found.scores[1:])
    assert neighbour_table(pl.Series(["a", "b"]), one, first=1).rows() == [("b", 1, "a", 0.0)]


def _like_faiss(vectors: np.ndarray):
    """Search as faiss does: by other sums, and of equal scores any comes first."""

    def find(queries: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        scores = (queries[:, ::-1] @ vectors[:, ::-1].T).astype(np.float32)
        last_first = np.broadcast_to(-np.arange(len(vectors)), scores.shape)
        rows = np.lexsort((last_first, -scores), axis=1)[:, : min(count, len(vectors))]
        return rows.astype(np.int32), np.take_along_axis(scores, rows, axis=1)

    return find


@settings(max_examples=60)
@given(st.integers(1, 60), st.integers(1, 9), st.integers(2, 6), st.integers(0, 2**32 - 1))
def test_who_finds_the_candidates_does_not_matter(n: int, k: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.integers(-2, 3, (n, width)).astype(np.float32)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1)
    ours = nearest_to_each(vectors, k)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbours, "_WORTH_FAISS", 1)
        patch.setattr(neighbours, "_QUERIES", 7)
        patch.setattr(neighbours, "_GATHERED", 11)
        patch.setattr(neighbours, "flat_search", _like_faiss)
        theirs = nearest_to_each(vectors, k)
    np.testing.assert_array_equal(theirs.indices, ours.indices)
    np.testing.assert_array_equal(theirs.scores, ours.scores)


def test_faiss_gives_the_same_bytes() -> None:
    pytest.importorskip("faiss", reason="faiss is not installed: pip install faiss-cpu")
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(30_000, 32)).astype(np.float32)
    vectors[20_000:20_100] = vectors[0]  # more ties than there are spare candidates
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    by_faiss = nearest_to_each(vectors, 10, threads=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbours, "flat_search", lambda vectors: None)
        ours = nearest_to_each(vectors, 10)
    np.testing.assert_array_equal(by_faiss.indices, ours.indices)
    np.testing.assert_array_equal(by_faiss.scores, ours.scores)
