"""The machine code of als: many small regularised least squares by conjugate gradients.

Of the same make as `sparse`: rows in a range, pure functions from arrays to arrays.
"""

from __future__ import annotations

import numpy as np

from prodassoc_cli.numerics.arrays import Floats, Ints, Longs
from prodassoc_cli.numerics.jit import KERNEL, njit

_FAST = {"reassoc", "contract", "arcp"}


@njit(
    "int64(float32[:, ::1], int32[::1], float32[::1], float32[::1], int64, float32,"
    " float32[::1], float32[:, ::1])",
    fastmath=_FAST,
    **KERNEL,
)
def _solve(  # noqa: C901 — loops over the factors, spelled out
    vectors: Floats,
    members: Ints,
    base: Floats,
    right: Floats,
    steps: int,
    tolerance: float,
    x: Floats,
    work: Floats,
) -> int:  # pragma: no cover — compiled
    """Improve x towards (diag(base) + Σ_m v_m·v_mᵀ)·x = right, preconditioned by the diagonal."""
    width = base.shape[0]
    scale, residual, direction, product = work[0], work[1], work[2], work[3]
    for f in range(width):
        scale[f] = base[f]
        residual[f] = right[f] - base[f] * x[f]
    for m in members:
        vector = vectors[m]
        dot = np.float32(0)
        for f in range(width):
            dot += vector[f] * x[f]
        for f in range(width):
            residual[f] -= dot * vector[f]
            scale[f] += vector[f] * vector[f]
    norm = np.float32(0)
    size = np.float32(0)
    for f in range(width):
        direction[f] = residual[f] / scale[f]
        norm += residual[f] * direction[f]
        size += right[f] * right[f] / scale[f]
    for step in range(steps):
        if norm <= tolerance * size:
            return step
        for f in range(width):
            product[f] = base[f] * direction[f]
        for m in members:
            vector = vectors[m]
            dot = np.float32(0)
            for f in range(width):
                dot += vector[f] * direction[f]
            for f in range(width):
                product[f] += dot * vector[f]
        curvature = np.float32(0)
        for f in range(width):
            curvature += direction[f] * product[f]
        alpha = norm / curvature
        following = np.float32(0)
        for f in range(width):
            x[f] += alpha * direction[f]
            residual[f] -= alpha * product[f]
            following += residual[f] * residual[f] / scale[f]
        beta = following / norm
        norm = following
        for f in range(width):
            direction[f] = residual[f] / scale[f] + beta * direction[f]
    return steps


@njit(
    "void(int64, int64, int64[::1], int32[::1], float32[:, ::1], float32[::1], float32[::1], int64, float32,"
    " float32[:, ::1])",
    fastmath=_FAST,
    **KERNEL,
)
def solve_rows(
    start: int,
    stop: int,
    indptr: Longs,
    indices: Ints,
    vectors: Floats,
    spectrum: Floats,
    ridges: Floats,
    steps: int,
    tolerance: float,
    out: Floats,
) -> None:  # pragma: no cover — compiled
    """Improve each row x of `out` towards (diag(spectrum + ridge) + Σ v·vᵀ)·x = Σ v over its entries."""
    width = spectrum.shape[0]
    base, right = np.empty(width, np.float32), np.empty(width, np.float32)
    work = np.empty((4, width), np.float32)
    for row in range(start, stop):
        members = indices[indptr[row] : indptr[row + 1]]
        if len(members) == 0:
            out[row, :] = 0
            continue
        right[:] = 0
        for m in members:
            for f in range(width):
                right[f] += vectors[m, f]
        for f in range(width):
            base[f] = spectrum[f] + ridges[row]
        _solve(vectors, members, base, right, steps, tolerance, out[row], work)


@njit(
    "void(int64, int64, int64[::1], int32[::1], float32[:, ::1], float32[::1], float32[::1], int64, float32,"
    " int32[:, ::1], int32[:, ::1])",
    fastmath=_FAST,
    **KERNEL,
)
def largest_shares(
    start: int,
    stop: int,
    indptr: Longs,
    indices: Ints,
    vectors: Floats,
    spectrum: Floats,
    ridges: Floats,
    steps: int,
    tolerance: float,
    items: Ints,
    out: Ints,
) -> None:  # pragma: no cover — compiled
    """Find, for each listed item j, the entry i ≠ j with the largest v_jᵀ·A⁻¹·v_i; -1 where none is above 0.

    A is the row's matrix of `solve_rows`, so that these terms add up to the score. Of equal terms the smaller
    i wins.
    """
    width = spectrum.shape[0]
    base, x, work = np.empty(width, np.float32), np.empty(width, np.float32), np.empty((4, width), np.float32)
    for row in range(start, stop):
        members = indices[indptr[row] : indptr[row + 1]]
        for f in range(width):
            base[f] = spectrum[f] + ridges[row]
        for slot in range(items.shape[1]):
            item = items[row, slot]
            out[row, slot] = -1
            if item < 0:
                continue
            x[:] = 0
            _solve(vectors, members, base, vectors[item], steps, tolerance, x, work)
            best = np.float32(0)
            for m in members:
                term = np.float32(0)
                for f in range(width):
                    term += x[f] * vectors[m, f]
                if m != item and term > best:
                    best = term
                    out[row, slot] = m
