"""The machine code behind the reasons of spectral. Of the same make as `kernels`."""

from __future__ import annotations

import numpy as np

from prodassoc_cli.numerics.arrays import Floats, Ints, Longs
from prodassoc_cli.numerics.jit import KERNEL, njit

_CSR = "int64[::1], int32[::1], float32[::1]"  # indptr, indices, data


@njit(
    f"void(int64, int64, {_CSR}, {_CSR}, float32[:, ::1], float32[::1], int32[:, ::1], int32[:, ::1])",
    fastmath={"reassoc"},
    **KERNEL,
)
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
) -> None:  # pragma: no cover — compiled
    """Find, for each listed item j, the i ≠ j of the history h with the largest h_i·F_ij; -1: none above 0.

    F = G·Gᵀ + V·diag(signs)·Vᵀ, with G the items × users graph and V items × factors. Of equal terms the
    smaller i wins. Terms are worked out in f64 and rounded to f32.
    """
    weighted = np.empty(vectors.shape[1], np.float32)
    for row in range(start, stop):
        for slot in range(items.shape[1]):
            item = items[row, slot]
            out[row, slot] = -1
            if item < 0:
                continue
            for f in range(len(weighted)):
                weighted[f] = vectors[item, f] * signs[f]
            best = np.float32(0)
            for p in range(h_indptr[row], h_indptr[row + 1]):
                other = h_indices[p]
                if other == item:
                    continue
                value = 0.0
                for f in range(len(weighted)):
                    value += np.float64(weighted[f]) * np.float64(vectors[other, f])
                a, a_stop = g_indptr[item], g_indptr[item + 1]
                b, b_stop = g_indptr[other], g_indptr[other + 1]
                while a < a_stop and b < b_stop:
                    if g_indices[a] < g_indices[b]:
                        a += 1
                    elif g_indices[a] > g_indices[b]:
                        b += 1
                    else:
                        value += np.float64(g_data[a]) * np.float64(g_data[b])
                        a += 1
                        b += 1
                term = np.float32(value * np.float64(h_data[p]))
                if term > best:
                    best = term
                    out[row, slot] = other
