"""Choosing k of more candidates: the best that are unlike each other, and not too many of one category."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from prodassoc_cli.errors import UsageProblem
from prodassoc_cli.models.data import Csr, Items
from prodassoc_cli.models.hybrid.listwise import to_unit
from prodassoc_cli.numerics.arrays import Floats, Ints

_FLOATS_AT_ONCE = 2**23


@dataclass(frozen=True)
class Variety:
    """What a list must be beside good.

    Attributes:
        diversity: λ of the maximal marginal relevance of Carbonell and Goldstein (1998): the next item is the
            one with the largest (1 - λ)·relevance - λ·likeness to the nearest item chosen, where relevance is
            the score scaled to 0–1 over the candidates. 0: by the score alone.
        vectors: n_items × d of length 1, or of zeros, whose products are the likeness; None where λ is 0.
        most: maximum number of items of one category in a list; None for any number.
        category: number of each item's category, -1 where it has none: such items are not counted.
    """

    diversity: float = 0.0
    vectors: Floats | None = None
    most: int | None = None
    category: Ints | None = None

    def __bool__(self) -> bool:
        return self.diversity > 0 or self.most is not None

    def choose(self, items: Ints, scores: Floats, k: int) -> Ints:
        """Return lists × k places among the candidates, in the order chosen; -1 where none is left.

        Args:
            items: lists × candidates, best first; -1 is empty.
            scores: lists × candidates.
            k: items wanted per list.
        """
        width = items.shape[1] * (1 if self.vectors is None else self.vectors.shape[1])
        step = max(1, _FLOATS_AT_ONCE // max(1, width))
        chosen = np.full((len(items), k), -1, np.int32)
        for start in range(0, len(items), step):
            rows = slice(start, start + step)
            chosen[rows] = self._choose(items[rows], scores[rows], k)
        return chosen

    def _choose(self, items: Ints, scores: Floats, k: int) -> Ints:
        rows, pool = np.arange(len(items)), items.shape[1]
        free = items >= 0
        relevance = (1 - self.diversity) * to_unit(scores, free)
        nearest = np.zeros(items.shape, np.float32)
        vectors = self.vectors[items] if self.diversity > 0 and self.vectors is not None else None
        category = np.where(free, self._category(items), -1)
        taken = np.zeros(items.shape, np.int32)
        chosen = np.full((len(items), k), -1, np.int32)
        for n in range(min(k, pool)):
            # argmax takes the first of equals, and candidates stand in the order of score and product_id.
            value = np.where(free, relevance - self.diversity * nearest, -np.inf)
            best = value.argmax(axis=1)
            found = free[rows, best]
            chosen[:, n] = np.where(found, best, -1)
            free[rows, best] = False
            if vectors is not None:
                likeness = np.einsum("rpd,rd->rp", vectors, vectors[rows, best])
                nearest = np.maximum(nearest, likeness) if n else likeness
            if self.most is not None:
                own = category[rows, best]
                taken += (category == own[:, None]) & (category >= 0) & found[:, None]
                free &= taken < self.most
        return chosen

    def _category(self, items: Ints) -> Ints:
        return np.full(items.shape, -1, np.int32) if self.category is None else self.category[items]


def variety(
    items: Items, diversity: float, max_per_category: int | None, vectors: Floats | None, attributes: Csr
) -> Variety:
    """Return what the options of a run ask for.

    Args:
        items: the products.
        diversity: weight of unlikeness, 0 to 1.
        max_per_category: maximum number of products of one category in a list.
        vectors: embeddings of the products; None where there are none.
        attributes: items × features, which likeness rests on where there are no embeddings.

    Raises:
        UsageProblem: there is nothing to tell likeness or categories by.
    """
    category = items.frame["category"].str.strip_chars().replace("", None)
    if max_per_category is not None and category.is_null().all():
        raise UsageProblem(
            "`max_per_category`: no product has a category", "give `products=FILE` with a category column"
        )
    numbers = category.rank("dense").cast(pl.Int32).fill_null(0).to_numpy() - 1
    likeness = _unit_vectors(vectors, attributes) if diversity > 0 else None
    return Variety(diversity, likeness, max_per_category, numbers)


def _unit_vectors(vectors: Floats | None, attributes: Csr) -> Floats:
    if vectors is None or not vectors.any():
        if not attributes.nnz:
            raise UsageProblem(
                "`diversity`: there are no embeddings, categories or brands to tell likeness by",
                "give `embeddings=FILE` or `products=FILE`",
            )
        vectors = attributes.toarray()
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, length, out=np.zeros_like(vectors, np.float32), where=length > 0)
