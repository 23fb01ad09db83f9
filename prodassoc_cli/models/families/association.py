"""Association: what is bought with the products of the history, also where nobody has bought them yet."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from prodassoc_cli.association.learning import DIMS, MOSTLY, learn_factors
from prodassoc_cli.declare import setting
from prodassoc_cli.models import similarity
from prodassoc_cli.models.base import Explanation, Queries, Recommender, Why
from prodassoc_cli.models.data import Csr, TrainingData, binary
from prodassoc_cli.models.newcomers import Newcomers, lengthened
from prodassoc_cli.numerics.arrays import Bools, Floats, Ints


@dataclass(frozen=True)
class AssociationParameters:
    """Parameters of association."""

    dims: int = setting(DIMS, "Numbers per product", metavar="N", low=2, high=1024)


class Association(Recommender):
    """Naive Bayes over expected lifts: log P(j) + the mean over the history of log lift(h, j).

    The expected log-lift of two products is a multiple of the dot product of their factors, which come of the
    baskets, of the text, or of both; see `association.learning`.
    """

    name = "association"
    Parameters = AssociationParameters
    needs_events = False
    names_pairs = True
    knows_cold = True
    learned = ("vectors", "signs", "own", "near", "log_share", "scale")

    def fit(self, data: TrainingData, seed: int, threads: int) -> None:
        """Learn the factors of the products from the baskets, or from what users have, and from the texts."""
        transactions = binary(data.transactions)
        found = learn_factors(transactions, data.embeddings, seed, dims=self.parameters.dims)
        counts = np.bincount(transactions.indices, minlength=data.n_items)
        self.vectors, self.signs = found.vectors, found.signs
        self.own, self.near = found.own, found.near
        self.scale = np.array([found.scale])
        self.log_share = np.log((counts + 0.5) / (transactions.shape[0] + 1)).astype(np.float32)
        self._learned = found.facts
        self.prepare()

    def prepare(self) -> None:
        """Note which products have factors."""
        if not len(self.vectors) == len(self.own) == len(self.near) == len(self.log_share):
            raise ValueError("the factors do not fit the products")
        self.placed = self.vectors.any(axis=1)
        self._weights = self.signs * np.float32(self.scale[0])

    @property
    def expecting(self) -> Bools:
        """Which products were bought so rarely that what goes with them is expected rather than counted."""
        found: Bools = self.near[:, 0] >= 0
        return found

    def log_lifts(self, sources: Ints) -> Floats:
        """Return len(sources) × products of expected log-lifts."""
        return (self.vectors[sources] * self._weights) @ self.vectors.T

    def score(self, queries: Queries, threads: int) -> Floats:
        """Return log P(j) + the mean expected log-lift; -inf for products without factors."""
        history = binary(queries.history)
        mean = similarity.scaled(history, rows=similarity.inverse_power(similarity.degrees(history), 1.0))
        profile = np.asarray(mean @ self.vectors, np.float32) * self._weights
        scores = similarity.dense_product(profile, self.vectors, threads)
        scores += self.log_share
        scores[:, ~self.placed] = -np.inf
        scores[~profile.any(axis=1)] = -np.inf
        return scores

    def explain(self, queries: Queries, items: Ints, threads: int) -> Explanation:
        """Name the product of the history that is expected to go best with each, or one like it."""
        nearest = self._best_of_history(binary(queries.history), items)
        expected = self.expected(nearest, items)
        together = Explanation.of(Why.BOUGHT_TOGETHER, items, others=nearest)
        return expected.where(self._is_expected(nearest, items), together)

    def expected(self, sources: Ints, items: Ints) -> Explanation:
        """Return why each item is expected to go with its source: one like it was bought with the other.

        Args:
            sources: lists × slots of products; -1: none.
            items: lists × slots of products; -1: none.
        """
        source, item = np.maximum(sources, 0), np.maximum(items, 0)
        # The one of the two that needs another's experience, and the one that it is bought with.
        lent = np.where(self.own[source] <= self.own[item], source, item)
        partner = np.where(lent == source, item, source)
        near = self.near[lent]
        partners = self.vectors[partner] * self._weights
        likely = np.einsum("lskd,lsd->lsk", self.vectors[np.maximum(near, 0)], partners)
        likely[(near < 0) | (near == partner[:, :, None])] = -np.inf
        best = np.take_along_axis(near, likely.argmax(axis=2)[:, :, None], axis=2)[:, :, 0]
        known = (sources >= 0) & (items >= 0) & np.isfinite(likely.max(axis=2))
        found = Explanation.of(Why.EXPECTED, items, others=np.where(known, best, -1))
        found.others[:, :, 1] = np.where(known, partner, -1)
        sources_vectors = self.vectors[source] * self._weights
        lift = np.exp(np.einsum("lsd,lsd->ls", sources_vectors, self.vectors[item]))
        found.value[:] = np.where(known, lift, np.nan)
        return found

    def _best_of_history(self, history: Csr, items: Ints) -> Ints:
        """Return the product of each history that is expected to go best with each item; -1 for none."""
        sizes = np.diff(history.indptr)
        listed = np.maximum(items, 0)
        best = np.full(items.shape, -np.inf, np.float32)
        found = np.full(items.shape, -1, np.int32)
        for place in range(int(sizes.max(initial=0))):  # the first product of every history, then the second
            rows = np.flatnonzero(sizes > place)
            own = history.indices[history.indptr[rows] + place]
            lifts = np.einsum("rd,rsd->rs", self.vectors[own] * self._weights, self.vectors[listed[rows]])
            better = (lifts > best[rows]) & (items[rows] >= 0)
            best[rows] = np.where(better, lifts, best[rows])
            found[rows] = np.where(better, own[:, None], found[rows])
        return found

    def _is_expected(self, sources: Ints, items: Ints) -> Bools:
        own = np.minimum(self.own[np.maximum(sources, 0)], self.own[np.maximum(items, 0)])
        found: Bools = own < MOSTLY
        return found

    def admit(self, newcomers: Newcomers, threads: int) -> Self:
        """Lend the new products the factors of the bought ones nearest by text; they are as rare as any."""
        admitted = copy(self)
        found, shares = newcomers.lenders(self.placed & (self.own >= MOSTLY), threads)
        lent = np.einsum("nl,nld->nd", shares, self.vectors[np.maximum(found, 0)])
        admitted.vectors = np.concatenate([self.vectors, lent])
        admitted.own = lengthened(self.own, newcomers.count)
        admitted.near = np.concatenate([self.near, found[:, : self.near.shape[1]]])
        admitted.log_share = lengthened(self.log_share, newcomers.count, float(self.log_share.min()))
        admitted.prepare()
        return admitted

    def facts(self) -> dict[str, Any]:
        """Return what was learned on the inner split."""
        return self._learned | {"expecting": int(self.expecting.sum())}
