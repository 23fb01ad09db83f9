"""mf: the neural embedding model. User vector times product vector gives a purchase's probability."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from prodassoc_cli.declare import SearchRange, setting
from prodassoc_cli.models import similarity
from prodassoc_cli.models.base import Explanation, Queries, Recommender, Why
from prodassoc_cli.models.data import TrainingData, binary
from prodassoc_cli.models.kernels.dispatch import csr_arrays
from prodassoc_cli.numerics.arrays import Floats, Ints

_FOLD_IN_RIDGE = 1.0


@dataclass(frozen=True)
class MfParameters:
    """Parameters of mf."""

    learning_rate: float = setting(
        0.004, "Step of Adam", low=1e-6, high=1.0, tuned=SearchRange(0.001, 0.02, log=True)
    )
    decay: float = setting(
        0.01, "Pull of the vectors towards zero", low=0.0, high=1.0, tuned=SearchRange(0.001, 0.1, log=True)
    )
    epochs: int = setting(
        10, "Passes over the purchases", metavar="N", low=1, high=1_000, tuned=SearchRange(5, 30)
    )
    factors: int = setting(64, "Length of the vectors", metavar="N", low=1, high=1_024)
    negatives: int = setting(
        4, "Products not bought, drawn for each one bought", metavar="N", low=1, high=100
    )


class Mf(Recommender):
    """P(u buys j) = sigmoid(p_u·q_j + b_j), by binary cross-entropy on sampled negatives and Adam.

    The probability is that of telling a purchase from `negatives` random products. A history that is no
    trained user's gets its vector from the mean of its products' vectors, by a linear map fitted on the
    trained users (ridge regression).
    """

    name = "mf"
    Parameters = MfParameters
    fit_kernels = ("mf",)
    learned = ("users", "products", "biases", "fold_in")
    losses: Sequence[float] = ()
    users: Floats
    products: Floats
    biases: Floats
    fold_in: Floats

    def fit(self, data: TrainingData, seed: int, threads: int) -> None:
        """Learn the vectors on one thread: the order of the steps decides the result."""
        from prodassoc_cli.models.kernels.mf import adam_epoch  # to recommend takes no numba

        settings = self.parameters
        rows = binary(data.rows)
        rng = np.random.default_rng(seed)
        width = settings.factors

        def vectors(n: int) -> Floats:
            return (rng.standard_normal((n, width)) / width**0.5 * 0.3).astype(np.float32)

        users, products = vectors(rows.shape[0]), vectors(rows.shape[1])
        biases = np.zeros(rows.shape[1], np.float32)
        moments = [np.zeros_like(each) for each in (users, users, products, products, biases, biases)]
        owner = np.repeat(np.arange(rows.shape[0], dtype=np.int32), np.diff(rows.indptr))
        indptr, indices, _ = csr_arrays(rows)
        losses: list[float] = []
        for epoch in range(settings.epochs):
            order = rng.permutation(rows.nnz)
            # The step shrinks to a tenth, so that the vectors come to rest.
            rate = settings.learning_rate * (1 - 0.9 * epoch / max(1, settings.epochs - 1))
            loss = adam_epoch(
                order,
                owner,
                indptr,
                indices,
                users,
                products,
                biases,
                *moments,
                settings.negatives,
                rate,
                settings.decay,
                epoch * rows.nnz,
                np.uint64(rng.integers(1, 2**62)),
            )
            losses.append(round(float(loss), 6))
        self.losses = losses
        means = self._means(rows, products)
        gram = (means.T @ means).astype(np.float64) + _FOLD_IN_RIDGE * np.eye(width + 1)
        self.fold_in = np.linalg.solve(gram, (means.T @ users).astype(np.float64)).astype(np.float32)
        self.users, self.products, self.biases = users[: data.n_users].copy(), products, biases

    @staticmethod
    def _means(history: Any, products: Floats) -> Floats:  # noqa: ANN401 — a sparse matrix
        scale = similarity.inverse_power(similarity.degrees(history), 0.5)
        return np.column_stack(
            [np.asarray(similarity.scaled(history, rows=scale) @ products), scale > 0]
        ).astype(np.float32)

    def _vectors(self, queries: Queries) -> Floats:
        folded = self._means(binary(queries.history), self.products) @ self.fold_in
        trained = queries.users >= 0
        folded[trained] = self.users[queries.users[trained]]
        return folded

    def score(self, queries: Queries, threads: int) -> Floats:
        """Return the probabilities; -inf for an empty history."""
        logits = similarity.dense_product(self._vectors(queries), self.products, threads)
        logits += self.biases
        np.negative(logits, out=logits)
        np.exp(logits, out=logits)
        logits += 1
        np.reciprocal(logits, out=logits)
        logits[np.diff(queries.history.indptr) == 0] = -np.inf
        return logits

    def explain(self, queries: Queries, items: Ints, threads: int) -> Explanation:
        """Name the product of the history whose vector is nearest, unless the bias says more."""
        near, _ = similarity.nearest_terms(binary(queries.history), self.products, items, threads)
        slots = np.maximum(items, 0)
        dots = np.einsum("rf,rsf->rs", self._vectors(queries), self.products[slots])
        return Explanation.of(Why.TASTE, items, others=np.where(dots > self.biases[slots], near, -1))

    def facts(self) -> dict[str, Any]:
        """Return the cross-entropy of the first and the last epoch."""
        return {"loss_first": self.losses[0], "loss_last": self.losses[-1]} if self.losses else {}
