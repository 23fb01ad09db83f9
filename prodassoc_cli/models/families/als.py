"""als: factors of users and products by alternating least squares over bought and not bought alike (iALS)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from prodassoc_cli.declare import SearchRange, setting
from prodassoc_cli.models import similarity
from prodassoc_cli.models.base import Explanation, Queries, Recommender, Why
from prodassoc_cli.models.data import Csr, TrainingData, binary
from prodassoc_cli.models.kernels.dispatch import FEW, csr_arrays, over_rows, ready
from prodassoc_cli.models.storage.packing import Arrays
from prodassoc_cli.numerics.arrays import Doubles, Floats, Ints, Longs

_EXACT_STEPS, _EXACT = 200, 1e-8


@dataclass(frozen=True)
class AlsParameters:
    """Parameters of als."""

    unobserved: float | None = setting(
        None, "Weight of a product not bought, beside 1 for one bought [default: 10 times the density]",
        low=1e-6, high=10.0, tuned=SearchRange(0.001, 1, log=True),
    )  # fmt: skip
    ridge: float = setting(
        0.06, "Pull of the vectors towards zero, as a share of a row's average length", low=1e-9, high=1e3,
        tuned=SearchRange(0.01, 0.4, log=True),
    )  # fmt: skip
    frequency: float = setting(
        1.0, "How the pull grows with how much a user or product has", low=0.0, high=2.0,
        tuned=SearchRange(0, 1.2),
    )  # fmt: skip
    factors: int = setting(
        128, "Length of the vectors", metavar="N", low=1, high=2_048, tuned=SearchRange(32, 256, log=True)
    )
    epochs: int = setting(12, "Times users and products are solved in turn", metavar="N", low=1, high=1_000)
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
    judges = True
    Parameters = AlsParameters
    fit_kernels = serve_kernels = ("als",)  # a user is solved for when asked for
    learned = ("products", "spectrum")
    products: Floats
    spectrum: Floats
    factorize: Callable[[Csr, int, int], Floats] | None = None
    """Finds the vectors of the products from users × products, seed and threads; None to do so here."""

    def fit(self, data: TrainingData, seed: int, threads: int) -> None:
        """Find the vectors of the products, and turn them so that solving for users is cheap."""
        own = self.parameters
        rows = binary(data.rows)
        density = rows.nnz / max(1, rows.shape[0] * rows.shape[1])
        self.unobserved = min(1.0, 10 * density) if own.unobserved is None else own.unobserved
        self.unit = 1.0
        pulls = np.concatenate([self._pulls(rows), self._pulls(rows.T.tocsr())])
        self.unit = 2 * rows.nnz / float(pulls.sum())
        products = (self.factorize or self._alternate)(rows, seed, threads)
        products[np.bincount(rows.indices, minlength=len(products)) == 0] = 0
        self.products, self.spectrum, _ = self._turned(products, np.zeros((0, own.factors), np.float32))
        self.prepare()

    def prepare(self) -> None:
        """Note which products somebody has."""
        self._bought = np.asarray(self.products.any(axis=1))

    def _alternate(self, rows: Csr, seed: int, threads: int) -> Floats:
        """Solve for users and products in turn; return the vectors of the products."""
        own, columns = self.parameters, rows.T.tocsr()
        rng = np.random.default_rng(seed)
        shape = (rows.shape[1], own.factors)
        products = (rng.standard_normal(shape) * (0.1 / np.sqrt(own.factors))).astype(np.float32)
        users = np.zeros((rows.shape[0], own.factors), np.float32)
        for _ in range(own.epochs):
            products, users = self._half(rows, products, users, threads)
            users, products = self._half(columns, users, products, threads)
        return products

    def _turned(self, fixed: Floats, free: Floats) -> tuple[Floats, Floats, Floats]:
        """Return both sides along the eigenvectors of α·fixedᵀ·fixed, with its eigenvalues between."""
        gram = (fixed.T @ fixed).astype(np.float64) * self.unobserved
        values, turn = np.linalg.eigh(gram)
        turn32 = turn.astype(np.float32)
        return fixed @ turn32, np.maximum(values, 0).astype(np.float32), free @ turn32

    def _half(self, entries: Csr, fixed: Floats, free: Floats, threads: int) -> tuple[Floats, Floats]:
        """Return the fixed side turned, and the free side (a row per entry row) solved for a bit further."""
        from prodassoc_cli.models.kernels.als import solve_rows  # numba, which a basket's answer goes without

        fixed, spectrum, free = self._turned(fixed, free)
        out = np.ascontiguousarray(free)
        arguments = self._system(entries, fixed, spectrum, self.parameters.steps, 1e-10)
        over_rows(solve_rows, entries.shape[0], threads, *arguments, out)
        return fixed, out

    def _system(
        self, entries: Csr, vectors: Floats, spectrum: Floats, steps: int, tolerance: float
    ) -> tuple[Any, ...]:
        pattern = csr_arrays(entries)[:2]
        ridges = (self.parameters.ridge * self._pulls(entries)).astype(np.float32)
        dense = (ready(vectors, np.float32), ready(spectrum, np.float32))
        return (*pattern, *dense, ridges, steps, tolerance)

    def _pulls(self, entries: Csr) -> Doubles:
        frequency = np.diff(entries.indptr) + self.unobserved * entries.shape[1]
        return np.asarray(frequency**self.parameters.frequency * self.unit)

    def score(self, queries: Queries, threads: int) -> Floats:
        """Return the products of the vectors; -inf for products nobody has and for an empty history."""
        vectors = self._vectors(binary(queries.history), threads)
        scores = similarity.dense_product(vectors, self.products, threads)
        scores[:, ~self._bought] = -np.inf
        scores[~vectors.any(axis=1)] = -np.inf
        return scores

    def score_pairs(self, queries: Queries, indptr: Longs, items: Ints, threads: int) -> Floats:
        """Return what `score` has for some products of each row."""
        vectors = self._vectors(binary(queries.history), threads)
        scores = similarity.pair_products(vectors, self.products, indptr, items, threads)
        empty = np.repeat(~vectors.any(axis=1), np.diff(indptr))
        scores[~self._bought[items] | empty] = -np.inf
        return scores

    def _vectors(self, history: Csr, threads: int) -> Floats:
        """Return the vector of each history; of a few by numpy, for which no kernel need be loaded."""
        vectors = np.zeros((history.shape[0], self.products.shape[1]), np.float32)
        if len(vectors) <= FEW:
            for row, (members, matrix) in enumerate(self._few_systems(history)):
                vectors[row] = np.linalg.solve(matrix, members.sum(axis=0))
            return vectors
        from prodassoc_cli.models.kernels.als import solve_rows

        arguments = self._system(history, self.products, self.spectrum, _EXACT_STEPS, _EXACT)
        over_rows(solve_rows, len(vectors), threads, *arguments, vectors)
        return vectors

    def _few_systems(self, history: Csr) -> Iterator[tuple[Doubles, Doubles]]:
        """Yield the vectors of each row's entries and the matrix diag(spectrum + ridge) + Σ v·vᵀ."""
        ridges = self.parameters.ridge * self._pulls(history)
        for row, ridge in enumerate(ridges):
            entries = history.indices[history.indptr[row] : history.indptr[row + 1]]
            members = self.products[entries].astype(np.float64)
            yield members, np.diag(self.spectrum.astype(np.float64) + ridge) + members.T @ members

    def _few_shares(self, history: Csr, items: Ints) -> Ints:
        """Do what the kernel `largest_shares` does."""
        sources = np.full(items.shape, -1, np.int32)
        for row, (members, matrix) in enumerate(self._few_systems(history)):
            entries = history.indices[history.indptr[row] : history.indptr[row + 1]]
            if not len(entries):
                continue
            wanted = self.products[np.maximum(items[row], 0)].astype(np.float64)
            terms = wanted @ np.linalg.solve(matrix, members.T)
            terms[items[row][:, None] == entries] = 0
            found = (terms.max(axis=1) > 0) & (items[row] >= 0)
            sources[row] = np.where(found, entries[terms.argmax(axis=1)], -1)
        return sources

    def explain(self, queries: Queries, items: Ints, threads: int) -> Explanation:
        """Name the product of the history that gave most of the score (Hu et al., 2008)."""
        history = binary(queries.history)
        if len(queries) <= FEW:
            return Explanation.of(Why.TASTE, items, others=self._few_shares(history, items))
        from prodassoc_cli.models.kernels.als import largest_shares

        sources = np.empty(items.shape, np.int32)
        arguments = self._system(history, self.products, self.spectrum, _EXACT_STEPS, _EXACT)
        wanted = ready(items, np.int32)
        over_rows(largest_shares, items.shape[0], threads, *arguments, wanted, sources)
        return Explanation.of(Why.TASTE, items, others=sources)

    def arrays(self) -> Arrays:
        """Return the products' vectors, the eigenvalues of their Gram matrix and what scales the pulls."""
        return super().arrays() | {"scales": np.array([self.unobserved, self.unit])}

    def restore(self, arrays: Arrays, n_items: int) -> None:
        """Take back the vectors."""
        super().restore(arrays, n_items)
        self.unobserved, self.unit = arrays["scales"].tolist()
        if self.products.shape != (n_items, len(self.spectrum)):
            raise ValueError("the vectors do not fit the products")
