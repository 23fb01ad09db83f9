"""The machine code of the recommenders: pure functions from arrays to arrays.

A kernel works on a range of rows, [start, stop), and releases the GIL: `over_rows` shares the ranges out
among threads. A row's result depends on that row alone, so that threads never change a byte.
Sparse matrices come as CSR: indptr (i64), indices (i32), data (f32).
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numba as nb
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Mask = NDArray[np.bool_]
Longs = NDArray[np.int64]
Ints = NDArray[np.int32]
Floats = NDArray[np.float32]

_CSR = "int64[::1], int32[::1], float32[::1]"  # indptr, indices, data


def csr_arrays(matrix: sparse.csr_array) -> tuple[Longs, Ints, Floats]:
    """Return indptr, indices and data with the types the kernels are compiled for."""
    return (
        ready(matrix.indptr, np.int64),
        ready(matrix.indices, np.int32),
        ready(matrix.data, np.float32),
    )


def ready(array: NDArray[Any], dtype: type[np.generic]) -> NDArray[Any]:
    """Return the array as the kernels' signatures want it: of that type, contiguous and writable."""
    return np.require(array, dtype, ("C", "W"))


def over_rows(kernel: Callable[..., Any], n_rows: int, threads: int, *arguments: Any) -> None:  # noqa: ANN401
    """Call `kernel(start, stop, *arguments)` for ranges that together cover all rows, on several threads."""
    if threads <= 1 or n_rows < 2:
        kernel(0, n_rows, *arguments)
        return
    # More ranges than threads, since rows differ in length.
    edges = np.unique(np.linspace(0, n_rows, min(n_rows, 8 * threads) + 1).astype(int)).tolist()
    with ThreadPoolExecutor(threads) as pool:
        jobs = [pool.submit(kernel, start, stop, *arguments) for start, stop in pairwise(edges)]
        for job in jobs:
            job.result()


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


@nb.njit(
    f"void(int64, int64, {_CSR}, {_CSR}, int64, int32[:, ::1], int32[:, ::1], float32[:, ::1])",
    nogil=True,
    cache=True,
)
def best_terms(
    start: int,
    stop: int,
    h_indptr: Longs,
    h_indices: Ints,
    h_data: Floats,
    s_indptr: Longs,
    s_indices: Ints,
    s_data: Floats,
    width: int,
    columns: Ints,
    out_middle: Ints,
    out_terms: Floats,
) -> None:  # pragma: no cover — compiled
    """Find, for entry (row, columns[row, t]) of H·S, the middle index of its largest term, and the term.

    Of equal terms the smaller middle index wins; -1 where there is no term or columns[row, t] is -1.
    """
    slots = columns.shape[1]
    place = np.full(width, -1, np.int32)
    for row in range(start, stop):
        for t in range(slots):
            out_middle[row, t] = -1
            out_terms[row, t] = 0
            if columns[row, t] >= 0:
                place[columns[row, t]] = t
        for p in range(h_indptr[row], h_indptr[row + 1]):
            middle, weight = h_indices[p], h_data[p]
            for q in range(s_indptr[middle], s_indptr[middle + 1]):
                t = place[s_indices[q]]
                if t >= 0:
                    term = weight * s_data[q]
                    if out_middle[row, t] < 0 or term > out_terms[row, t]:
                        out_middle[row, t] = middle
                        out_terms[row, t] = term
        for t in range(slots):
            if columns[row, t] >= 0:
                place[columns[row, t]] = -1


@nb.njit(
    f"void(int64, int64, {_CSR}, {_CSR}, {_CSR}, float32[::1], int32[:, ::1], int32[:, ::1], int64[:, ::1])",
    nogil=True,
    cache=True,
)
def linking_items(  # noqa: C901 — one pass over each neighbour
    start: int,
    stop: int,
    h_indptr: Longs,
    h_indices: Ints,
    h_data: Floats,
    n_indptr: Longs,
    n_indices: Ints,
    n_data: Floats,
    x_indptr: Longs,
    x_indices: Ints,
    x_data: Floats,
    item_scale: Floats,
    columns: Ints,
    out_items: Ints,
    out_counts: Longs,
) -> None:  # pragma: no cover — compiled
    """Find by which item of the history h the neighbours n, with items x, speak most for columns[row, t].

    The part of i is item_scale[i] · Σ n_v over the neighbours v who have both i and the column; out_counts is
    the number of these neighbours. -1 and 0 where there is none, or columns[row, t] is -1.
    """
    slots = columns.shape[1]
    width = item_scale.shape[0]
    slot_of = np.full(width, -1, np.int32)
    place_of = np.full(width, -1, np.int32)
    wanted = np.empty(slots, np.int32)
    shared = np.empty(width, np.int32)
    for row in range(start, stop):
        first, size = h_indptr[row], h_indptr[row + 1] - h_indptr[row]
        part = np.zeros((slots, size), np.float32)
        count = np.zeros((slots, size), np.int32)
        for t in range(slots):
            if columns[row, t] >= 0:
                slot_of[columns[row, t]] = t
        for p in range(size):
            place_of[h_indices[first + p]] = p
        for q in range(n_indptr[row], n_indptr[row + 1]):
            n_wanted = 0
            n_shared = 0
            for r in range(x_indptr[n_indices[q]], x_indptr[n_indices[q] + 1]):
                item = x_indices[r]
                if slot_of[item] >= 0:
                    wanted[n_wanted] = slot_of[item]
                    n_wanted += 1
                if place_of[item] >= 0:
                    shared[n_shared] = place_of[item]
                    n_shared += 1
            for w in range(n_wanted):
                for z in range(n_shared):
                    part[wanted[w], shared[z]] += n_data[q]
                    count[wanted[w], shared[z]] += 1
        for t in range(slots):
            out_items[row, t] = -1
            out_counts[row, t] = 0
            most = np.float32(0)
            for p in range(size):
                item = h_indices[first + p]
                value = part[t, p] * item_scale[item]
                if item != columns[row, t] and value > most:
                    most = value
                    out_items[row, t] = item
                    out_counts[row, t] = count[t, p]
            if columns[row, t] >= 0:
                slot_of[columns[row, t]] = -1
        for p in range(size):
            place_of[h_indices[first + p]] = -1


@nb.njit("int64(int32[::1], int64, int64, int64, int64)", nogil=True, cache=True)
def _common(indices: Ints, a: int, a_stop: int, b: int, b_stop: int) -> int:  # pragma: no cover — compiled
    """Count what two ascending runs of one array have in common."""
    common = 0
    while a < a_stop and b < b_stop:
        if indices[a] == indices[b]:
            common += 1
            a += 1
            b += 1
        elif indices[a] < indices[b]:
            a += 1
        else:
            b += 1
    return common


@nb.njit(
    f"void(int64, int64, {_CSR}, float32[:, ::1], int64[::1], int32[::1], float32[::1], float32[::1],"
    " int32[:, ::1], int32[:, ::1])",
    nogil=True,
    cache=True,
    fastmath={"reassoc", "contract"},
)
def nearest_in_history(
    start: int,
    stop: int,
    h_indptr: Longs,
    h_indices: Ints,
    h_data: Floats,
    vectors: Floats,
    a_indptr: Longs,
    a_indices: Ints,
    text_scale: Floats,
    attribute_scale: Floats,
    columns: Ints,
    out_middle: Ints,
) -> None:  # pragma: no cover — compiled
    """Find, for columns[row, t], the history item with the largest term of `similar.nearest_terms`."""
    for row in range(start, stop):
        for t in range(columns.shape[1]):
            out_middle[row, t] = -1
            column = columns[row, t]
            if column < 0:
                continue
            most = np.float32(0)
            for p in range(h_indptr[row], h_indptr[row + 1]):
                item = h_indices[p]
                if item == column:
                    continue
                dot = np.float32(0)
                for f in range(vectors.shape[1]):
                    dot += vectors[item, f] * vectors[column, f]
                shared = _common(
                    a_indices, a_indptr[item], a_indptr[item + 1], a_indptr[column], a_indptr[column + 1]
                )
                term = h_data[p] * (text_scale[row] * dot + attribute_scale[row] * shared)
                if term > most:
                    most = term
                    out_middle[row, t] = item


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


@nb.njit(
    "void(int64, int64, int32[::1], int32[::1], int64[::1], int32[::1], int64[::1])", nogil=True, cache=True
)
def count_common(
    start: int, stop: int, left: Ints, right: Ints, indptr: Longs, indices: Ints, out: Longs
) -> None:  # pragma: no cover — compiled
    """Count what rows left[p] and right[p] of a CSR pattern with sorted columns have in common."""
    for p in range(start, stop):
        out[p] = _common(
            indices, indptr[left[p]], indptr[left[p] + 1], indptr[right[p]], indptr[right[p] + 1]
        )
