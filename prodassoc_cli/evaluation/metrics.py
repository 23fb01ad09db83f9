"""The metrics, each declared once: what it means, its range, where it comes from, how it is computed.

A ranking metric is the mean of one value a unit: over users (precision, NDCG …) or over the products of the
catalogue (coverage). `Metric.values` gives those values from a model's judged lists; a NaN says that the
metric is not defined for that unit, which is then left out. Notation: k is the length a list is cut to, hits
the relevant products among its first k rows, |relevant| the number of the user's relevant products. A list
shorter than k is judged as if the rest of it were misses; a user without a list counts 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from prodassoc_cli.evaluation.judging import FloatArray, Judged

Need = Literal["catalogue", "training users", "ratings"]

NEEDS: dict[Need, str] = {
    "catalogue": "--products or --train",
    "training users": "--train with user ids",
    "ratings": "a model that predicts ratings, and ratings in the truth",
}
"""What gives a metric that which it needs."""


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
        name: as written in metrics artifacts and in `--require`.
        definition: one line, with the divisor.
        source: where the definition comes from.
        values: (lists, k) → one value a unit, NaN where undefined; the metric is their mean.
            For metrics of ratings `loss` stands in its place.
        loss: errors (predicted - true rating) → one loss a rating.
        root: whether the metric is the square root of the mean.
        over: the unit that the mean is taken over.
        low: smallest value possible.
        high: largest value possible; None where there is none.
        higher_is_better: direction.
        share: whether every value is 0 or 1.
        needs: what it takes beside lists and truth (a key of `NEEDS`); None where they suffice.
    """

    name: str
    definition: str
    source: str
    values: Callable[[Judged, int], FloatArray] | None = None
    loss: Callable[[FloatArray], FloatArray] | None = None
    root: bool = False
    over: Literal["users", "products", "ratings"] = "users"
    low: float = 0.0
    high: float | None = 1.0
    higher_is_better: bool = True
    share: bool = False
    needs: Need | None = None

    @property
    def at_k(self) -> bool:
        """Whether the metric is taken at a list length k."""
        return self.values is not None

    def computable(self, judged: Judged) -> bool:
        """Return whether the inputs that these lists were judged with suffice."""
        if self.needs == "catalogue":
            return judged.truth.catalogue is not None
        if self.needs == "training users":
            return judged.truth.novelty is not None
        return self.at_k


def _per_user(judged: Judged, k: int, gains: FloatArray | None = None) -> FloatArray:
    """Sum the gains (default 1) of the hits at positions up to k for each judged user."""
    within = judged.hit_position <= k
    weights = None if gains is None else gains[within]
    sums = np.bincount(judged.hit_user[within], weights, minlength=len(judged.truth.relevant))
    return sums.astype(np.float64)


def precision(judged: Judged, k: int) -> FloatArray:
    """Hits / k."""
    return _per_user(judged, k) / k


def recall(judged: Judged, k: int) -> FloatArray:
    """Hits / |relevant|."""
    return _per_user(judged, k) / judged.truth.relevant


def f1(judged: Judged, k: int) -> FloatArray:
    """2 · precision · recall / (precision + recall) = 2 · hits / (k + |relevant|), 0 without a hit."""
    return 2 * _per_user(judged, k) / (k + judged.truth.relevant)


def average_precision(judged: Judged, k: int) -> FloatArray:
    """Sum over hits of the precision at their position, / |relevant|."""
    return _per_user(judged, k, judged.hit_number / judged.hit_position) / judged.truth.relevant


def reciprocal_rank(judged: Judged, k: int) -> FloatArray:
    """1 / position of the first hit, 0 without one."""
    return _per_user(judged, k, (judged.hit_number == 1) / judged.hit_position)


def ndcg(judged: Judged, k: int) -> FloatArray:
    """DCG / ideal DCG with DCG = Σ over hits of 1 / log₂(position + 1)."""
    gained = _per_user(judged, k, 1 / np.log2(judged.hit_position + 1))
    ideal = np.cumsum(1 / np.log2(np.arange(2, k + 2)))
    return np.asarray(gained / ideal[np.minimum(judged.truth.relevant, k) - 1], dtype=np.float64)


def hit_rate(judged: Judged, k: int) -> FloatArray:
    """1 where the list has a hit, else 0."""
    return (_per_user(judged, k) > 0).astype(np.float64)


def novelty(judged: Judged, k: int) -> FloatArray:
    """Mean inverse user frequency of the first k products; NaN for a user without a list."""
    assert judged.truth.novelty is not None
    within = judged.position <= k
    user, users = judged.user[within], len(judged.truth.relevant)
    sums = np.bincount(user, judged.truth.novelty[judged.product[within]], minlength=users)
    rows = np.bincount(user, minlength=users)
    return np.divide(sums, rows, out=np.full(users, np.nan), where=rows > 0)


def coverage(judged: Judged, k: int) -> FloatArray:
    """1 for each product of the catalogue that some list of the file recommends, else 0."""
    assert judged.truth.catalogue is not None
    return (judged.reach[judged.truth.catalogue] <= k).astype(np.float64)


_TREC = "Buckley & Voorhees 2005, Retrieval System Evaluation (TREC); trec_eval"
_HERLOCKER = "Herlocker et al. 2004, Evaluating collaborative filtering recommender systems, ACM TOIS 22(1)"

ALL_METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("precision", "hits / k, also for lists shorter than k", _TREC, precision),
        Metric("recall", "hits / |relevant|", _TREC, recall),
        Metric(
            "f1",
            "harmonic mean of a user's precision and recall, 2·hits / (k + |relevant|)",
            "van Rijsbergen 1979, Information Retrieval, ch. 7",
            f1,
        ),
        Metric(
            "map",
            "sum over hits of the precision at their position, / |relevant| (not / min(k, |relevant|))",
            _TREC + " map_cut",
            average_precision,
        ),
        Metric(
            "mrr",
            "1 / position of the first hit, 0 without one",
            "Voorhees 1999, The TREC-8 question answering track report",
            reciprocal_rank,
        ),
        Metric(
            "ndcg",
            "sum over hits of 1/log2(position + 1), / the same of an ideal list of min(k, |relevant|) hits",
            "Järvelin & Kekäläinen 2002, ACM TOIS 20(4), with binary gains",
            ndcg,
        ),
        Metric("hit_rate", "share of users with at least one hit", _HERLOCKER, hit_rate, share=True),
        Metric(
            "coverage",
            "distinct products of the catalogue in all lists of the file / products of the catalogue",
            _HERLOCKER,
            coverage,
            over="products",
            needs="catalogue",
        ),
        Metric(
            "novelty",
            "mean over a user's products of -log2(users who have it in training / training users)",
            "Castells, Hurley & Vargas 2015, Novelty and diversity in recommender systems (mean IUF)",
            novelty,
            high=None,
            needs="training users",
        ),
        Metric(
            "rmse",
            "square root of the mean squared error of predicted ratings",
            _HERLOCKER,
            loss=np.square,
            root=True,
            over="ratings",
            high=None,
            higher_is_better=False,
            needs="ratings",
        ),
        Metric(
            "mae",
            "mean absolute error of predicted ratings",
            _HERLOCKER,
            loss=np.abs,
            over="ratings",
            high=None,
            higher_is_better=False,
            needs="ratings",
        ),
    )
}
"""Every metric by name, in the order of the metrics table."""

RANKING_METRICS = {name: metric for name, metric in ALL_METRICS.items() if metric.values is not None}
"""The metrics of lists, taken at every k."""

RATING_METRICS = {name: metric for name, metric in ALL_METRICS.items() if metric.loss is not None}
"""The metrics of predicted ratings."""
