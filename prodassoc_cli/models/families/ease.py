"""EASE: each product as a ridge regression on all others, in closed form; sparse where there are too many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from prodassoc_cli.declare import SearchRange, setting
from prodassoc_cli.errors import BadData
from prodassoc_cli.models import similarity
from prodassoc_cli.models.base import Explanation, Queries, Recommender, Why
from prodassoc_cli.models.data import Csr, TrainingData, binary
from prodassoc_cli.models.kernels.dispatch import csr_arrays, over_rows
from prodassoc_cli.models.storage.packing import Arrays
from prodassoc_cli.numerics.arrays import Floats, Ints, Longs

_GRAM_ENTRIES = 2_000
"""Counts kept per product where the Gram matrix is sparse."""

_RIDGE = 3.5


@dataclass(frozen=True)
class EaseParameters:
    """Parameters of ease."""

    ridge: float | None = setting(
        None, "Pull of the weights towards zero [default: 3.5 times the purchases of a mean product]",
        low=1e-3, high=1e9, tuned=SearchRange(10, 2000, log=True),
    )  # fmt: skip
    degree: float = setting(
        0.1, "How much a product's popularity counts against it, and that of what was bought for it",
        low=0.0, high=1.0, tuned=SearchRange(0, 0.3),
    )  # fmt: skip
    max_products: int = setting(
        8_000, "Products up to which all weights are kept: 8 bytes times its square", metavar="N", low=1
    )
    neighbours: int = setting(
        100, "Products each one is regressed on where there are more", metavar="N", low=1, high=2_000
    )


class Ease(Recommender):
    """B = I - P·diag(P)⁻¹ with P = (XᵀX + λI)⁻¹ (EASE^R, Steck, 2019); a user's score of j is Σ_i x_i B_ij.

    Column j of B is the ridge regression of product j on all others, itself left out. Beyond `max_products`
    it is regressed on its `neighbours` most similar products only (by cosine), as in fsSLIM (Ning and
    Karypis, 2011): the same numbers where all products are neighbours.

    The weights kept are D^β·B·D^-β with D the buyers of each product and β the degree: as the filters of
    `spectral` do, they hold back what is popular anyway.
    """

    name = "ease"
    Parameters = EaseParameters
    learned = ("known", "weights")
    by_product = ("weights",)
    fit_kernels = ("ease",)
    weights: Floats | Csr

    def fit(self, data: TrainingData, seed: int, threads: int) -> None:
        """Solve for the weights, dense or restricted."""
        x = binary(data.rows)
        self.known = (np.bincount(x.indices, minlength=x.shape[1]) > 0).astype(np.uint8)
        ridge = self.parameters.ridge
        if ridge is None:
            ridge = _RIDGE * x.nnz / max(1, int(self.known.sum()))
        if x.shape[1] <= self.parameters.max_products:
            self.weights = dense_weights(x, ridge)
        else:
            self.weights = sparse_weights(x, ridge, self.parameters.neighbours, threads)
        self._hold_back(np.bincount(x.indices, minlength=x.shape[1]))

    def _hold_back(self, buyers: Longs) -> None:
        """Scale the weights by the degrees of both products."""
        own = np.maximum(buyers, 1).astype(np.float32)
        degree = self.parameters.degree
        against, towards = similarity.inverse_power(own, degree), similarity.inverse_power(own, -degree)
        if isinstance(self.weights, np.ndarray):
            self.weights *= towards[:, None]
            self.weights *= against
        else:
            self.weights = similarity.scaled(self.weights, rows=towards, columns=against)

    def score(self, queries: Queries, threads: int) -> Floats:
        """Return the sums of weights; -inf for products nobody has and for an empty history."""
        history = binary(queries.history)
        if isinstance(self.weights, np.ndarray):
            scores = np.asarray(history @ self.weights, np.float32)
            scores[np.diff(history.indptr) == 0] = -np.inf
        else:
            scores = similarity.scores_from(history, self.weights, threads)
        scores[:, self.known == 0] = -np.inf
        return scores

    def explain(self, queries: Queries, items: Ints, threads: int) -> Explanation:
        """Name the product of the history with the largest weight."""
        history = binary(queries.history)
        if isinstance(self.weights, np.ndarray):
            sources, terms = _best_dense_terms(history, self.weights, items)
        else:
            sources, terms = similarity.main_terms(history, self.weights, items, threads)
        return Explanation.of(Why.TASTE, items, others=np.where(terms > 0, sources, -1))

    def restore(self, arrays: Arrays, n_items: int) -> None:
        """Take back the weights."""
        super().restore(arrays, n_items)
        if self.weights.shape != (n_items, n_items) or len(self.known) != n_items:
            raise ValueError("the weights do not fit the products")

    def facts(self) -> dict[str, Any]:
        """Return whether the weights are all there, or restricted to neighbours."""
        if isinstance(self.weights, np.ndarray):
            return {"weights": "exact"}
        return {"weights": f"restricted to {self.parameters.neighbours} neighbours", "kept": self.weights.nnz}


def dense_weights(x: Csr, ridge: float) -> Floats:
    """Return items × items of B, its diagonal 0, by one Cholesky inverse in place.

    Raises:
        BadData: the Gram matrix cannot be inverted: the ridge is too small for it.
    """
    from scipy.linalg import lapack  # to recommend takes none of it

    gram = np.asfortranarray((x.T @ x).toarray(), np.float64)
    gram[np.diag_indices_from(gram)] += ridge
    factor, failed = lapack.dpotrf(gram, lower=1, overwrite_a=1)
    inverse, failed_too = lapack.dpotri(factor, lower=1, overwrite_c=1)
    if failed or failed_too:
        raise BadData("ease: the regression has no solution", "raise its ridge: `param=ridge=400`")
    # Only the lower half is filled; row i of the result is over its columns j < i, and the other way round.
    diagonal = inverse.diagonal().copy()
    weights = np.tril(inverse, -1).astype(np.float32)
    weights += weights.T
    weights /= -diagonal.astype(np.float32)
    return np.ascontiguousarray(weights)


def sparse_weights(x: Csr, ridge: float, neighbours: int, threads: int) -> Csr:
    """Return items × items of B, where each column has the item's nearest neighbours only."""
    n_items = x.shape[1]
    by_item = x.T.tocsr()
    popularity = np.diff(by_item.indptr).astype(np.float32)
    gram = similarity.top_k_product(by_item, x, _GRAM_ENTRIES, threads, excluded=np.arange(n_items))
    near = similarity.top_k_product(
        by_item,
        x,
        neighbours,
        threads,
        column_scale=similarity.inverse_power(popularity, 0.5),
        excluded=np.arange(n_items),
    )
    from prodassoc_cli.models.kernels.ease import restricted_ridge

    values = np.zeros(near.nnz, np.float32)
    over_rows(
        restricted_ridge,
        n_items,
        threads,
        *csr_arrays(near)[:2],
        *csr_arrays(gram),
        popularity,
        float(ridge),
        values,
    )
    near.data = values
    weights = near.T.tocsr()
    weights.eliminate_zeros()
    weights.sort_indices()
    return weights


def _best_dense_terms(history: Csr, weights: Floats, items: Ints) -> tuple[Ints, Floats]:
    """Return, for each listed item, the history entry with the largest weight, and the weight; -1: none."""
    sources = np.full(items.shape, -1, np.int32)
    terms = np.zeros(items.shape, np.float32)
    slots = np.maximum(items, 0)
    rows: Longs = np.flatnonzero(np.diff(history.indptr))
    for row in rows:
        own = history.indices[history.indptr[row] : history.indptr[row + 1]]
        found = weights[own[:, None], slots[row][None]]
        best = found.argmax(axis=0)
        sources[row] = own[best]
        terms[row] = found[best, np.arange(items.shape[1])]
    terms[items < 0] = 0
    return sources, terms
