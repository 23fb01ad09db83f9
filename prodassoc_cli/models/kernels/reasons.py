"""The machine code behind reasons: which product of a history gave most of a score, and pair counts.

Of the same make as `sparse`: rows in a range, pure functions from arrays to arrays.
"""

from __future__ import annotations

import numpy as np

from prodassoc_cli.numerics.arrays import Floats, Ints, Longs
from prodassoc_cli.numerics.jit import KERNEL, njit

_CSR = "int64[::1], int32[::1], float32[::1]"  # indptr, indices, data


@njit(f"void(int64, int64, {_CSR}, {_CSR}, int64, int32[:, ::1], int32[:, ::1], float32[:, ::1])", **KERNEL)
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
    place = np.empty(width, np.int32)
    listed = np.zeros(width, np.uint8)  # a byte a column stays in a cache that the places would not
    others = s_indices.view(np.uint32)  # an index that cannot be negative need not be looked at
    for row in range(start, stop):
        for t in range(slots):
            out_middle[row, t] = -1
            out_terms[row, t] = 0
            if columns[row, t] >= 0:
                place[columns[row, t]] = t
                listed[columns[row, t]] = 1
        for p in range(h_indptr[row], h_indptr[row + 1]):
            middle, weight = h_indices[p], h_data[p]
            for q in range(s_indptr[middle], s_indptr[middle + 1]):
                if listed[others[q]]:
                    t = place[others[q]]
                    term = weight * s_data[q]
                    if out_middle[row, t] < 0 or term > out_terms[row, t]:
                        out_middle[row, t] = middle
                        out_terms[row, t] = term
        for t in range(slots):
            if columns[row, t] >= 0:
                listed[columns[row, t]] = 0


@njit(
    f"void(int64, int64, {_CSR}, {_CSR}, {_CSR}, float32[::1], int32[:, ::1], int32[:, ::1], int64[:, ::1])",
    **KERNEL,
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


@njit("int64(int32[::1], int64, int64, int64, int64)", **KERNEL)
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


@njit(
    f"void(int64, int64, {_CSR}, float32[:, ::1], int64[::1], int32[::1], float32[::1], float32[::1],"
    " int32[:, ::1], int32[:, ::1], float32[:, ::1])",
    fastmath={"reassoc"},
    **KERNEL,
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
    out_terms: Floats,
) -> None:  # pragma: no cover — compiled
    """Find, for columns[row, t], the history item with the largest term of `similarity.nearest_terms`.

    It is worked out in f64 and rounded to f32, so that the order of the summands does not show.
    """
    for row in range(start, stop):
        for t in range(columns.shape[1]):
            out_middle[row, t] = -1
            out_terms[row, t] = 0
            column = columns[row, t]
            if column < 0:
                continue
            most = np.float32(0)
            for p in range(h_indptr[row], h_indptr[row + 1]):
                item = h_indices[p]
                if item == column:
                    continue
                dot = 0.0
                for f in range(vectors.shape[1]):
                    dot += np.float64(vectors[item, f]) * np.float64(vectors[column, f])
                shared = _common(
                    a_indices, a_indptr[item], a_indptr[item + 1], a_indptr[column], a_indptr[column + 1]
                )
                likeness = np.float64(text_scale[row]) * dot + np.float64(attribute_scale[row]) * shared
                term = np.float32(np.float64(h_data[p]) * likeness)
                if term > most:
                    most = term
                    out_middle[row, t] = item
                    out_terms[row, t] = term


@njit("void(int64, int64, int32[::1], int32[::1], int64[::1], int32[::1], int64[::1])", **KERNEL)
def count_common(
    start: int, stop: int, left: Ints, right: Ints, indptr: Longs, indices: Ints, out: Longs
) -> None:  # pragma: no cover — compiled
    """Count what rows left[p] and right[p] of a CSR pattern with sorted columns have in common."""
    for p in range(start, stop):
        out[p] = _common(
            indices, indptr[left[p]], indptr[left[p] + 1], indptr[right[p]], indptr[right[p] + 1]
        )
