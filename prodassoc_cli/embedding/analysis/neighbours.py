"""Exact nearest neighbours by blocked matrix products.

The products run at the speed of BLAS. What costs is sorting, so nearly all scores are thrown away unsorted:
once k neighbours of a query are known, only scores above the k-th of them are looked at, and after a few
blocks these are few.

Either this search or faiss's, where it is installed, names a few more candidates than are wanted; their dot
products are then taken again in double precision, and decide. So the result does not depend on the last bits
of a block's sums, nor on what is installed.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from prodassoc_cli.embedding.analysis.flat_search import Find, flat_search
from prodassoc_cli.numerics.arrays import Floats, Ints

_QUERIES = 1_024
_SMALLEST_BLOCK, _LARGEST_BLOCK = 512, 4_096
# BLAS may give one pair another last bit in another place of a block: scores that agree to here are a tie.
_DIGITS = np.float32(1e6)
# Candidates beside the k wanted, and how near the last may come: single precision is off by less.
_SPARE, _NEAR = 4, 4e-6
# Numbers of candidates' vectors gathered at a time.
_GATHERED = 1 << 22
# Fewer vectors are searched before faiss is imported.
_WORTH_FAISS = 20_000
_NOBODY = -1


@dataclass(frozen=True)
class Neighbours:
    """The best matches of each query, best first."""

    indices: Ints
    """(queries, k): rows of the vectors searched; -1 where there were fewer than k."""
    scores: Floats
    """(queries, k): dot products rounded to six decimals; -inf where there were fewer than k."""


def nearest(
    vectors: Floats,
    queries: Floats,
    k: int,
    exclude: NDArray[np.integer] | None = None,
    *,
    threads: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Neighbours:
    """Find the k vectors of largest dot product with each query; of equal scores the lower index comes first.

    Memory is bounded by blocks of 1,024 × 4,096 scores a thread, whatever the sizes.

    Args:
        vectors: (n, d), searched.
        queries: (m, d).
        k: neighbours a query, 1 or more.
        exclude: (m,), the index that a query must not find (its own, say); -1 for none.
        threads: blocks of queries searched at the same time; they change no bit.
        progress: called with the number of queries done, and of all.

    Source of the idea: the running threshold of exact top-k search, as in faiss' flat index
    (Johnson et al. 2017, arXiv:1702.08734, section 4).
    """
    indices = np.full((len(queries), k), _NOBODY, dtype=np.int32)
    scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
    if not len(vectors):
        return Neighbours(indices, scores)
    # A temporary file is read block by block here; faiss would draw all of it into memory.
    by_faiss = len(vectors) >= _WORTH_FAISS and not isinstance(vectors, np.memmap)
    find = flat_search(vectors) if by_faiss else None

    def search(start: int) -> int:
        rows = slice(start, start + _QUERIES)
        block = queries[rows]
        own = np.full(len(block), _NOBODY) if exclude is None else exclude[rows]
        indices[rows], scores[rows] = _search(vectors, block, k, own, find)
        return len(block)

    done = 0
    pool = ThreadPoolExecutor(threads)
    try:
        for count in pool.map(search, range(0, len(queries), _QUERIES)):
            done += count
            if progress is not None:
                progress(done, len(queries))
    finally:
        # After a failure or an interrupt, blocks that still wait are not searched.
        pool.shutdown(cancel_futures=True)
    return Neighbours(indices, scores)


def nearest_to_each(
    vectors: Floats, k: int, *, threads: int = 1, progress: Callable[[int, int], None] | None = None
) -> Neighbours:
    """Find the k nearest other rows of each row of `vectors`."""
    return nearest(vectors, vectors, k, exclude=np.arange(len(vectors)), threads=threads, progress=progress)


def neighbour_table(ids: pl.Series, found: Neighbours, first: int = 0) -> pl.DataFrame:
    """Return (product_id, rank, neighbour_id, similarity), a row per neighbour.

    Args:
        ids: the products, in the order of the vectors.
        found: neighbours of the products from `first` on.
        first: the product that the first row of `found` belongs to.
    """
    there = found.indices != _NOBODY
    rows, ranks = np.nonzero(there)
    return pl.DataFrame(
        {
            "product_id": ids.gather(rows + first),
            "rank": (ranks + 1).astype(np.int32),
            "neighbour_id": ids.gather(found.indices[there]),
            "similarity": found.scores[there].astype(np.float64).round(6),
        }
    )


def _search(
    vectors: Floats, queries: Floats, k: int, own: NDArray[np.integer], find: Find | None
) -> tuple[Ints, Floats]:
    if find is None:
        return _settled(vectors, queries, _candidates(vectors, queries, k + _SPARE, own), k)
    candidates, guesses = find(queries, k + _SPARE + 1)
    candidates = np.where(candidates == own[:, None], _NOBODY, candidates)
    best, scores = _settled(vectors, queries, candidates, k)
    # Where the last candidate is as near as the k-th, more may be: ties go to the lower index, of all.
    unsure = np.flatnonzero(guesses[:, -1] > scores[:, -1] - _NEAR)
    if len(unsure) and candidates.shape[1] < len(vectors):
        best[unsure], scores[unsure] = _search(vectors, queries[unsure], k, own[unsure], None)
    return best, scores


def _settled(vectors: Floats, queries: Floats, candidates: Ints, k: int) -> tuple[Ints, Floats]:
    """Return the k best of each query's candidates by products in double precision, rounded."""
    exact = np.empty(candidates.shape)
    step = max(1, _GATHERED // max(1, candidates.shape[1] * vectors.shape[1]))
    for start in range(0, len(queries), step):
        part = slice(start, start + step)
        theirs = vectors[candidates[part]].astype(np.float64)  # -1 reads a row that is not used
        exact[part] = np.matmul(theirs, queries[part, :, None].astype(np.float64))[:, :, 0]
    scores = (np.rint(exact * _DIGITS) / _DIGITS).astype(np.float32)
    scores[candidates == _NOBODY] = -np.inf
    order = np.lexsort((candidates, -scores), axis=1)[:, :k]
    missing = ((0, 0), (0, k - order.shape[1]))
    return (
        np.pad(np.take_along_axis(candidates, order, axis=1), missing, constant_values=_NOBODY),
        np.pad(np.take_along_axis(scores, order, axis=1), missing, constant_values=-np.inf),
    )


def _candidates(vectors: Floats, queries: Floats, k: int, own: NDArray[np.integer]) -> Ints:
    """Return the k best by single precision, the lower index first where scores agree to six decimals."""
    best = np.full((len(queries), k), _NOBODY, dtype=np.int32)
    best_scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
    start, size = 0, max(_SMALLEST_BLOCK, k)
    while start < len(vectors):
        block = vectors[start : start + size]
        scores = queries @ block.T
        mine = np.flatnonzero((own >= start) & (own < start + len(block)))
        scores[mine, own[mine] - start] = -np.inf
        # Flat, for numpy finds the few that hold much faster in one dimension than in two.
        hits = np.flatnonzero(scores > _threshold(scores, best_scores[:, -1], k))
        rows, columns = np.divmod(hits, scores.shape[1])
        found = np.rint(scores[rows, columns] * _DIGITS) / _DIGITS
        best, best_scores = _merge(best, best_scores, rows, columns + start, found)
        start += len(block)
        # Doubling: each block is as large as all before it, so about k of its scores beat a threshold.
        size = min(2 * size, _LARGEST_BLOCK)
    return best


def _threshold(scores: Floats, kth: Floats, k: int) -> Floats:
    """Return (queries, 1): no score at or below it can be among the best k."""
    if np.isfinite(kth).all() or scores.shape[1] <= k:
        return kth[:, None]
    # The first block: its own k-th score, with room for rounding; ties are settled after it.
    place = scores.shape[1] - k
    return np.maximum(kth, np.partition(scores, place, axis=1)[:, place] - 2 / _DIGITS)[:, None]


def _merge(
    best: Ints,
    best_scores: Floats,
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    found: Floats,
) -> tuple[Ints, Floats]:
    """Keep the best k of each row's best so far and the candidates found."""
    if not len(rows):
        return best, best_scores
    queries, k = best.shape
    touched = np.unique(rows)
    all_rows = np.concatenate([np.repeat(touched, k), rows])
    all_columns = np.concatenate([best[touched].ravel(), columns])
    all_scores = np.concatenate([best_scores[touched].ravel(), found])
    # An empty place is -inf, so it sorts behind every candidate.
    order = np.lexsort((all_columns, -all_scores, all_rows))
    counts = np.bincount(all_rows, minlength=queries)
    first = np.cumsum(counts) - counts
    taken = order[(first[touched][:, None] + np.arange(k)).ravel()]
    best, best_scores = best.copy(), best_scores.copy()
    best[touched] = all_columns[taken].reshape(-1, k)
    best_scores[touched] = all_scores[taken].reshape(-1, k)
    return best, best_scores
