"""Popularity: what most customers bought; with a half-life, what they buy now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from prodassoc_cli.declare import SearchRange, setting
from prodassoc_cli.models.base import Explanation, Queries, Recommender, Why
from prodassoc_cli.models.data import TrainingData
from prodassoc_cli.numerics.arrays import Floats, Ints

_DAY = 86_400_000_000


@dataclass(frozen=True)
class PopularityParameters:
    """Parameters of popularity."""

    half_life: float | None = setting(
        None, "Days after which a purchase counts half [default: never]", metavar="DAYS", low=1e-3,
        tuned=SearchRange(3, 1000, log=True),
    )  # fmt: skip


class Popularity(Recommender):
    """Scores a product by the number of users that have it; of orders, where all are anonymous."""

    name = "popularity"
    Parameters: ClassVar[type] = PopularityParameters
    learned = ("scores",)
    scores: Floats

    def fit(self, data: TrainingData, seed: int, threads: int) -> None:
        """Count each pair of user (or order) and product once, at its latest time."""
        wanted = data.events.filter(pl.col("weight") > 0)
        # Anonymous orders count only where there is nothing else: their buyers may be few.
        who = "user" if data.n_users else "order"
        pairs = (
            wanted.filter(pl.col(who) >= 0)
            .group_by(who, "item")
            .agg(pl.col("timestamp").max())
            .sort(who, "item")
        )
        weights = np.ones(pairs.height)
        half_life = self.parameters.half_life
        if half_life is not None:
            age = (pl.col("timestamp").max() - pl.col("timestamp")).fill_null(0) / _DAY
            weights = np.exp2(-pairs.select(age).to_series().to_numpy() / half_life)
        self.scores = np.bincount(pairs["item"].to_numpy(), weights, data.n_items).astype(np.float32)

    def score(self, queries: Queries, threads: int) -> Floats:
        """Return the counts, the same for every row; -inf for products nobody has."""
        one = np.where(self.scores > 0, self.scores, -np.inf).astype(np.float32)
        return np.tile(one, (len(queries), 1))

    def explain(self, queries: Queries, items: Ints, threads: int) -> Explanation:
        """Return the number of customers as the reason."""
        return Explanation.of(Why.POPULAR, items)


@dataclass(frozen=True)
class TrendingParameters:
    """Parameters of trending."""

    half_life: float = setting(30.0, "Days after which a purchase counts half", metavar="DAYS", low=1e-3)


class Trending(Popularity):
    """Popularity by the purchases of late: each counts half as much after every `half_life` days."""

    name = "trending"
    Parameters = TrendingParameters
