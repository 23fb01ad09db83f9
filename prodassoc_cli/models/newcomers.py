"""Products that came after the training: lent what products with like texts have learned."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
from scipy import sparse

from prodassoc_cli.models import similarity
from prodassoc_cli.models.base import Explanation, Queries, Recommender
from prodassoc_cli.models.data import Csr, Items, TrainingData, csr_of
from prodassoc_cli.numerics.arrays import Bools, Floats, Ints, Longs


@dataclass(frozen=True)
class Newcomers:
    """Products that a model was not trained with. They stand behind those it knows, which keep their places.

    Attributes:
        items: the products that the model knows, then the new ones.
        known: how many it knows.
        vectors: products × d of length 1, zeros where a product has no text.
    """

    items: Items
    known: int
    vectors: Floats

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.items) - self.known

    def lenders(self, allowed: Bools, threads: int) -> tuple[Ints, Floats]:
        """Return for each new product which known ones lend to it, -1 for none, and the share of each.

        Args:
            allowed: which of the known products have something to lend.
            threads: threads to use.
        """
        lending = np.zeros(len(self.items), np.bool_)
        lending[: self.known] = allowed & self.vectors[: self.known].any(axis=1)
        new = np.arange(self.known, len(self.items), dtype=np.int32)
        return similarity.nearest_by_text(self.vectors, new, lending, threads)

    def lent(self, allowed: Bools, threads: int) -> Csr:
        """Return new products × all products of what `lenders` gives."""
        found, shares = self.lenders(allowed, threads)
        row, slot = np.nonzero((found >= 0) & (shares > 0))
        entries = (shares[row, slot], (row, found[row, slot]))
        return csr_of(sparse.csr_array(entries, shape=(self.count, len(self.items))))


def widened(matrix: Csr, columns: int) -> Csr:
    """Return the matrix with empty columns added on the right."""
    return sparse.csr_array((matrix.data, matrix.indices, matrix.indptr), shape=(matrix.shape[0], columns))


def lengthened(values: Floats, count: int, fill: float = 0.0) -> Floats:
    """Return the array with so many rows of one value added at the end."""
    return np.concatenate([values, np.full((count, *values.shape[1:]), fill, values.dtype)])


@runtime_checkable
class Admitting(Protocol):
    """A recommender that can say something of products that came after its training."""

    def admit(self, newcomers: Newcomers, threads: int) -> Recommender:
        """Return it with them. What it says of the products that it knows stays as it was."""


def admit(recommender: Recommender, newcomers: Newcomers, threads: int) -> Recommender:
    """Return the recommender among all products; one that knows nothing of the new ones passes them over."""
    if isinstance(recommender, Admitting):
        return recommender.admit(newcomers, threads)
    return OfKnown(recommender, newcomers)


class OfKnown(Recommender):
    """A fitted recommender that passes over the new products.

    Args:
        of: it.
        newcomers: the products that it does not know.
    """

    name = "of-known"

    def __init__(self, of: Recommender, newcomers: Newcomers) -> None:
        super().__init__(of.parameters)
        self.of, self._known, self._new = of, newcomers.known, newcomers.count
        self.fused, self.adds_up, self.judges = of.fused, of.adds_up, of.judges
        self.names_pairs, self.predicts_ratings = of.names_pairs, of.predicts_ratings
        self.serve_kernels = of.serve_kernels

    def fit(self, data: TrainingData, seed: int, threads: int) -> None:
        """Refuse: it is made of what was fitted before."""
        raise NotImplementedError("what is fitted knows all products")

    def score(self, queries: Queries, threads: int) -> Floats:
        """Return its scores; -inf for the new products."""
        scores = self.of.score(self._narrowed(queries), threads)
        return np.pad(scores, ((0, 0), (0, self._new)), constant_values=-np.inf)

    def score_pairs(self, queries: Queries, indptr: Longs, items: Ints, threads: int) -> Floats:
        """Return its scores of some products; -inf for the new ones."""
        known = items < self._known
        before = np.concatenate([[0], np.cumsum(known)])
        scores = np.full(len(items), -np.inf, np.float32)
        asked = self._narrowed(queries)
        scores[known] = self.of.score_pairs(asked, before[indptr], items[known], threads)
        return scores

    def top_k(self, queries: Queries, k: int, threads: int) -> tuple[Ints, Floats]:
        """Return its best products."""
        return self.of.top_k(self._narrowed(queries), k, threads)

    def explain(self, queries: Queries, items: Ints, threads: int) -> Explanation:
        """Let it say why."""
        known = np.where(items < self._known, items, -1)
        return self.of.explain(self._narrowed(queries), known, threads)

    def _narrowed(self, queries: Queries) -> Queries:
        """Return what the rows have of the known products."""
        known = queries.seen.indices < self._known
        return replace(
            queries,
            history=csr_of(queries.history[:, : self._known]),
            seen=csr_of(queries.seen[:, : self._known]),
            age=queries.age[known],
            allowed=None if queries.allowed is None else queries.allowed[: self._known],
            dismissed=None if queries.dismissed is None else csr_of(queries.dismissed[:, : self._known]),
        )
