"""What goes with a product, and what stands in for it: two lists, by what is bought together and by texts.

Complements are bought together more often than by chance, and are not the same thing in another colour.
Substitutes read alike and are of the same category, and no basket says that anyone wants both. As the first
need a sign of togetherness and the second its absence, no product is in both lists.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import polars as pl
from scipy import special

from prodassoc_cli.arrays import Bools, Doubles, Floats, Ints
from prodassoc_cli.errors import UsageProblem
from prodassoc_cli.models.base import Evidence, Why
from prodassoc_cli.models.data import Csr
from prodassoc_cli.models.kernels.topk import top_k
from prodassoc_cli.models.model import TrainedModel
from prodassoc_cli.settings.mine import SUBSTITUTE_SIMILARITY, VARIANT_SIMILARITY

ERROR_RATE = 0.05
"""Complements: share of false ones among a product's that is put up with. Substitutes: level of the test."""

_LEAST_BASKETS = 2


def related(
    model: TrainedModel,
    sources: Ints,
    relation: Literal["complement", "substitute"],
    k: int,
    threads: int,
    *,
    allowed: Bools | None = None,
    vectors: Floats | None = None,
) -> tuple[Ints, Floats, Evidence]:
    """Return up to k related products of each source, best first, their scores and the evidence.

    A complement's score is confidence · √lift, as that of a rule; a substitute's is the cosine of the texts.

    Args:
        model: gives the baskets (the customers' products where there are none) and the categories.
        sources: the products.
        relation: which list.
        k: most products in a list; there may be fewer, since nothing else fills it up.
        threads: threads to use.
        allowed: which products may be listed; None for all.
        vectors: n_items × d, the products' texts; zeros where one has none.

    Raises:
        UsageProblem: substitutes are asked for without texts.
    """
    if vectors is None or not vectors.any():
        if relation == "substitute":
            raise UsageProblem(
                "`relation=substitute` needs texts to compare, and the model has none",
                "give `embeddings=FILE`",
            )
        vectors = np.zeros((len(model.items), 1), np.float32)
    count, expected = together(model, sources)
    p_value = chance(count, expected)
    likeness = vectors[sources] @ vectors.T
    rows = np.arange(len(sources))
    if relation == "complement":
        with np.errstate(divide="ignore", invalid="ignore"):
            lift = count / expected
            confidence = count / _sizes(model)[sources][:, None]
        fits = (count >= _LEAST_BASKETS) & significant(p_value) & (likeness < VARIANT_SIMILARITY)
        scores = np.where(fits, confidence * np.sqrt(lift), -np.inf)
    else:
        fits = (p_value > ERROR_RATE) & (likeness >= SUBSTITUTE_SIMILARITY) & _same_category(model, sources)
        scores = np.where(fits, likeness, -np.inf)
    scores[rows, sources] = -np.inf
    items, values = top_k(scores.astype(np.float32), k, threads, allowed=allowed)
    named = np.where(items >= 0, sources[:, None], -1)
    why = Why.BOUGHT_TOGETHER if relation == "complement" else Why.SIMILAR
    return items, values, Evidence.of(why, items, others=named, weight=values)


def together(model: TrainedModel, sources: Ints) -> tuple[Doubles, Doubles]:
    """Return sources × items: in how many baskets both are, and in how many they would be by chance."""
    by_item = _by_item(model)
    count = np.asarray((by_item[sources] @ by_item.T).todense(), np.float64)
    sizes = _sizes(model)
    return count, sizes[sources][:, None] * sizes / max(1, by_item.shape[1])


def chance(count: Doubles, expected: Doubles) -> Doubles:
    """Return the probability of a count at least as high by chance, as a Poisson tail.

    It is that of Fisher's exact test in the limit of many baskets. With fewer it is the larger one wherever
    it is small, so that the error is on the safe side.
    """
    return np.where(count > 0, special.pdtrc(np.maximum(count - 1, 0), expected), 1.0)


def significant(p_values: Doubles) -> Bools:
    """Return which are significant at a false discovery rate of 5 % a row (Benjamini and Hochberg, 1995)."""
    ordered = np.sort(p_values, axis=1)
    tests = p_values.shape[1]
    below = ordered <= ERROR_RATE * np.arange(1, tests + 1) / tests
    last = np.where(below, np.arange(tests), -1).max(axis=1)
    bound = np.where(last >= 0, ordered[np.arange(len(ordered)), np.maximum(last, 0)], -1.0)
    return p_values <= bound[:, None]


def _by_item(model: TrainedModel) -> Csr:
    return model.items_by_customer if model.items_by_basket is None else model.items_by_basket


def _sizes(model: TrainedModel) -> Doubles:
    return np.diff(_by_item(model).indptr).astype(np.float64)


def _same_category(model: TrainedModel, sources: Ints) -> Bools:
    """Return sources × items: whether both are of one category; a source without one may be like any."""
    path = model.items.frame["category"].str.split(">").list.eval(pl.element().str.strip_chars())
    number = path.list.join(">").replace("", None).rank("dense").fill_null(0).to_numpy()
    own = number[sources][:, None]
    return (own == number) | (own == 0)
