"""What goes with a product, by what is bought with it in held-out orders: AUC and graded NDCG of each source.

True partners were bought with the source at least 3 times and twice as often as by chance. AUC: how often a
true partner is above a product as popular (within 15 %) that was never bought with the source there; .5 is
chance. NDCG@10: the gain of a true partner is its log-lift, of any other product 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import sparse

from prodassoc_cli.models.model import TrainedModel
from prodassoc_cli.models.serving.lister import Relation
from prodassoc_cli.models.serving.recommend import recommend
from prodassoc_cli.numerics.indexing import index_of

K = 10
_TOGETHER, _TIMES_BY_CHANCE = 3, 2.0
_AS_POPULAR, _OTHERS = 0.15, 20


@dataclass(frozen=True)
class Partners:
    """True partners of some products.

    Attributes:
        sources: the products.
        listed: which products can be partners.
        gains: sources × products: log-lift of true partners, 0 of others.
        row: source of each comparison, as a row.
        partner: a true partner of it.
        other: a product as popular that is none.
    """

    sources: np.ndarray
    listed: np.ndarray
    gains: np.ndarray
    row: np.ndarray
    partner: np.ndarray
    other: np.ndarray


def partners(
    held_out: sparse.csr_array, sources: np.ndarray, listed: np.ndarray, rng: np.random.Generator
) -> Partners:
    """Return the true partners of the sources.

    Args:
        held_out: orders × products of ones.
        sources: the products.
        listed: which products can be partners.
        rng: draws 20 products beside each true partner.
    """
    counts = np.asarray(held_out.sum(axis=0)).ravel()
    together = (held_out[:, sources].T @ held_out).toarray()
    by_chance = np.outer(counts[sources], counts) / held_out.shape[0]
    true = (together >= _TOGETHER) & (together >= _TIMES_BY_CHANCE * by_chance) & listed
    true[np.arange(len(sources)), sources] = False
    gains = np.log(np.divide(together, by_chance, out=np.ones_like(by_chance), where=true))
    row, partner = (np.repeat(each, _OTHERS) for each in np.nonzero(true))
    candidates = np.flatnonzero(listed)
    candidates = candidates[np.argsort(counts[candidates], kind="stable")]
    popular = counts[candidates]
    low = np.searchsorted(popular, counts[partner] * (1 - _AS_POPULAR))
    high = np.searchsorted(popular, counts[partner] * (1 + _AS_POPULAR), side="right")
    other = candidates[low + (rng.random(len(row)) * (high - low)).astype(np.int64)]
    fit = (together[row, other] == 0) & (other != sources[row])
    return Partners(sources, listed, gains, row[fit], partner[fit], other[fit])


def auc(scores: np.ndarray, truth: Partners) -> np.ndarray:
    """Return how often a true partner of each source is above the other product; NaN without comparisons."""
    true, false = scores[truth.row, truth.partner], scores[truth.row, truth.other]
    above = (true > false) + (true == false) / 2
    n = np.bincount(truth.row, minlength=len(truth.sources))
    return np.bincount(truth.row, above, len(n)) / np.where(n, n, np.nan)


def graded_ndcg(scores: np.ndarray, truth: Partners, k: int = K) -> np.ndarray:
    """Return NDCG@k of each source, with log-lifts as gains; NaN where it has no true partner.

    Σ gain / log₂(position + 1) over the k highest scores, by that of the best order (Järvelin and Kekäläinen,
    2002). A score of -inf is not listed.
    """
    k = min(k, scores.shape[1])
    discounts = 1 / np.log2(np.arange(2, k + 2))
    top = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    gained = np.take_along_axis(np.where(np.isfinite(scores), truth.gains, 0), top, axis=1) @ discounts
    ideal = -np.sort(-truth.gains, axis=1)[:, :k] @ discounts
    return gained / np.where(ideal > 0, ideal, np.nan)


def only_listed(scores: np.ndarray, truth: Partners) -> np.ndarray:
    """Return scores with -inf for what can be no partner, and for the source."""
    scores = np.where(truth.listed, scores, -np.inf)
    scores[np.arange(len(truth.sources)), truth.sources] = -np.inf
    return scores


def scores_of_lists(
    model: TrainedModel, ids: pl.Series, truth: Partners, threads: int, relation: Relation | None = None
) -> np.ndarray:
    """Return minus the ranks of `recommend --for products`; -inf for what is not listed."""
    lists = recommend(
        model, audience="products", ids=ids.gather(truth.sources).to_list(), k=int(truth.listed.sum()),
        allow=ids.filter(pl.Series(truth.listed)).to_list(), relation=relation, with_reasons=False,
        threads=threads,
    ).frame  # fmt: skip
    scores = np.full((len(truth.sources), len(ids)), -np.inf, np.float32)
    row = index_of(lists["source_product_id"], ids.gather(truth.sources)).to_numpy()
    scores[row, index_of(lists["product_id"], ids).to_numpy()] = -lists["rank"].to_numpy()
    return scores
