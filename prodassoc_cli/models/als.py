"""als: factors of users and products by alternating least squares over bought and not bought alike (iALS)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prodassoc_cli.models import kernels, similar
from prodassoc_cli.models.als_kernel import largest_shares, solve_rows
from prodassoc_cli.models.base import Arrays, Evidence, Queries, Recommender, Why
from prodassoc_cli.models.data import Csr, Floats, Ints, TrainingData, binary
from prodassoc_cli.settings import setting

_EXACT_STEPS, _EXACT = 200, 1e-8


@dataclass(frozen=True)
class AlsParameters:
    """Parameters of als."""

    factors: int = setting(128, "Length of the vectors", metavar="N", low=1, high=2_048)
    epochs: int = setting(12, "Times users and products are solved in turn", metavar="N", low=1, high=1_000)
    unobserved: float | None = setting(
        None, "Weight of a product not bought, beside 1 for one bought [default: 10 times the density]",
        low=1e-6, high=10.0,
    )  # fmt: skip
    ridge: float = setting(
        0.06, "Pull of the vectors towards zero, as a share of a row's average length", low=1e-9, high=1e3
    )
    frequency: float = setting(
        1.0, "How the pull grows with how much a user or product has", low=0.0, high=2.0
    )
    steps: int = setting(
        3, "Steps of conjugate gradients each time a vector is solved for", metavar="N", low=1, high=100
    )


class Als(Recommender):
    """Minimises Σ_bought (1 - p_u·q_i)² + α·Σ_all (p_u·q_i)² + λ·(Σ_u f_u^ν |p_u|² + Σ_i f_i^ν |q_i|²) / m.

    This is iALS with the regularisation scaled by frequency of Rendle et al. (2022), f_u = n_u + α·(number of
    products) and the same for products, α `unobserved` and ν `frequency`; m is the mean of f^ν over the mean
    number of entries of a user or product, without which λ would mean something else on each data set. Each
    half turns both sides to the
    eigenvectors of the other side's Gram matrix: there the part of the system that all rows share is
    diagonal, so that a step of conjugate gradients costs a row's own entries only, and the diagonal
    preconditions it well. Users are not stored: the vector of a user, a basket and a product is solved from
    its history by the same equations.
    """

    name = "als"
    Parameters = AlsParameters
    products: Floats
    spectrum: Floats

    def fit(self, data: TrainingData, seed: int, threads: int) -> None:
        """Solve for users and products in turn."""
        own = self.parameters
        rows = binary(data.rows)
        columns = rows.T.tocsr()
        density = rows.nnz / max(1, rows.shape[0] * rows.shape[1])
        self.unobserved = min(1.0, 10 * density) if own.unobserved is None else own.unobserved
        self.unit = 1.0
        pulls = np.concatenate([self._pulls(rows), self._pulls(columns)])
        self.unit = 2 * rows.nnz / float(pulls.sum())
        rng = np.random.default_rng(seed)
        shape = (rows.shape[1], own.factors)
        products = (rng.standard_normal(shape) * (0.1 / np.sqrt(own.factors))).astype(np.float32)
        users = np.zeros((rows.shape[0], own.factors), np.float32)
        for _ in range(own.epochs):
            products, users = self._half(rows, products, users, threads)
            users, products = self._half(columns, users, products, threads)
        products[np.diff(columns.indptr) == 0] = 0
        self.products, self.spectrum, _ = self._turned(products, np.zeros((0, own.factors), np.float32))

    def _turned(self, fixed: Floats, free: Floats) -> tuple[Floats, Floats, Floats]:
        """Return both sides along the eigenvectors of α·fixedᵀ·fixed, with its eigenvalues between."""
        gram = (fixed.T @ fixed).astype(np.float64) * self.unobserved
        values, turn = np.linalg.eigh(gram)
        turn32 = turn.astype(np.float32)
        return fixed @ turn32, np.maximum(values, 0).astype(np.float32), free @ turn32

    def _half(self, entries: Csr, fixed: Floats, free: Floats, threads: int) -> tuple[Floats, Floats]:
        """Return the fixed side turned, and the free side (a row an entry row) solved for a bit further."""
        fixed, spectrum, free = self._turned(fixed, free)
        out = np.ascontiguousarray(free)
        arguments = self._system(entries, fixed, spectrum, self.parameters.steps, 1e-10)
        kernels.over_rows(solve_rows, entries.shape[0], threads, *arguments, out)
        return fixed, out

    def _system(
        self, entries: Csr, vectors: Floats, spectrum: Floats, steps: int, tolerance: float
    ) -> tuple[Any, ...]:
        pattern = kernels.csr_arrays(entries)[:2]
        ridges = (self.parameters.ridge * self._pulls(entries)).astype(np.float32)
        dense = (kernels.ready(vectors, np.float32), kernels.ready(spectrum, np.float32))
        return (*pattern, *dense, ridges, steps, tolerance)

    def _pulls(self, entries: Csr) -> NDArray[np.float64]:
        frequency = np.diff(entries.indptr) + self.unobserved * entries.shape[1]
        return np.asarray(frequency**self.parameters.frequency * self.unit)

    def score(self, queries: Queries, threads: int) -> Floats:
        """Return the products of the vectors; -inf for products nobody has and for an empty history."""
        history = binary(queries.history)
        vectors = np.zeros((len(queries), self.products.shape[1]), np.float32)
        arguments = self._system(history, self.products, self.spectrum, _EXACT_STEPS, _EXACT)
        kernels.over_rows(solve_rows, len(queries), threads, *arguments, vectors)
        scores = similar.dense_product(vectors, self.products, threads)
        scores[:, ~self.products.any(axis=1)] = -np.inf
        scores[~vectors.any(axis=1)] = -np.inf
        return scores

    def explain(self, queries: Queries, items: Ints, threads: int) -> Evidence:
        """Name the product of the history that gave most of the score (Hu et al., 2008)."""
        sources = np.empty(items.shape, np.int32)
        arguments = self._system(binary(queries.history), self.products, self.spectrum, _EXACT_STEPS, _EXACT)
        wanted = kernels.ready(items, np.int32)
        kernels.over_rows(largest_shares, items.shape[0], threads, *arguments, wanted, sources)
        return Evidence.of(Why.TASTE, items, others=sources)

    def arrays(self) -> Arrays:
        """Return the products' vectors, the eigenvalues of their Gram matrix and what scales the pulls."""
        scales = np.array([self.unobserved, self.unit])
        return {"products": self.products, "spectrum": self.spectrum, "scales": scales}

    def restore(self, arrays: Arrays, n_items: int) -> None:
        """Take back the vectors."""
        self.products, self.spectrum = arrays["products"], arrays["spectrum"]
        self.unobserved, self.unit = arrays["scales"].tolist()
        if self.products.shape != (n_items, len(self.spectrum)):
            raise ValueError("the vectors do not fit the products")
