"""The machine code of the recommenders: pure functions from arrays to arrays.

A kernel works on a range of rows, [start, stop), and releases the GIL: `dispatch.over_rows` shares the
ranges out among threads. Each has its twin in `numpy_fallback`, which gives the same bytes.
Sparse matrices come as CSR: indptr (i64), indices (i32), data (f32).
"""

from __future__ import annotations

import numpy as np

from prodassoc_cli.numerics.arrays import Bools, Floats, Ints, Longs
from prodassoc_cli.numerics.jit import KERNEL, STEP, njit

_CSR = "int64[::1], int32[::1], float32[::1]"  # indptr, indices, data
_LOW_BITS = 19
_UNMET = np.int32(-(2**31))
"""The bits of -0: adding anything to it gives that, and no sum of terms is -0."""
_DE_BRUIJN = np.uint64(0x03F79D71B4CB0A89)
_BIT_OF = np.zeros(64, np.int64)
"""The place of a lone bit, by the upper six bits of its product with a de Bruijn number (Leiserson, 1998)."""
_BIT_OF[[((1 << bit) * int(_DE_BRUIJN) % (1 << 64)) >> 58 for bit in range(64)]] = range(64)


@njit("void(float32[::1], int32[::1], int64, float32, int32)", **STEP)
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


@njit("void(float32[::1], int32[::1], int64, float32, int32)", **STEP)
def _sift_up(
    values: Floats, items: Ints, size: int, score: float, column: int
) -> None:  # pragma: no cover — compiled
    """Put an entry into a heap of that size, whose root is the worst (of equal ones the largest column)."""
    at = size
    while at > 0:
        parent = (at - 1) // 2
        if score > values[parent] or (score == values[parent] and column < items[parent]):
            break
        values[at], items[at] = values[parent], items[parent]
        at = parent
    values[at], items[at] = score, column


@njit("void(float32[::1], int32[::1], int64)", **STEP)
def _best_first(values: Floats, items: Ints, size: int) -> None:  # pragma: no cover — compiled
    """Turn a heap into a list, best first, by taking the worst to the end again and again."""
    for end in range(size - 1, 0, -1):
        score, column = values[end], items[end]
        values[end], items[end] = values[0], items[0]
        _sift_down(values, items, end, score, column)


@njit("float32(float32[::1], int32[::1], int32[::1], int64, int64)", **STEP)
def _kth_largest(
    values: Floats, bits: Ints, counts: Ints, m: int, k: int
) -> float:  # pragma: no cover — compiled
    """Return the k-th largest of the first m values, none of them negative; `bits` are the values' own bits.

    The bits of such floats are in their order: a histogram of the upper bits leaves few values to sort.
    `counts` is all zeros before and after.
    """
    lowest, highest = np.int64(len(counts)), np.int64(0)
    for t in range(m):
        bucket = np.int64(bits[t] >> _LOW_BITS)
        counts[bucket] += 1
        lowest, highest = min(lowest, bucket), max(highest, bucket)
    bucket = highest
    above = 0
    while above + counts[bucket] < k:
        above += counts[bucket]
        bucket -= 1
    close = np.empty(counts[bucket], np.float32)
    n = 0
    for t in range(m):
        if bits[t] >> _LOW_BITS == bucket:
            close[n] = values[t]
            n += 1
    counts[lowest : highest + 1] = 0
    close.sort()
    return close[n - (k - above)]


@njit(
    f"void(int64, int64, {_CSR}, {_CSR}, float32[::1], int64[::1], float32,"
    " int32[:, ::1], float32[:, ::1], int64[::1])",
    **KERNEL,
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
    minimum: float,
    out_columns: Ints,
    out_values: Floats,
    out_counts: Longs,
) -> None:  # pragma: no cover — compiled
    """Keep the k largest entries of each row of (A·B)·diag(column_scale), A·B never being stored.

    Left out are entries of A·B that are not positive or below `minimum`, and column excluded[row] (-1: none).
    Of equal entries the one in the smaller column is kept. A row's entries are written in ascending columns.
    """
    k = out_columns.shape[1]
    width = column_scale.shape[0]
    total = np.zeros(width, np.float32)
    met = np.zeros(width, np.uint8)
    touched = np.empty(width + 1, np.int32)
    columns = b_indices.view(np.uint32)  # an index that cannot be negative need not be looked at
    values = np.empty(width, np.float32)
    bits = values.view(np.int32)
    counts = np.zeros(1 << (31 - _LOW_BITS), np.int32)
    marks = np.zeros((width + 63) // 64, np.uint64)
    for row in range(start, stop):
        n = 0
        for p in range(a_indptr[row], a_indptr[row + 1]):
            middle, weight = a_indices[p], a_data[p]
            for q in range(b_indptr[middle], b_indptr[middle + 1]):
                column = columns[q]
                # No branch: whether a column is met for the first time is anyone's guess.
                touched[n] = column
                n += 1 - met[column]
                met[column] = 1
                total[column] += weight * b_data[q]
        m = 0
        for t in range(n):
            column = touched[t]
            value = total[column]
            met[column] = 0
            total[column] = 0
            if value > 0 and value >= minimum and column != excluded[row]:
                touched[m] = column
                values[m] = value * column_scale[column]
                m += 1
        kept = m
        if m > k:
            bound = _kth_largest(values, bits, counts, m, k)
            above = 0
            equal = 0
            ties = np.empty(m, np.int32)
            for t in range(m):
                if values[t] > bound:
                    above += 1
                elif values[t] == bound:
                    ties[equal] = touched[t]
                    equal += 1
            last = np.sort(ties[:equal])[k - above - 1] if above + equal > k else width
            kept = 0
            for t in range(m):
                if values[t] > bound or (values[t] == bound and touched[t] <= last):
                    touched[kept] = touched[t]
                    values[kept] = values[t]
                    kept += 1
        # A bit a column, read from the lowest on, is a quicker way to ascending columns than sorting.
        for t in range(kept):
            marks[touched[t] >> 6] |= np.uint64(1) << np.uint64(touched[t] & 63)
            total[touched[t]] = values[t]
        n = 0
        for word in range(len(marks)):
            rest = marks[word]
            while rest:
                lowest = rest & (~rest + np.uint64(1))
                column = 64 * word + _BIT_OF[(lowest * _DE_BRUIJN) >> np.uint64(58)]
                out_columns[row, n] = column
                out_values[row, n] = total[column]
                total[column] = 0
                n += 1
                rest ^= lowest
            marks[word] = 0
        out_counts[row] = kept


@njit(
    f"void(int64, int64, {_CSR}, {_CSR}, boolean, boolean[::1], int64[::1], int32[::1],"
    " int32[:, ::1], float32[:, ::1])",
    **KERNEL,
)
def best_scores(  # noqa: C901 — one pass over each history, chunk by chunk
    start: int,
    stop: int,
    h_indptr: Longs,
    h_indices: Ints,
    h_data: Floats,
    s_indptr: Longs,
    s_indices: Ints,
    s_data: Floats,
    best: bool,
    allowed: Bools,
    b_indptr: Longs,
    b_indices: Ints,
    out_columns: Ints,
    out_scores: Floats,
) -> None:  # pragma: no cover — compiled
    """Do what `select_top_k` does with the scores of `scatter_scores`, which are never stored.

    Only chunks of columns that a term meets are looked at; a total of -0 is one that no term has met.
    """
    k = out_columns.shape[1]
    chunks = (allowed.shape[0] + 63) >> 6
    total = np.full(chunks << 6, np.float32(-0.0), np.float32)
    bits = total.view(np.int32)
    met = np.zeros(chunks, np.uint8)
    columns = s_indices.view(np.uint32)
    for row in range(start, stop):
        for p in range(h_indptr[row], h_indptr[row + 1]):
            middle, weight = h_indices[p], h_data[p]
            for q in range(s_indptr[middle], s_indptr[middle + 1]):
                column = columns[q]
                term = weight * s_data[q]
                met[column >> np.uint32(6)] = 1
                if not best:
                    total[column] += term
                elif bits[column] == _UNMET or term > total[column]:
                    total[column] = term
        for p in range(b_indptr[row], b_indptr[row + 1]):
            total[b_indices[p]] = -np.inf
        items = out_columns[row]
        values = out_scores[row]
        items[:] = -1
        values[:] = -np.inf
        size = 0
        bound = np.float32(-np.inf)
        for chunk in range(chunks):
            if not met[chunk]:
                continue
            met[chunk] = 0
            scores = total[chunk << 6 : (chunk + 1) << 6]
            # Most chunks have nothing for the list: a sum of comparisons, many at once, tells.
            above = 0
            for place in range(64):
                above += scores[place] > bound
            if above:
                for place in range(64):
                    score, column = scores[place], (chunk << 6) + place
                    # Columns ascend, so an equal score never displaces.
                    if not score > bound or bits[column] == _UNMET or not np.isfinite(score):
                        continue
                    if not allowed[column]:
                        continue
                    if size < k:
                        _sift_up(values, items, size, score, column)
                        size += 1
                    else:
                        _sift_down(values, items, k, score, column)
                    if size == k:
                        bound = values[0]
            scores[:] = np.float32(-0.0)
        for p in range(b_indptr[row], b_indptr[row + 1]):
            total[b_indices[p]] = np.float32(-0.0)
        _best_first(values, items, size)


@njit(f"void(int64, int64, {_CSR}, {_CSR}, boolean, float32[:, ::1])", **KERNEL)
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


@njit(
    "void(int64, int64, float32[:, ::1], boolean[::1], int64[::1], int32[::1],"
    " int32[:, ::1], float32[:, ::1])",
    **KERNEL,
)
def select_top_k(
    start: int,
    stop: int,
    scores: Floats,
    allowed: Bools,
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
                _sift_up(values, items, size, score, column)
                size += 1
            else:
                _sift_down(values, items, k, score, column)
        _best_first(values, items, size)


@njit(
    "void(int64, int64, int64[::1], int32[::1], float32[:, ::1], float32[:, ::1], float32[::1])",
    fastmath={"reassoc"},
    **KERNEL,
)
def pair_products(
    start: int, stop: int, indptr: Longs, items: Ints, left: Floats, right: Floats, out: Floats
) -> None:  # pragma: no cover — compiled
    """Write left[row]·right[item] for the items of each row, worked out in f64."""
    for row in range(start, stop):
        for p in range(indptr[row], indptr[row + 1]):
            item = items[p]
            value = 0.0
            for f in range(left.shape[1]):
                value += np.float64(left[row, f]) * np.float64(right[item, f])
            out[p] = value


@njit(
    f"void(int64, int64, int64[::1], int32[::1], {_CSR}, {_CSR}, int64, float32[::1])",
    **KERNEL,
)
def sparse_pair_products(
    start: int,
    stop: int,
    indptr: Longs,
    items: Ints,
    a_indptr: Longs,
    a_indices: Ints,
    a_data: Floats,
    b_indptr: Longs,
    b_indices: Ints,
    b_data: Floats,
    width: int,
    out: Floats,
) -> None:  # pragma: no cover — compiled
    """Write A[row]·B[item] for the items of each row, A and B of that width, added up in f64."""
    left = np.zeros(width, np.float64)
    for row in range(start, stop):
        for q in range(a_indptr[row], a_indptr[row + 1]):
            left[a_indices[q]] = a_data[q]
        for p in range(indptr[row], indptr[row + 1]):
            value = 0.0
            for q in range(b_indptr[items[p]], b_indptr[items[p] + 1]):
                value += left[b_indices[q]] * np.float64(b_data[q])
            out[p] = value
        for q in range(a_indptr[row], a_indptr[row + 1]):
            left[a_indices[q]] = 0.0
