"""The machine code of the recommenders: pure functions from arrays to arrays.

A kernel works on a range of rows, [start, stop), and releases the GIL: `rows.over_rows` shares the ranges out
among threads. Each has its twin in `few`, which gives the same bytes.
Sparse matrices come as CSR: indptr (i64), indices (i32), data (f32).
"""

from __future__ import annotations

import numba as nb
import numpy as np

from prodassoc_cli.models.few import Floats, Ints, Longs, Mask
from prodassoc_cli.models.rows import csr_arrays, over_rows, ready

__all__ = ["Floats", "Ints", "Longs", "Mask", "csr_arrays", "over_rows", "ready"]

_CSR = "int64[::1], int32[::1], float32[::1]"  # indptr, indices, data


@nb.njit(
    f"void(int64, int64, {_CSR}, {_CSR}, float32[::1], int64[::1], float32,"
    " int32[:, ::1], float32[:, ::1], int64[::1])",
    nogil=True,
    cache=True,
)
def product_top_k(  # noqa: C901 — one pass, and a compiled call would copy
    start: int,
    stop: int,
    a_indptr: Longs,
    a_indices: Ints,
    a_data: Floats,
    b_indptr: Longs,
    b_indices: Ints,
    b_data: Floats,
    column_scale: Floats,
    excluded: Longs,
    least: float,
    out_columns: Ints,
    out_values: Floats,
    out_counts: Longs,
) -> None:  # pragma: no cover — compiled
    """Keep the k largest entries of each row of (A·B)·diag(column_scale), A·B never being stored.

    Entries that are not positive or below `least` in A·B, and column excluded[row] (-1: none), are left out.
    Of equal entries the one in the smaller column is kept. A row's entries are written in ascending columns.
    """
    k = out_columns.shape[1]
    width = column_scale.shape[0]
    total = np.zeros(width, np.float32)
    owner = np.full(width, -1, np.int64)
    touched = np.empty(width, np.int32)
    values = np.empty(width, np.float32)
    for row in range(start, stop):
        n = 0
        for p in range(a_indptr[row], a_indptr[row + 1]):
            middle, weight = a_indices[p], a_data[p]
            for q in range(b_indptr[middle], b_indptr[middle + 1]):
                column = b_indices[q]
                if owner[column] != row:
                    owner[column] = row
                    total[column] = 0
                    touched[n] = column
                    n += 1
                total[column] += weight * b_data[q]
        m = 0
        for t in range(n):
            column = touched[t]
            value = total[column]
            if value > 0 and value >= least and column != excluded[row]:
                value *= column_scale[column]
                total[column] = value
                touched[m] = column
                values[m] = value
                m += 1
        if m > k:
            bound = np.partition(values[:m], m - k)[m - k]
            above = 0
            equal = 0
            ties = np.empty(m, np.int32)
            for t in range(m):
                if values[t] > bound:
                    above += 1
                elif values[t] == bound:
                    ties[equal] = touched[t]
                    equal += 1
            last = np.sort(ties[:equal])[k - above - 1]
            kept = 0
            for t in range(m):
                if values[t] > bound or (values[t] == bound and touched[t] <= last):
                    touched[kept] = touched[t]
                    kept += 1
            m = kept
        columns = np.sort(touched[:m])
        out_counts[row] = m
        for t in range(m):
            out_columns[row, t] = columns[t]
            out_values[row, t] = total[columns[t]]


@nb.njit(f"void(int64, int64, {_CSR}, {_CSR}, boolean, float32[:, ::1])", nogil=True, cache=True)
def scatter_scores(
    start: int,
    stop: int,
    h_indptr: Longs,
    h_indices: Ints,
    h_data: Floats,
    s_indptr: Longs,
    s_indices: Ints,
    s_data: Floats,
    best: bool,
    out: Floats,
) -> None:  # pragma: no cover — compiled
    """Write H·S as dense rows, or with `best` the largest single term; -inf where no term meets a column."""
    for row in range(start, stop):
        scores = out[row]
        scores[:] = -np.inf
        for p in range(h_indptr[row], h_indptr[row + 1]):
            middle, weight = h_indices[p], h_data[p]
            for q in range(s_indptr[middle], s_indptr[middle + 1]):
                column = s_indices[q]
                term = weight * s_data[q]
                if scores[column] == -np.inf or (best and term > scores[column]):
                    scores[column] = term
                elif not best:
                    scores[column] += term


@nb.njit("void(float32[::1], int32[::1], int64, float32, int32)", nogil=True, cache=True)
def _sift_down(
    values: Floats, items: Ints, size: int, score: float, column: int
) -> None:  # pragma: no cover — compiled
    """Put an entry in the place of the root of a heap whose root is the worst (then the largest column)."""
    at = 0
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        right = child + 1
        if right < size and (
            values[right] < values[child] or (values[right] == values[child] and items[right] > items[child])
        ):
            child = right
        if score < values[child] or (score == values[child] and column > items[child]):
            break
        values[at], items[at] = values[child], items[child]
        at = child
    values[at], items[at] = score, column


@nb.njit(
    "void(int64, int64, float32[:, ::1], boolean[::1], int64[::1], int32[::1],"
    " int32[:, ::1], float32[:, ::1])",
    nogil=True,
    cache=True,
)
def select_top_k(
    start: int,
    stop: int,
    scores: Floats,
    allowed: Mask,
    b_indptr: Longs,
    b_indices: Ints,
    out_columns: Ints,
    out_scores: Floats,
) -> None:  # pragma: no cover — compiled
    """Write the k best finite scores of each row, best first, equal ones by ascending column.

    Left out are columns not allowed and the row's blocked ones (CSR pattern b). Where fewer than k are left,
    the rest is -1 and -inf.
    """
    k = out_columns.shape[1]
    width = scores.shape[1]
    blocked = np.full(width, -1, np.int64)
    for row in range(start, stop):
        for p in range(b_indptr[row], b_indptr[row + 1]):
            blocked[b_indices[p]] = row
        items = out_columns[row]
        values = out_scores[row]
        items[:] = -1
        values[:] = -np.inf
        # A heap whose root is the worst kept. Columns ascend, so an equal score never displaces.
        size = 0
        for column in range(width):
            score = scores[row, column]
            if size == k and not score > values[0]:
                continue
            if not np.isfinite(score) or not allowed[column] or blocked[column] == row:
                continue
            if size < k:
                at = size
                size += 1
                while at > 0:
                    parent = (at - 1) // 2
                    # A later column is worse than an equal earlier one.
                    if score > values[parent]:
                        break
                    values[at], items[at] = values[parent], items[parent]
                    at = parent
                values[at], items[at] = score, column
                continue
            _sift_down(values, items, k, score, column)
        # Popping the worst to the end, again and again, leaves the best first.
        for end in range(size - 1, 0, -1):
            score, column = values[end], items[end]
            values[end], items[end] = values[0], items[0]
            _sift_down(values, items, end, score, column)
