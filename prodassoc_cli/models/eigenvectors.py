"""The largest eigenvectors of XᵀX for a sparse X, by subspace iteration: nothing dense but the vectors."""

from __future__ import annotations

import numpy as np

from prodassoc_cli.models.data import Csr
from prodassoc_cli.models.kernels.dispatch import over_blocks
from prodassoc_cli.numerics.arrays import Floats

_COLUMNS = 64
_EXTRA = 32
_RANK = 1e-6


def leading_eigenvectors(
    x: Csr, count: int, seed: int, threads: int, rounds: int = 4
) -> tuple[Floats, Floats]:
    """Return the largest eigenvalues of XᵀX, descending, and n × count of their vectors.

    Randomised subspace iteration (Halko, Martinsson and Tropp, 2011) with a Rayleigh–Ritz step at the end.
    Fewer come back where XᵀX has a smaller rank. Work goes to threads by fixed blocks of columns, so that
    the threads change no byte.

    Args:
        x: m × n.
        count: eigenvectors wanted.
        seed: of the first subspace.
        threads: threads to use.
        rounds: applications of XᵀX; each makes small eigenvalues more exact.
    """
    n = x.shape[1]
    width = min(n, count + _EXTRA)
    transposed = x.T.tocsr()
    basis = _orthonormal(np.random.default_rng(seed).standard_normal((n, width)).astype(np.float32))
    for _ in range(rounds):
        # Between the rounds columns need only be far from parallel; the last basis is made exact.
        basis = _orthonormal(_gram_product(x, transposed, basis, threads))
    basis = _orthonormal(basis)
    values, turn = np.linalg.eigh((basis.T @ _gram_product(x, transposed, basis, threads)).astype(np.float64))
    order = np.argsort(-values, kind="stable")[:count]
    order = order[values[order] > _RANK * max(float(values.max(initial=0)), _RANK)]
    return values[order].astype(np.float32), basis @ turn[:, order].astype(np.float32)


def _gram_product(x: Csr, transposed: Csr, vectors: Floats, threads: int) -> Floats:
    out = np.empty_like(vectors)

    def block(start: int) -> None:
        columns = slice(start, start + _COLUMNS)
        out[:, columns] = transposed @ (x @ np.ascontiguousarray(vectors[:, columns]))

    over_blocks(block, vectors.shape[1], _COLUMNS, threads)
    return out


def _orthonormal(vectors: Floats) -> Floats:
    """Return a basis of what the columns span, by the Gram matrix: all but orthonormal, if they are not."""
    values, turn = np.linalg.eigh((vectors.T @ vectors).astype(np.float64))
    kept = values > _RANK * max(float(values[-1]), 1e-30)
    return np.asarray(vectors @ (turn[:, kept] / np.sqrt(values[kept])).astype(np.float32))
