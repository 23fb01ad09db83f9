"""Co-purchases → a vector per product, so that the dot product of two says how far they go together."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import eigsh

from prodassoc_cli.numerics.arrays import Doubles, Floats

Csr = sparse.csr_array

PRIOR = 3.0
"""Baskets that a pair must share for its log-lift to count half."""

_NOTHING = 1e-6
"""Eigenvalues of so little of the largest are none."""


def together(transactions: Csr) -> Csr:
    """Return products × products: how many baskets hold both; nothing on the diagonal."""
    both = sparse.csr_array(transactions.T @ transactions)
    both.setdiag(0)
    both.eliminate_zeros()
    both.sort_indices()
    return both


def log_lifts(both: Csr, counts: Doubles, baskets: int) -> Csr:
    """Return log(n · n_ij / (n_i · n_j)) · n_ij / (n_ij + 3) of the pairs that were bought together.

    Args:
        both: n_ij, see `together`.
        counts: n_i, baskets that hold each product.
        baskets: n.
    """
    pairs = both.tocoo()
    lifts = np.log(pairs.data.astype(np.float64) * baskets / (counts[pairs.row] * counts[pairs.col]))
    shrunk = lifts * pairs.data / (pairs.data + PRIOR)
    return sparse.csr_array((shrunk, (pairs.row, pairs.col)), shape=both.shape)


def factors_of(lifts: Csr, dims: int) -> tuple[Floats, Floats]:
    """Return F and signs s with F·diag(s)·Fᵀ nearest to a symmetric matrix: its largest eigenvalues.

    Negative ones are what sets complements apart from likeness: bread goes with butter, but not with bread.

    Returns:
        products × dims, a row of zeros for a product that was never bought, and dims of 1 and -1. Fewer
        columns come of fewer products.
    """
    n_items = lifts.shape[0]
    dims = min(dims, n_items - 2)
    if dims < 1 or not lifts.nnz:
        return np.zeros((n_items, 1), np.float32), np.ones(1, np.float32)
    # Always from the same start: the same bytes at every run.
    values, vectors = eigsh(lifts.astype(np.float64), k=dims, which="LM", v0=np.ones(n_items), tol=1e-4)
    largest = np.argsort(-np.abs(values), kind="stable")
    largest = largest[np.abs(values[largest]) > _NOTHING * np.abs(values).max()]
    values, vectors = values[largest], vectors[:, largest]
    # The sign of an eigenvector is an accident: the largest entry of each is made positive.
    vectors *= np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(len(largest))])
    factors = vectors * np.sqrt(np.abs(values))
    return factors.astype(np.float32), np.sign(values).astype(np.float32)
