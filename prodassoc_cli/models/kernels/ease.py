"""The machine code of ease where products are too many for a dense inverse. Of the same make as `sparse`."""

from __future__ import annotations

import numpy as np

from prodassoc_cli.numerics.arrays import Floats, Ints, Longs
from prodassoc_cli.numerics.jit import KERNEL, njit


@njit(
    "void(int64, int64, int64[::1], int32[::1], int64[::1], int32[::1], float32[::1],"
    " float32[::1], float64, float32[::1])",
    fastmath={"reassoc", "contract"},
    **KERNEL,
)
def restricted_ridge(  # noqa: C901 — gather, factor and solve, each a plain loop
    start: int,
    stop: int,
    n_indptr: Longs,
    n_indices: Ints,
    g_indptr: Longs,
    g_indices: Ints,
    g_data: Floats,
    diagonal: Floats,
    ridge: float,
    out: Floats,
) -> None:  # pragma: no cover — compiled
    """Write for each item j the solution of (G_NN + ridge·I)·b = G_Nj over its neighbours N.

    G is given as CSR without its diagonal, which is apart. Solved by Cholesky; b is 0 where a pivot fails.
    """
    place = np.full(diagonal.shape[0], -1, np.int32)
    for item in range(start, stop):
        first, last = n_indptr[item], n_indptr[item + 1]
        m = last - first
        near = n_indices[first:last]
        a = np.zeros((m, m))
        b = np.zeros(m)
        for s in range(m):
            place[near[s]] = s
        for q in range(g_indptr[item], g_indptr[item + 1]):
            if place[g_indices[q]] >= 0:
                b[place[g_indices[q]]] = g_data[q]
        for s in range(m):
            a[s, s] = diagonal[near[s]] + ridge
            for q in range(g_indptr[near[s]], g_indptr[near[s] + 1]):
                t = place[g_indices[q]]
                # A count may be kept in one of its two rows only: either serves both.
                if t >= 0:
                    a[s, t] = g_data[q]
                    a[t, s] = g_data[q]
        for s in range(m):
            place[near[s]] = -1
        sound = True
        for s in range(m):
            for t in range(s + 1):
                value = a[s, t]
                for f in range(t):
                    value -= a[s, f] * a[t, f]
                if s > t:
                    a[s, t] = value / a[t, t]
                elif value > 0:
                    a[s, s] = np.sqrt(value)
                else:
                    sound = False
                    a[s, s] = 1.0
        if not sound:
            continue
        for s in range(m):
            value = b[s]
            for f in range(s):
                value -= a[s, f] * b[f]
            b[s] = value / a[s, s]
        for s in range(m - 1, -1, -1):
            value = b[s]
            for f in range(s + 1, m):
                value -= a[f, s] * b[f]
            b[s] = value / a[s, s]
            out[first + s] = b[s]
