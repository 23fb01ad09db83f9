"""User-kNN: what those buy who buy alike; with explicit ratings, what those think who rate alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from prodassoc_cli.declare import SearchRange, setting
from prodassoc_cli.models import similarity
from prodassoc_cli.models.base import Explanation, Queries, Recommender, Why
from prodassoc_cli.models.data import Csr, TrainingData, binary
from prodassoc_cli.models.kernels.dispatch import csr_arrays, over_rows, ready
from prodassoc_cli.numerics.arrays import Floats, Ints


@dataclass(frozen=True)
class UserKnnParameters:
    """Parameters of user-knn."""

    neighbours: int = setting(
        100, "Users taken as neighbours", metavar="N", low=1, high=100_000,
        tuned=SearchRange(50, 800, log=True),
    )  # fmt: skip
    a: float = setting(
        0.6, "How much it counts against a neighbour to buy much", low=0.0, high=2.0,
        tuned=SearchRange(0.3, 0.8),
    )  # fmt: skip
    iif: float = setting(
        0.4, "How much less popular products say of similarity (inverse item frequency)", low=0.0, high=2.0,
        tuned=SearchRange(0, 0.8),
    )  # fmt: skip
    power: float = setting(
        1.5, "Exponent of the similarity: above 1 favours near ones", low=0.1, high=5.0,
        tuned=SearchRange(0.8, 3),
    )  # fmt: skip
    predict: Literal["auto", "purchases", "ratings"] = setting(
        "auto", "What scores mean; auto: ratings where most rows are ratings"
    )
    min_raters: int = setting(3, "Neighbours that must have rated a product", metavar="N", low=1)


class UserKnn(Recommender):
    """The likeness of users is Σ_i n_i^-iif x_ui x_vi / (n_u^½ n_v^a), to a power.

    Without ratings, the score of j is the sum of the likenesses of the neighbours who bought j. With ratings
    it is their weighted mean rating Σw·r / Σw, which lies inside the scale of the ratings; x is then what a
    user rated above the middle of the scale: to have rated the same products says little, to like them does.
    """

    name = "user-knn"
    Parameters = UserKnnParameters
    learned = ("others", "ratings")
    others: Csr
    ratings: Csr | None = None

    def fit(self, data: TrainingData, seed: int, threads: int) -> None:
        """Keep the users' rows, scaled; the neighbours of a history are found when it is scored."""
        ratings = data.ratings
        mostly = ratings is not None and 2 * ratings.nnz > data.seen.nnz
        if self.parameters.predict != "auto":
            mostly = self.parameters.predict == "ratings"
        self.ratings = ratings if mostly else None
        self.others = binary(data.weights)
        self.prepare()

    def prepare(self) -> None:
        """Index the users by product, and scale both."""
        self.predicts_ratings = self.ratings is not None
        popularity = np.bincount(self.others.indices, minlength=self.others.shape[1]).astype(np.float32)
        self._item_scale = similarity.inverse_power(popularity, self.parameters.iif)
        self._user_scale = similarity.inverse_power(similarity.degrees(self.others), self.parameters.a)
        self._by_item = self.others.T.tocsr()
        self._memo: tuple[Queries, Csr] | None = None

    def neighbours(self, queries: Queries, threads: int) -> Csr:
        """Return rows × users of the likenesses to the nearest users, the row's own user left out."""
        if self._memo is None or self._memo[0] is not queries:  # reasons ask again for the rows of the scores
            self._memo = queries, self._nearest(queries, threads)
        return self._memo[1]

    def _nearest(self, queries: Queries, threads: int) -> Csr:
        history = binary(queries.history)
        own = similarity.inverse_power(similarity.degrees(history), 0.5)
        near = similarity.top_k_product(
            similarity.scaled(history, rows=own, columns=self._item_scale),
            self._by_item,
            self.parameters.neighbours,
            threads,
            column_scale=self._user_scale,
            excluded=queries.users.astype(np.int64),
        )
        if self.parameters.power != 1.0:
            near.data = near.data**self.parameters.power
        return near

    def score(self, queries: Queries, threads: int) -> Floats:
        """Return summed likenesses, or predicted ratings."""
        near = self.neighbours(queries, threads)
        if self.ratings is not None:
            return mean_ratings(near, self.ratings, self.parameters.min_raters, threads)
        return similarity.scores_from(near, self.others, threads)

    def top_k(self, queries: Queries, k: int, threads: int) -> tuple[Ints, Floats]:
        """Return the best; of summed likenesses only those above 0 are held."""
        if self.ratings is not None:
            return super().top_k(queries, k, threads)
        near = self.neighbours(queries, threads)
        return similarity.best_from(near, self.others, queries, k, threads)

    def explain(self, queries: Queries, items: Ints, threads: int) -> Explanation:
        """Name the product shared with most of the neighbours who bought the one listed (or count raters)."""
        near = self.neighbours(queries, threads)
        if self.ratings is not None:
            return self._explain_rating(near, self.ratings, items, threads)
        links, counts = np.empty(items.shape, np.int32), np.empty(items.shape, np.int64)
        arguments = (
            *csr_arrays(queries.history),
            *csr_arrays(near),
            *csr_arrays(self.others),
            self._item_scale,
            ready(items, np.int32),
            links,
            counts,
        )
        over_rows("linking_items", items.shape[0], threads, *arguments)
        return Explanation.of(Why.LOOKALIKES, items, others=links, count=counts.astype(np.float64))

    def _explain_rating(self, near: Csr, ratings: Csr, items: Ints, threads: int) -> Explanation:
        slots = np.maximum(items, 0)
        raters = similarity.scores_from(binary(near), binary(ratings), threads)
        means = mean_ratings(near, ratings, self.parameters.min_raters, threads)
        count = np.take_along_axis(raters, slots, axis=1).astype(np.float64)
        value = np.take_along_axis(means, slots, axis=1).astype(np.float64)
        rated = Explanation.of(Why.RATED, items, count=count, value=value)
        return rated.where(np.isfinite(value), Explanation.of(Why.POPULAR, items))


def mean_ratings(near: Csr, ratings: Csr, min_raters: int, threads: int) -> Floats:
    """Return rows × items of Σw·r / Σw over the neighbours who rated; -inf where fewer than `min_raters` did.

    Args:
        near: rows × users of positive likenesses w.
        ratings: users × items of ratings r.
        min_raters: minimum number of neighbours that a mean rests on.
        threads: threads to use.
    """
    rated = binary(ratings)
    sums = similarity.scores_from(near, ratings, threads)
    weight = similarity.scores_from(near, rated, threads)
    raters = similarity.scores_from(binary(near), rated, threads)
    means = np.full(sums.shape, -np.inf, np.float32)
    return np.divide(sums, weight, out=means, where=raters >= min_raters)
