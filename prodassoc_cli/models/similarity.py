"""Sparse similarities: the one matrix product behind neighbours, co-purchase and rules."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from prodassoc_cli.models.base import Queries
from prodassoc_cli.models.data import Csr, csr_of
from prodassoc_cli.models.kernels.dispatch import csr_arrays, one_blas_thread, over_blocks, over_rows, ready
from prodassoc_cli.models.kernels.topk import top_k
from prodassoc_cli.models.storage.packing import csr_from
from prodassoc_cli.numerics.arrays import Bools, Doubles, Floats, Ints, Longs

_BLOCK = 8_192
_DENSE_BLOCK = 256
_LENDERS, _LENDING_SHARPNESS = 10, 4.0


def top_k_product(
    left: Csr,
    right: Csr,
    k: int,
    threads: int,
    *,
    column_scale: Floats | None = None,
    excluded: Longs | None = None,
    minimum: float = 0.0,
) -> Csr:
    """Return the k largest positive entries of each row of (left·right)·diag(column_scale).

    The product itself is never stored. Of equal entries the one in the smaller column is kept.

    Args:
        left: n × m.
        right: m × p.
        k: entries kept per row.
        threads: threads to use.
        column_scale: p factors; None for ones.
        excluded: for each row a column to leave out, -1 for none; None for none at all.
        minimum: entries of left·right below this are left out.
    """
    n, width = left.shape[0], right.shape[1]
    k = max(1, min(k, width))
    scale = np.ones(width, np.float32) if column_scale is None else column_scale.astype(np.float32)
    skip = np.full(n, -1, np.int64) if excluded is None else excluded.astype(np.int64)
    b = csr_arrays(right)
    lengths = np.zeros(n, np.int64)
    # No row has more entries than there are products of entries that make it up: room for those is enough.
    room = int(np.minimum(_pattern_product(left, np.diff(right.indptr)), k).sum())
    indices, data, end = np.empty(room, np.int32), np.empty(room, np.float32), 0
    for start in range(0, n, _BLOCK):
        rows = left[start : start + _BLOCK]
        height = rows.shape[0]
        columns, values = np.empty((height, k), np.int32), np.empty((height, k), np.float32)
        counts = lengths[start : start + height]
        arguments = (*csr_arrays(rows), *b, scale, skip[start : start + height], minimum)
        over_rows("product_top_k", height, threads, *arguments, columns, values, counts)
        filled = np.arange(k) < counts[:, None]
        begin, end = end, end + int(counts.sum())
        indices[begin:end], data[begin:end] = columns[filled], values[filled]
    return csr_from(np.concatenate([[0], np.cumsum(lengths)]), indices[:end], data[:end], width)


def _pattern_product(left: Csr, sizes: NDArray[Any]) -> Doubles:
    """Return for each row of `left` the sum of the sizes at its entries."""
    pattern = sparse.csr_array((np.ones(left.nnz), left.indices, left.indptr), shape=left.shape)
    return np.asarray(pattern @ sizes.astype(np.float64))


def scores_from(history: Csr, similar: Csr, threads: int, *, best: bool = False) -> Floats:
    """Return history·similar as dense rows (or the best single term); -inf where nothing meets an item."""
    out = np.empty((history.shape[0], similar.shape[1]), np.float32)
    arguments = (*csr_arrays(history), *csr_arrays(similar), best, out)
    over_rows("scatter_scores", history.shape[0], threads, *arguments)
    return out


def best_from(
    history: Csr, similar: Csr, queries: Queries, k: int, threads: int, *, best: bool = False
) -> tuple[Ints, Floats]:
    """Return `topk.top_k` of `scores_from` for the queries, without ever holding the scores of all items."""
    rows, width = history.shape[0], similar.shape[1]
    k = min(k, width)
    items, values = np.empty((rows, k), np.int32), np.empty((rows, k), np.float32)
    mask = np.ones(width, np.bool_) if queries.allowed is None else queries.allowed
    pattern = (np.zeros(rows + 1, np.int64), np.empty(0, np.int32))
    if (blocked := queries.blocked) is not None:
        pattern = csr_arrays(blocked)[:2]
    arguments = (*csr_arrays(history), *csr_arrays(similar), best, mask, *pattern)
    over_rows("best_scores", rows, threads, *arguments, items, values)
    return items, values


def main_terms(history: Csr, similar: Csr, items: Ints, threads: int) -> tuple[Ints, Floats]:
    """Return, for each listed item, the history entry that gave most of its score, and how much; -1: none."""
    sources, terms = np.empty(items.shape, np.int32), np.empty(items.shape, np.float32)
    wanted = ready(items, np.int32)
    matrices = (*csr_arrays(history), *csr_arrays(similar))
    arguments = (*matrices, similar.shape[1], wanted, sources, terms)
    over_rows("best_terms", items.shape[0], threads, *arguments)
    return sources, terms


def nearest_terms(
    history: Csr,
    vectors: Floats,
    items: Ints,
    threads: int,
    *,
    attributes: Csr | None = None,
    scales: tuple[Floats, Floats] | None = None,
) -> tuple[Ints, Floats]:
    """Return the history entry i with the largest w_i·(s·v_i·v_item + t·|a_i ∩ a_item|) for each listed item.

    Args:
        history: rows × items of weights w.
        vectors: n_items × d, v.
        items: rows × slots; -1 is empty.
        threads: threads to use.
        attributes: n_items × features, the pattern a; None for none.
        scales: s and t of each row; None for 1 and 0.

    Returns:
        rows × slots of entries, -1 where none gives more than 0; and what each gives.
    """
    rows = items.shape[0]
    shared = csr_of(np.zeros((vectors.shape[0], 1))) if attributes is None else attributes
    text_scale, attribute_scale = scales or (np.ones(rows, np.float32), np.zeros(rows, np.float32))
    sources, terms = np.empty(items.shape, np.int32), np.empty(items.shape, np.float32)
    arguments = (
        *csr_arrays(history),
        ready(vectors, np.float32),
        *csr_arrays(shared)[:2],
        text_scale.astype(np.float32),
        attribute_scale.astype(np.float32),
        ready(items, np.int32),
        sources,
        terms,
    )
    over_rows("nearest_in_history", rows, threads, *arguments)
    return sources, terms


def scaled(matrix: Csr, rows: Floats | None = None, columns: Floats | None = None) -> Csr:
    """Return diag(rows) · matrix · diag(columns), None standing for ones."""
    data = matrix.data.astype(np.float32, copy=True)
    if rows is not None:
        data *= np.repeat(rows.astype(np.float32), np.diff(matrix.indptr))
    if columns is not None:
        data *= columns.astype(np.float32)[matrix.indices]
    return sparse.csr_array((data, matrix.indices, matrix.indptr), shape=matrix.shape)


def inverse_power(sums: Floats, exponent: float) -> Floats:
    """Return sums^-exponent, 0 where the sum is 0."""
    positive = sums > 0
    out = np.zeros(sums.shape, np.float32)
    out[positive] = sums[positive].astype(np.float64) ** -exponent
    return out


def degrees(matrix: Csr) -> Floats:
    """Return the sum of each row."""
    return np.asarray(matrix.sum(axis=1), np.float32).ravel()


def dense_product(left: Floats, right: Floats, threads: int) -> Floats:
    """Return left·rightᵀ in blocks of rows, each on one thread: the bytes do not depend on the threads."""
    out = np.empty((left.shape[0], right.shape[0]), np.float32)

    def block(start: int) -> None:
        rows = slice(start, start + _DENSE_BLOCK)
        np.matmul(left[rows], right.T, out=out[rows])

    with one_blas_thread():
        over_blocks(block, left.shape[0], _DENSE_BLOCK, threads)
    return out


def nearest_by_text(vectors: Floats, items: Ints, lenders: Bools, threads: int) -> tuple[Ints, Floats]:
    """Return the 10 products of the most similar texts, -1 for none, and the share of each, which sum to 1.

    A share goes as the fourth power of the cosine, so that the nearer lend more.

    Args:
        vectors: products × d of length 1.
        items: the products that borrow.
        lenders: which products lend.
        threads: threads to use.
    """
    likeness = dense_product(vectors[items], vectors, threads)
    found, cosines = top_k(likeness, _LENDERS, threads, allowed=lenders)
    shares = np.where(found >= 0, np.maximum(cosines, 0), 0) ** _LENDING_SHARPNESS
    shares *= inverse_power(shares.sum(axis=1), 1.0)[:, None]
    return found, shares.astype(np.float32)


def pair_products(left: Floats, right: Floats, indptr: Longs, items: Ints, threads: int) -> Floats:
    """Return left[row]·right[item] for the items of each row, whose bounds are `indptr`."""
    out = np.empty(len(items), np.float32)
    pairs = (ready(indptr, np.int64), ready(items, np.int32))
    arguments = (*pairs, ready(left, np.float32), ready(right, np.float32), out)
    over_rows("pair_products", left.shape[0], threads, *arguments)
    return out


def sparse_pair_products(left: Csr, right: Csr, indptr: Longs, items: Ints, threads: int) -> Floats:
    """Return left[row]·right[item] for the items of each row, both sparse; the bounds are `indptr`."""
    out = np.empty(len(items), np.float32)
    pairs = (ready(indptr, np.int64), ready(items, np.int32))
    arguments = (*pairs, *csr_arrays(left), *csr_arrays(right), left.shape[1], out)
    over_rows("sparse_pair_products", left.shape[0], threads, *arguments)
    return out
