"""What goes with a product, and what stands in for it: two lists.

Complements, substitutes and variants are those of `mining.products.relations`. A variant that is bought
together with its product stands in for nothing, and completes nothing: it is in neither list.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import polars as pl

from prodassoc_cli.mining.products.relations import (
    PairEvidence,
    Thresholds,
    among,
    category_numbers,
    judged_pairs,
)
from prodassoc_cli.mining.selection.significance import log_probability
from prodassoc_cli.models.base import Explanation, Why
from prodassoc_cli.models.families.association import Association
from prodassoc_cli.models.kernels.topk import top_k
from prodassoc_cli.models.model import TrainedModel
from prodassoc_cli.models.serving.lookalikes import repeats
from prodassoc_cli.numerics.arrays import Bools, Floats, Ints

Relation = Literal["complement", "substitute"]

_THRESHOLDS = Thresholds()

_MIN_BASKETS = 2
"""Baskets that must hold both products before one is said to go with the other."""


def related(
    model: TrainedModel,
    sources: Ints,
    relation: Relation,
    k: int,
    threads: int,
    *,
    vectors: Floats,
    allowed: Bools | None = None,
    groups: Ints | None = None,
    thresholds: Thresholds = _THRESHOLDS,
    association: Association | None = None,
    unread: pl.Series | None = None,
) -> tuple[Ints, Floats, Explanation]:
    """Return up to k related products of each source, best first, their scores and the evidence.

    A complement's score is confidence · √lift, as that of a rule; a substitute's is the cosine of the texts.

    Args:
        model: gives the baskets (the customers' products where there are none) and the categories.
        sources: the products.
        relation: which list.
        k: maximum number of products in a list; there may be fewer, since nothing else fills it up.
        threads: threads to use.
        vectors: n_items × d, the products' texts; zeros where one has none.
        allowed: which products may be listed; None for all.
        groups: products that look alike, of which a list holds one; None where all differ.
        thresholds: where one relation ends and the next begins.
        association: what products hardly bought are expected to go with; None where nothing is expected.
        unread: ids of products whose titles the encoder of the vectors hardly reads; None for none.
    """
    evidence = evidence_of(model, vectors, unread)
    scores = np.full((len(sources), len(model.items)), -np.inf, np.float32)
    if relation == "complement":
        by_item = model.items_by_customer if model.items_by_basket is None else model.items_by_basket
        both = (by_item[sources] @ by_item.T).tocoo()
        often = both.data >= _MIN_BASKETS
        row, item, count = both.row[often], both.col[often], both.data[often]
        sizes = evidence.by_basket.sizes
        n, left, right = evidence.by_basket.n, sizes[sources[row]], sizes[item]
        score = count / left * np.sqrt(count * float(n) / (left.astype(float) * right))
        # A tail is no less than its first term, which is far quicker to compute: few pairs are left to judge.
        first_term = log_probability(np.full(len(left), n), left, right, count.astype(np.int64))
        unlikely = first_term <= np.log(thresholds.level)
        scores[row[unlikely], item[unlikely]] = score[unlikely]
    else:
        likeness = vectors[sources] @ vectors.T
        similar = likeness >= thresholds.substitute
        scores[similar] = likeness[similar]
    scores[np.arange(len(sources)), sources] = -np.inf
    judged = np.zeros(scores.shape, np.bool_)
    depth = k
    while True:  # The best are judged until all that are listed are related: far fewer than all pairs.
        items, values = top_k(scores, depth, threads, allowed=allowed)
        row, slot = np.nonzero((items >= 0) & ~np.take_along_axis(judged, np.maximum(items, 0), axis=1))
        if not (slot < k).any():
            doubles = _doubles(items[:, :k], sources, groups)
            if not doubles.any():
                break
            row, slot = np.nonzero(doubles)
            scores[row, items[row, slot]] = -np.inf
            continue
        item = items[row, slot]
        judged[row, item] = True
        pairs = judged_pairs(sources[row], item, evidence, thresholds)
        wrong = ~pairs.select(is_listed(relation, thresholds)).to_series().to_numpy()
        scores[row[wrong], item[wrong]] = -np.inf
        depth *= 2
    items, values = items[:, :k], values[:, :k]
    named = np.where(items >= 0, sources[:, None], -1)
    why = Why.BOUGHT_TOGETHER if relation == "complement" else Why.SIMILAR
    explanation = Explanation.of(why, items, others=named, weight=values)
    if relation == "complement" and association is not None:
        return _with_expected(
            association, sources, items, values, explanation, k, threads, allowed=allowed, groups=groups
        )
    return items, values, explanation


def _with_expected(
    association: Association, sources: Ints, items: Ints, values: Floats, explanation: Explanation, k: int,
    threads: int, *, allowed: Bools | None, groups: Ints | None,
) -> tuple[Ints, Floats, Explanation]:  # fmt: skip
    """Fill the lists of products that were hardly bought with what is expected to go with them.

    The score of an expected complement is lift / (1 + lift), pressed below the counted ones. Last comes, by
    the same score, what is expected to be bought with it no more often than by chance.
    """
    rows = np.flatnonzero(association.expecting[sources] & (items < 0).any(axis=1))
    if not len(rows):
        return items, values, explanation
    scores = association.log_lifts(sources[rows])
    scores[:, ~association.placed] = -np.inf
    scores[np.arange(len(rows)), sources[rows]] = -np.inf
    row, slot = np.nonzero(items[rows] >= 0)
    scores[row, items[rows][row, slot]] = -np.inf
    found, log_lifts = top_k(scores, k if groups is None else 2 * k, threads, allowed=allowed)
    if groups is not None:
        beside = np.column_stack([sources[rows], items[rows], found])
        found = np.where(repeats(beside, groups)[:, 1 + items.shape[1] :], -1, found)
    lowest = np.where(items[rows] >= 0, values[rows], np.inf).min(axis=1, initial=np.inf)
    expected = np.exp(np.minimum(log_lifts, 80))
    pressed = expected / (1 + expected) * np.where(np.isfinite(lowest), lowest, 1)[:, None]
    # The counted ones first, then the expected ones that are left, without gaps.
    both = np.concatenate([items[rows], found], axis=1)
    order = np.argsort(both < 0, axis=1, kind="stable")[:, :k]
    width = items.shape[1]
    every = np.concatenate([values[rows], pressed.astype(np.float32)], axis=1)
    items, values = items.copy(), values.copy()
    items[rows] = np.take_along_axis(both, order, axis=1)[:, :width]
    values[rows] = np.where(items[rows] >= 0, np.take_along_axis(every, order, axis=1)[:, :width], -np.inf)
    is_expected = (order[:, :width] >= width) & (items[rows] >= 0)
    named = np.where(items[rows] >= 0, sources[rows][:, None], -1)
    why = association.expected(named, items[rows])
    likely = why.value > 1
    why = why.where(likely, Explanation.of(Why.POPULAR, items[rows]))
    return items, values, explanation.replaced(rows, is_expected, why)


def _doubles(items: Ints, sources: Ints, groups: Ints | None) -> Bools:
    """Return which products of the lists look like a better one, or like the product they are for."""
    if groups is None:
        return np.zeros(items.shape, np.bool_)
    return repeats(np.column_stack([sources, items]), groups)[:, 1:]


def evidence_of(model: TrainedModel, vectors: Floats, unread: pl.Series | None = None) -> PairEvidence:
    """Return what pairs of the model's products are judged by."""
    ids, category = model.items.ids, category_numbers(model.items.frame["category"])
    if model.baskets is None:
        return PairEvidence(model.by_customers, None, vectors, ids, category, among(ids, unread))
    return PairEvidence(model.in_baskets, model.by_customers, vectors, ids, category, among(ids, unread))


def is_listed(relation: Relation, thresholds: Thresholds) -> pl.Expr:
    """Return whether a judged pair belongs into the lists of that relation."""
    is_listed = pl.col("relation") == relation
    if relation == "substitute":
        together = (pl.col("p_value") <= thresholds.level) & (pl.col("lift") > 1)
        is_listed |= (pl.col("relation") == "variant") & ~together
    return is_listed.fill_null(value=False)
