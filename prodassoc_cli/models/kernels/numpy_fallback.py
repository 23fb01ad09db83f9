"""The kernels' twins in numpy, for a few rows: same arguments, same bytes, nothing to load or compile.

What a loop goes over is few; the rest is array operations. Sums are built up in the order in which the
kernels build them.
"""

from __future__ import annotations

import numpy as np

from prodassoc_cli.numerics.arrays import Bools, Floats, Ints, Longs


def product_top_k(
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
) -> None:
    """Do what `sparse.product_top_k` does."""
    k = out_columns.shape[1]
    for row in range(start, stop):
        total = np.zeros(len(column_scale), np.float32)
        for p in range(a_indptr[row], a_indptr[row + 1]):
            met, weights = _row(a_indices[p], b_indptr, b_indices, b_data)
            total[met] += a_data[p] * weights
        keep = (total > 0) & (total >= np.float32(minimum))
        if excluded[row] >= 0:
            keep[excluded[row]] = False
        columns = np.flatnonzero(keep)
        values = total[columns] * column_scale[columns]
        if len(columns) > k:
            best = np.sort(_best_first(values, k))
            columns, values = columns[best], values[best]
        out_counts[row] = len(columns)
        out_columns[row, : len(columns)] = columns
        out_values[row, : len(columns)] = values


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
) -> None:
    """Do what `sparse.scatter_scores` does."""
    for row in range(start, stop):
        history, weights = _row(row, h_indptr, h_indices, h_data)
        lengths = s_indptr[history + 1] - s_indptr[history]
        ends = np.cumsum(lengths)
        entries = np.arange(lengths.sum()) + np.repeat(s_indptr[history] - ends + lengths, lengths)
        columns, terms = s_indices[entries], np.repeat(weights, lengths) * s_data[entries]
        scores = out[row]
        scores[:] = -np.inf
        if not best:
            scores[columns] = -0.0  # to which anything can be added without a trace
        # One entry after another, as the kernel does it.
        (np.maximum if best else np.add).at(scores, columns, terms)


def select_top_k(
    start: int,
    stop: int,
    scores: Floats,
    allowed: Bools,
    b_indptr: Longs,
    b_indices: Ints,
    out_columns: Ints,
    out_scores: Floats,
) -> None:
    """Do what `sparse.select_top_k` does."""
    k = out_columns.shape[1]
    for row in range(start, stop):
        candidates = np.isfinite(scores[row]) & allowed
        candidates[b_indices[b_indptr[row] : b_indptr[row + 1]]] = False
        columns = np.flatnonzero(candidates)
        columns = columns[_best_first(scores[row, columns], k)]
        out_columns[row], out_scores[row] = -1, -np.inf
        out_columns[row, : len(columns)] = columns
        out_scores[row, : len(columns)] = scores[row, columns]


def best_scores(
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
) -> None:
    """Do what `sparse.best_scores` does."""
    scores = np.empty((len(out_columns), len(allowed)), np.float32)
    scatter_scores(start, stop, h_indptr, h_indices, h_data, s_indptr, s_indices, s_data, best, scores)
    select_top_k(start, stop, scores, allowed, b_indptr, b_indices, out_columns, out_scores)


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
) -> None:
    """Do what `reasons.best_terms` does."""
    for row in range(start, stop):
        middles, terms = out_middle[row], out_terms[row]
        middles[:], terms[:] = -1, 0
        place = _places(columns[row], width)
        for p in range(h_indptr[row], h_indptr[row + 1]):
            others, values = _row(h_indices[p], s_indptr, s_indices, s_data)
            slots = place[others]
            found = slots >= 0
            slots, given = slots[found], h_data[p] * values[found]
            better = (middles[slots] < 0) | (given > terms[slots])
            middles[slots[better]] = h_indices[p]
            terms[slots[better]] = given[better]


def linking_items(
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
) -> None:
    """Do what `reasons.linking_items` does."""
    for row in range(start, stop):
        history = h_indices[h_indptr[row] : h_indptr[row + 1]]
        slot_of, place_of = _places(columns[row], len(item_scale)), _places(history, len(item_scale))
        part = np.zeros((columns.shape[1], len(history)), np.float32)
        count = np.zeros(part.shape, np.int64)
        for q in range(n_indptr[row], n_indptr[row + 1]):
            owned = x_indices[x_indptr[n_indices[q]] : x_indptr[n_indices[q] + 1]]
            wanted, shared = slot_of[owned], place_of[owned]
            both = np.ix_(wanted[wanted >= 0], shared[shared >= 0])
            part[both] += n_data[q]
            count[both] += 1
        out_items[row], out_counts[row] = -1, 0
        if not len(history):
            continue
        value = part * item_scale[history]
        value[columns[row][:, None] == history] = 0
        best = value.argmax(axis=1)
        slots = np.flatnonzero(value.max(axis=1) > 0)
        out_items[row, slots] = history[best[slots]]
        out_counts[row, slots] = count[slots, best[slots]]


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
) -> None:
    """Do what `reasons.nearest_in_history` does."""
    for row in range(start, stop):
        out_middle[row], out_terms[row] = -1, 0
        entries = slice(h_indptr[row], h_indptr[row + 1])
        history, weights = h_indices[entries], h_data[entries]
        for slot, column in enumerate(columns[row]):
            if column < 0 or not len(history):
                continue
            dots = vectors[history].astype(np.float64) @ vectors[column].astype(np.float64)
            own = a_indices[a_indptr[column] : a_indptr[column + 1]]
            shared = np.array(
                [np.isin(a_indices[a_indptr[item] : a_indptr[item + 1]], own).sum() for item in history]
            )
            likeness = np.float64(text_scale[row]) * dots + np.float64(attribute_scale[row]) * shared
            terms = np.where(history == column, 0, weights * likeness).astype(np.float32)
            best = int(terms.argmax())
            if terms[best] > 0:
                out_middle[row, slot], out_terms[row, slot] = history[best], terms[best]


def largest_filter_terms(
    start: int,
    stop: int,
    h_indptr: Longs,
    h_indices: Ints,
    h_data: Floats,
    g_indptr: Longs,
    g_indices: Ints,
    g_data: Floats,
    vectors: Floats,
    signs: Floats,
    items: Ints,
    out: Ints,
) -> None:
    """Do what `spectral.largest_filter_terms` does."""
    for row in range(start, stop):
        out[row] = -1
        history, weights = _row(row, h_indptr, h_indices, h_data)
        for slot, item in enumerate(items[row]):
            if item < 0 or not len(history):
                continue
            own, data = _row(item, g_indptr, g_indices, g_data)
            terms = (vectors[item] * signs).astype(np.float64) @ vectors[history].astype(np.float64).T
            for n, other in enumerate(history):
                bought, values = _row(other, g_indptr, g_indices, g_data)
                _, a, b = np.intersect1d(own, bought, assume_unique=True, return_indices=True)
                terms[n] += data[a].astype(np.float64) @ values[b].astype(np.float64)
            rounded = np.where(history == item, 0, terms * weights).astype(np.float32)
            best = int(rounded.argmax())
            if rounded[best] > 0:
                out[row, slot] = history[best]


def count_common(
    start: int, stop: int, left: Ints, right: Ints, indptr: Longs, indices: Ints, out: Longs
) -> None:
    """Do what `reasons.count_common` does."""
    for p in range(start, stop):
        ours = indices[indptr[left[p]] : indptr[left[p] + 1]]
        others = indices[indptr[right[p]] : indptr[right[p] + 1]]
        out[p] = len(np.intersect1d(ours, others, assume_unique=True))


def pair_products(
    start: int, stop: int, indptr: Longs, items: Ints, left: Floats, right: Floats, out: Floats
) -> None:
    """Do what `sparse.pair_products` does."""
    for row in range(start, stop):
        wanted = slice(indptr[row], indptr[row + 1])
        out[wanted] = right[items[wanted]].astype(np.float64) @ left[row].astype(np.float64)


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
) -> None:
    """Do what `sparse.sparse_pair_products` does."""
    for row in range(start, stop):
        left = np.zeros(width)
        members, values = _row(row, a_indptr, a_indices, a_data)
        left[members] = values
        for p in range(indptr[row], indptr[row + 1]):
            met, weights = _row(items[p], b_indptr, b_indices, b_data)
            out[p] = np.add.accumulate(left[met] * weights)[-1] if len(met) else 0.0


def _row(row: int, indptr: Longs, indices: Ints, data: Floats) -> tuple[Ints, Floats]:
    entries = slice(indptr[row], indptr[row + 1])
    return indices[entries], data[entries]


def _best_first(values: Floats, k: int) -> Longs:
    """Return the places of the k largest values, the largest first, equal ones by ascending place."""
    places = np.arange(len(values))
    if len(values) > k:
        bound = np.partition(values, len(values) - k)[len(values) - k]
        places = np.flatnonzero(values >= bound)
    order = np.argsort(-values[places], kind="stable")
    return places[order[:k]]


def _places(values: Ints, width: int) -> Ints:
    """Return for each number below `width` where it stands among the values; -1: nowhere."""
    place = np.full(width, -1, np.int32)
    there = np.flatnonzero(values >= 0)
    place[values[there]] = there
    return place
