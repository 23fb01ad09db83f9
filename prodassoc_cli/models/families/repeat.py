"""Repeat: what a user buys again and again, lately above all, and what those do who buy like it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from scipy import sparse

from prodassoc_cli.declare import setting
from prodassoc_cli.models import similarity
from prodassoc_cli.models.base import Explanation, Queries, Recommender, Why
from prodassoc_cli.models.data import Csr, TrainingData, binary, csr, csr_of
from prodassoc_cli.models.kernels.dispatch import csr_arrays, over_rows, ready
from prodassoc_cli.numerics.arrays import Floats, Ints


@dataclass(frozen=True)
class RepeatParameters:
    """Parameters of repeat."""

    groups: int = setting(7, "Groups that a user's orders are put into, by time", metavar="N", low=1)
    within_decay: float = setting(
        0.9, "How much less an order counts than the next one of its group", low=0.0, high=1.0
    )
    group_decay: float = setting(0.7, "How much less a group counts than the next one", low=0.0, high=1.0)
    neighbours: int = setting(100, "Users taken as neighbours", metavar="N", low=1, high=100_000)
    own: float = setting(0.7, "Share of the user's own orders in the score", low=0.0, high=1.0)


class Repeat(Recommender):
    """TIFU-kNN (Hu et al., 2020): a user is the decayed mean of its orders, and a score a mean of users.

    The orders of a user stand in equally large groups, by time. A group is the mean of its orders, each
    counting `within_decay` times as much as the next; a user is the mean of its groups, each counting
    `group_decay` times as much as the next. The score is own · the user + (1 - own) · the mean of the users
    nearest by cosine. A new basket is a user of one order.
    """

    name = "repeat"
    fused = True
    Parameters = RepeatParameters
    learned = ("habits",)
    habits: Csr

    def fit(self, data: TrainingData, seed: int, threads: int) -> None:
        """Work out the vector of each user."""
        self.habits = habits(data, self.parameters)
        self.prepare()

    def prepare(self) -> None:
        """Turn the users' vectors into directions."""
        self._directions = _unit_rows(self.habits).T.tocsr()

    def _sources(self, queries: Queries, threads: int) -> tuple[Csr, Csr, Csr]:
        """Return rows × sources of weights, sources × items, and rows × users of the neighbours' weights.

        The sources are the rows themselves and then the users.
        """
        own = self._own(queries)
        near = similarity.top_k_product(
            _unit_rows(own), self._directions, self.parameters.neighbours, threads,
            excluded=queries.users.astype(np.int64),
        )  # fmt: skip
        sizes = np.diff(near.indptr).astype(np.float32)
        near.data = np.repeat((1 - self.parameters.own) / np.maximum(sizes, 1), np.diff(near.indptr))
        share = sparse.diags_array(np.full(len(queries), self.parameters.own))
        weights = csr_of(sparse.hstack([share, near], format="csr"))
        return weights, csr_of(sparse.vstack([own, self.habits], format="csr")), csr_of(near)

    def _own(self, queries: Queries) -> Csr:
        """Return the rows' own vectors: as learned, so far as it is in the history, or of one order."""
        history = binary(queries.history)
        if not (queries.users >= 0).any():
            return history
        trained = (queries.users >= 0).astype(np.float32)
        known = self.habits[np.maximum(queries.users, 0)]
        own = csr_of(known.multiply(similarity.scaled(history, rows=trained)))
        return csr_of(own + similarity.scaled(history, rows=1 - trained))

    def score(self, queries: Queries, threads: int) -> Floats:
        """Return the weighted means; -inf where neither the row nor a neighbour has the product."""
        weights, sources, _ = self._sources(queries, threads)
        return _positive(similarity.scores_from(weights, sources, threads))

    def top_k(self, queries: Queries, k: int, threads: int) -> tuple[Ints, Floats]:
        """Return the best of them, of which only those above 0 are held."""
        weights, sources, _ = self._sources(queries, threads)
        items, values = similarity.best_from(weights, sources, queries, k, threads)
        return np.where(values > 0, items, -1), _positive(values)

    def explain(self, queries: Queries, items: Ints, threads: int) -> Explanation:
        """Say that it was bought before, where that gives most; else name what the neighbours share."""
        _, _, near = self._sources(queries, threads)
        links, counts = np.empty(items.shape, np.int32), np.empty(items.shape, np.int64)
        arguments = (*csr_arrays(binary(queries.history)), *csr_arrays(near), *csr_arrays(self.habits))
        scale = np.ones(self.habits.shape[1], np.float32)
        over_rows(
            "linking_items", len(items), threads, *arguments, scale, ready(items, np.int32), links, counts
        )
        alike = Explanation.of(Why.LOOKALIKES, items, others=links, count=counts.astype(np.float64))
        own, others = self._shares(queries, near, items, threads)
        again = (own >= others) & (own > 0) & (queries.users >= 0)[:, None]
        return Explanation.of(Why.AGAIN, items).where(again, alike)

    def _shares(self, queries: Queries, near: Csr, items: Ints, threads: int) -> tuple[Floats, Floats]:
        """Return what a row's own orders and its neighbours' give of each listed item's score."""
        at = np.maximum(items, 0)
        rows = np.arange(len(items))[:, None]
        own = csr_of(self._own(queries)[rows, at]).toarray()
        scores = similarity.scores_from(near, self.habits, threads)
        others = np.take_along_axis(scores, at, axis=1)
        return self.parameters.own * own, np.where(np.isfinite(others), others, 0).astype(np.float32)

    def facts(self) -> dict[str, Any]:
        """Return how many pairs of user and product the vectors hold."""
        return {"habits": int(self.habits.nnz)}


def habits(data: TrainingData, parameters: RepeatParameters) -> Csr:
    """Return users × items, the decayed mean of each user's orders.

    What was bought without an order is an order with all else of that moment.
    """
    moment = pl.when(pl.col("order") >= 0).then(None).otherwise(pl.col("timestamp"))
    wanted = data.events.filter((pl.col("user") >= 0) & (pl.col("weight") > 0)).with_columns(moment=moment)
    keys = ["user", "order", "moment"]
    orders = (
        wanted.group_by(keys)
        .agg(pl.col("timestamp").max())
        .sort("user", "timestamp", "order", nulls_last=False)
        .with_columns(
            age=pl.len().over("user") - 1 - pl.int_range(pl.len()).over("user"), n=pl.len().over("user")
        )
        .with_columns(size=(pl.col("n") / parameters.groups).ceil().cast(pl.Int64))
    )
    group, place = pl.col("age") // pl.col("size"), pl.col("age") % pl.col("size")
    decayed = pl.lit(parameters.within_decay).pow(place) * pl.lit(parameters.group_decay).pow(group)
    weight = decayed / pl.col("size") / (pl.col("n") / pl.col("size")).ceil()
    lines = (
        wanted.select(*keys, "item")
        .unique()
        .join(orders.select(*keys, weight=weight), on=keys, nulls_equal=True)
    )
    pairs = (
        lines.sort("user", "item", "weight")
        .group_by("user", "item", maintain_order=True)
        .agg(pl.col("weight").sum())
    )
    return csr(pairs["user"], pairs["item"], pairs["weight"], (data.n_users, data.n_items))


def _unit_rows(matrix: Csr) -> Csr:
    squares = sparse.csr_array((matrix.data**2, matrix.indices, matrix.indptr), shape=matrix.shape)
    return similarity.scaled(matrix, rows=similarity.inverse_power(similarity.degrees(csr_of(squares)), 0.5))


def _positive(scores: Floats) -> Floats:
    return np.where(scores > 0, scores, -np.inf).astype(np.float32)
