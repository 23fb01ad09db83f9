"""The metrics, each declared once: what it means, its range, where it comes from, how it is computed.

A ranking metric is the mean of one value per unit: over users (precision, NDCG …) or over the products of the
catalogue (coverage); or one figure of all lists together (Gini). `Metric.values` gives those values from a
model's judged lists; a NaN says that the metric is not defined for that unit, which is then left out.

Notation: k is the length a list is cut to, hits the relevant products among its first k rows, |relevant| the
number of the user's relevant products. A list shorter than k is judged as if the rest of it were misses; a
user without a list counts 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from prodassoc_cli.evaluation.judged_lists import JudgedLists
from prodassoc_cli.evaluation.metrics import accuracy
from prodassoc_cli.evaluation.metrics import beyond_accuracy as beyond
from prodassoc_cli.numerics.arrays import Doubles

Need = Literal[
    "catalogue", "training users", "categories", "prices", "embeddings", "ratings", "rules", "feedback"
]

NEEDS: dict[Need, str] = {
    "catalogue": "`products` or `train=`",
    "training users": "`train=` with user ids",
    "categories": "`products` with categories",
    "prices": "`products` with prices",
    "embeddings": "`embeddings`",
    "rules": "rules as an input",
    "feedback": "`feedback`",
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
        values: (lists, k) → one value per unit, NaN where undefined; the metric is their mean.
            For metrics of ratings `loss` stands in its place, for those of all lists together `total`.
        total: (lists, k) → the metric, None where undefined.
        loss: errors (predicted - true rating) → one loss a rating.
        root: whether the metric is the square root of the mean.
        over: the unit that the mean is taken over.
        low: smallest value possible.
        high: largest value possible; None where there is none.
        higher_is_better: direction; None where neither way is better.
        share: whether every value is 0 or 1.
        needs: what it takes beside lists and truth (a key of `NEEDS`); None where they suffice.
        has_k: whether it is taken at a list length k.
    """

    name: str
    definition: str
    source: str
    values: Callable[[JudgedLists, int], Doubles] | None = None
    total: Callable[[JudgedLists, int], float | None] | None = None
    loss: Callable[[Doubles], Doubles] | None = None
    root: bool = False
    over: Literal["users", "products", "ratings", "rules", "baskets", "impressions"] = "users"
    low: float = 0.0
    high: float | None = 1.0
    higher_is_better: bool | None = True
    share: bool = False
    needs: Need | None = None
    has_k: bool = True

    @property
    def of_lists(self) -> bool:
        """Whether it is computed from judged lists."""
        return self.values is not None or self.total is not None

    def computable(self, judged: JudgedLists) -> bool:
        """Return whether the inputs that these lists were judged with suffice."""
        facts = judged.truth.facts
        given: dict[Need, bool] = {
            "catalogue": facts.catalogue is not None,
            "training users": facts.holders is not None,
            "categories": facts.category is not None,
            "prices": facts.price is not None,
            "embeddings": facts.embedding is not None,
        }
        return self.of_lists and (self.needs is None or given.get(self.needs, False))


_TREC = "Buckley & Voorhees 2005, Retrieval System Evaluation (TREC); trec_eval"
_HERLOCKER = "Herlocker et al. 2004, Evaluating collaborative filtering recommender systems, ACM TOIS 22(1)"

_HELD = "as in confidence and lift, on baskets not mined"
_KOHAVI = "Kohavi, Tang & Xu 2020, Trustworthy online controlled experiments"
_HORVITZ = "Horvitz & Thompson 1952, JASA 47; Li et al. 2018, Offline evaluation of ranking policies, KDD"
_SWAMINATHAN = "Swaminathan & Joachims 2015, The self-normalized estimator, NIPS"

_RULES: dict[str, Any] = {"needs": "rules", "over": "rules", "has_k": False}
_BASKETS: dict[str, Any] = {"needs": "rules", "over": "baskets", "share": True}
_SHOWN: dict[str, Any] = {"needs": "feedback", "over": "impressions", "has_k": False}

ALL_METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("precision", "hits / k, also for lists shorter than k", _TREC, accuracy.precision),
        Metric("recall", "hits / |relevant|", _TREC, accuracy.recall),
        Metric(
            "f1", "harmonic mean of a user's precision and recall, 2·hits / (k + |relevant|)",
            "van Rijsbergen 1979, Information Retrieval, ch. 7", accuracy.f1,
        ),
        Metric(
            "map",
            "sum over hits of the precision at their position, / |relevant| (not / min(k, |relevant|))",
            _TREC + " map_cut", accuracy.average_precision,
        ),
        Metric(
            "mrr", "1 / position of the first hit, 0 without one",
            "Voorhees 1999, The TREC-8 question answering track report", accuracy.reciprocal_rank,
        ),
        Metric(
            "ndcg",
            "sum over hits of 1/log2(position + 1), / the same of an ideal list of min(k, |relevant|) hits",
            "Järvelin & Kekäläinen 2002, ACM TOIS 20(4), with binary gains", accuracy.ndcg,
        ),
        Metric("hit_rate", "share of users with at least one hit", _HERLOCKER, accuracy.hit_rate, share=True),
        Metric(
            "accuracy",
            '(true positives + true negatives) / catalogue of the decision "listed means relevant"; '
            "near 1 for any short list (some texts call precision@k so)", _HERLOCKER, accuracy.accuracy,
            needs="catalogue",
        ),
        Metric(
            "auc", "share of pairs (relevant, other product of the catalogue) in the right order; "
            "what is not listed is tied in the last place",
            "Hanley & McNeil 1982, Radiology 143(1); Rendle et al. 2009, BPR, UAI", accuracy.auc,
            needs="catalogue",
        ),
        Metric(
            "coverage",
            "distinct products of the catalogue in all lists of the file / products of the catalogue",
            _HERLOCKER, beyond.coverage, over="products", needs="catalogue",
        ),
        Metric(
            "novelty",
            "mean over a user's products of -log2(users who have it in training / training users)",
            "Castells, Hurley & Vargas 2015, Novelty and diversity in recommender systems (mean IUF)",
            beyond.novelty, high=None, needs="training users",
        ),
        Metric(
            "gini", "Gini index of how often each product is recommended: 0 all alike, 1 one has all",
            "Gini 1912; Castells, Hurley & Vargas 2015, Novelty and diversity in recommender systems",
            total=beyond.gini, over="products", higher_is_better=False, needs="catalogue",
        ),
        Metric(
            "entropy",
            "Shannon entropy, in bits, of how often each product is recommended; at most log2(catalogue)",
            "Shannon 1948, Bell System Technical Journal 27(3)", total=beyond.entropy, over="products",
            high=None, needs="catalogue",
        ),
        Metric(
            "popularity",
            "mean share of training users who have a list's products: the bias to best-sellers",
            "Yin et al. 2012, Challenging the long tail recommendation, VLDB 5(9) (ARP, over users)",
            beyond.popularity, higher_is_better=False, needs="training users",
        ),
        Metric(
            "serendipity", "hits that are not among the k products most popular in training / k",
            "Ge, Delgado-Battenfeld & Jannach 2010, Beyond accuracy, RecSys (unexpected and useful)",
            beyond.serendipity, needs="training users",
        ),
        Metric(
            "diversity",
            "share of the pairs of a list that are of different categories; products without one left out",
            "Ziegler et al. 2005, Improving recommendation lists through topic diversification, WWW",
            beyond.diversity, needs="categories",
        ),
        Metric(
            "embedding_diversity", "1 - mean cosine of the embeddings over the pairs of a list",
            "Ziegler et al. 2005 (intra-list), with the cosine of embeddings", beyond.embedding_diversity,
            high=2.0, needs="embeddings",
        ),
        Metric(
            "price", "mean price of a list's products; those without a price left out",
            "Jannach & Adomavicius 2017, Price and profit awareness in recommender systems", beyond.price,
            high=None, higher_is_better=None, needs="prices",
        ),
        Metric(
            "revenue", "sum of the prices of a list's hits",
            "Jannach & Adomavicius 2017, Price and profit awareness in recommender systems", beyond.revenue,
            high=None, needs="prices",
        ),
        Metric(
            "confidence_kept",
            "share of testable rules whose mined confidence is not above the 95 % interval of the held one",
            _HELD, share=True, **_RULES,
        ),
        Metric(
            "lift_kept", "share of testable rules whose lift in the holdout is above 1", _HELD,
            share=True, **_RULES,
        ),
        Metric(
            "confidence_shift", "mean over testable rules of the held less the mined confidence", _HELD,
            low=-1.0, **_RULES,
        ),
        Metric(
            "calibration_error",
            "mean gap between mined and held confidence by tenths, weighted by the baskets they speak of",
            _HELD, higher_is_better=False, **_RULES,
        ),
        Metric(
            "rule_coverage", "share of the baskets in which some rule's left side stands", _HELD,
            has_k=False, **_BASKETS,
        ),
        Metric(
            "rule_hit_rate",
            "share of those baskets that have one of the k right sides of highest confidence",
            _HELD, **_BASKETS,
        ),
        Metric("ctr", "clicks / impressions", _KOHAVI, **_SHOWN),
        Metric("conversion", "purchases / impressions", _KOHAVI, **_SHOWN),
        Metric("clicks_per_list", "clicks / lists shown", _KOHAVI, high=None, **_SHOWN),
        Metric("revenue_per_list", "revenue / lists shown", _KOHAVI, high=None, **_SHOWN),
        Metric(
            "ctr_uplift", "CTR / CTR of the baseline - 1; interval by the delta method on the logarithm",
            _KOHAVI, low=-1.0, high=None, **_SHOWN,
        ),
        Metric(
            "ips_ctr", "mean of weight · click, weight = [the list puts this product here] / propensity",
            _HORVITZ, high=None, **_SHOWN,
        ),
        Metric(
            "clipped_ips_ctr",
            "IPS with weights cut at the square root of the impressions: less spread, some bias downwards",
            "Ionides 2008, Truncated importance sampling, JCGS 17(2)", high=None, **_SHOWN,
        ),
        Metric("snips_ctr", "sum of weight · click / sum of weights", _SWAMINATHAN, **_SHOWN),
        Metric(
            "dr_ctr",
            "expected clicks of the listed products by a click model, corrected by "
            "weight · (click - expected)",
            "Dudík, Langford & Li 2011, Doubly robust policy evaluation and learning, ICML",
            low=float("-inf"), high=None, **_SHOWN,
        ),
        Metric(
            "overlap", "share of the impressions where the log showed just what the list puts there",
            _HORVITZ, **_SHOWN,
        ),
        Metric(
            "effective_n", "effective sample size, (sum of weights)² / sum of squared weights",
            "Kong 1992, A note on importance sampling using standardized weights", high=None, **_SHOWN,
        ),
        Metric(
            "rmse", "square root of the mean squared error of predicted ratings", _HERLOCKER,
            loss=np.square, root=True, has_k=False, over="ratings", high=None, higher_is_better=False,
            needs="ratings",
        ),
        Metric(
            "mae", "mean absolute error of predicted ratings", _HERLOCKER, loss=np.abs, has_k=False,
            over="ratings", high=None, higher_is_better=False, needs="ratings",
        ),
    )
}  # fmt: skip
"""Every metric by name, in the order of the metrics table."""

RANKING_METRICS = {name: metric for name, metric in ALL_METRICS.items() if metric.of_lists}
"""The metrics of lists, taken at every k."""

RATING_METRICS = {name: metric for name, metric in ALL_METRICS.items() if metric.loss is not None}
"""The metrics of predicted ratings."""
