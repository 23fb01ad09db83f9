"""Products with few or no buyers: their scores blend from those of products with like texts to their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal, Self

import numpy as np
from scipy import sparse

from prodassoc_cli.models import similarity
from prodassoc_cli.models.data import Csr, TrainingData, csr_of
from prodassoc_cli.models.newcomers import lengthened, widened
from prodassoc_cli.models.storage.packing import Arrays, pack, unpack
from prodassoc_cli.numerics.arrays import Bools, Floats, Ints, Longs

ColdWay = Literal["neighbours", "ridge"]
"""How a product without a past gets a score: from the nearest by text, or by a regression on the texts."""

_WARM = 20
"""Buyers from which on a product's own past is enough; fewer are where the usual product has few."""

_USUAL_SHARE = 0.25
"""Share of the buyers of the usual (median) product from which on a product is as warm as it gets there."""

_OWN = 0.3
"""Buyers at which a product's own score would count as much as its neighbours'; chosen in
docs/decisions/0005-models.md: a single buyer tells more than texts do."""

_REGRESSED = 200
"""Products that a regression keeps for each cold one, those of the largest weights."""

_BLOCK = 1024

ScorePairs = Callable[[Longs, Ints], Floats]
"""The bounds of rows in an array of products, and these → the score of each."""

_Lender = Callable[[Ints], tuple[Ints, Floats]]
"""Gives cold products × lenders: warm products (-1: none) and how much the score of each counts."""


class ColdProducts:
    """Scores of a product with n buyers: n / (n + 0.3) of its own, and the rest borrowed from warm products.

    The lenders are the warm products whose embeddings are nearest, weighed by cosine to a power, or those
    that count most in a ridge regression from the embeddings. So what learns from purchases, rules among it,
    reaches products that nobody has bought yet.

    Attributes:
        items: the products with few buyers that have a text, ascending.
        near: len(items) × products of weights; those of neighbours sum to 1 − own share.
        own: the share of each one's own score.
    """

    def __init__(self, items: Ints, near: Csr, own: Floats) -> None:
        self.items, self.near, self.own = items, near, own
        self._lenders = np.flatnonzero(np.bincount(near.indices, minlength=near.shape[1]))
        self._lent = near.T.tocsr()[self._lenders]
        self._borrowers = np.zeros(near.shape[1], np.bool_)
        self._borrowers[items[own < 0.5]] = True

    @classmethod
    def of(cls, data: TrainingData, threads: int, way: ColdWay = "neighbours", seed: int = 0) -> Self:
        """Return the cold products of this data; none where there are no embeddings."""
        buyers = np.bincount(data.rows.indices, minlength=data.n_items)
        vectors = data.embeddings
        if vectors is None:
            return cls.none(data.n_items)
        has_text = vectors.any(axis=1)
        usual = float(np.median(buyers[buyers > 0])) if buyers.any() else 0.0
        enough = min(_WARM, max(1.0, _USUAL_SHARE * usual))
        items = np.flatnonzero(has_text & (buyers < enough)).astype(np.int32)
        warm = has_text & (buyers >= enough)
        if not len(items) or np.count_nonzero(warm) < 2:
            return cls.none(data.n_items)
        lend: _Lender = partial(similarity.nearest_by_text, vectors, lenders=warm, threads=threads)
        if way == "ridge":
            lend = _regressed(data, warm, seed)
        rows, columns, weights = [], [], []
        for start in range(0, len(items), _BLOCK):
            lenders, counts = lend(items[start : start + _BLOCK])
            lent = (lenders >= 0) & (counts != 0)
            rows.append(start + np.nonzero(lent)[0])
            columns.append(lenders[lent])
            weights.append(counts[lent])
        entries = (np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns)))
        near = csr_of(sparse.csr_array(entries, shape=(len(items), data.n_items)))
        own = (buyers[items] / (buyers[items] + _OWN)).astype(np.float32)
        return cls(items, similarity.scaled(near, rows=1 - own), own)

    @classmethod
    def none(cls, n_items: int) -> Self:
        """Return that no product is cold."""
        return cls(np.empty(0, np.int32), csr_of(np.zeros((0, n_items))), np.empty(0, np.float32))

    def admitting(self, lent: Csr) -> ColdProducts:
        """Return these with the products that came after the training, which have nothing of their own.

        Args:
            lent: new products × all products, the new ones last: what each borrows of which.
        """
        new, n_items = lent.shape
        items = np.concatenate([self.items, np.arange(n_items - new, n_items, dtype=np.int32)])
        near = csr_of(sparse.vstack([widened(self.near, n_items), lent]))
        return ColdProducts(items, near, lengthened(self.own, new))

    def blend(self, scores: Floats) -> Floats:
        """Write the blended scores of the cold products into rows × products of scores, and return them."""
        if not len(self.items):
            return scores
        known = scores[:, self._lenders]
        known[np.isneginf(known)] = 0
        borrowed = np.asarray(known @ self._lent, np.float32)
        own = scores[:, self.items]
        own[np.isneginf(own)] = 0
        scores[:, self.items] = _blended(own, self.own, borrowed)
        return scores

    def blend_pairs(self, scores: Sequence[ScorePairs], indptr: Longs, items: Ints) -> Floats:
        """Return what `blend` makes of some products of each row: len(items) × len(scores).

        Args:
            scores: each gives scores of products of each row, by the rows' bounds and the products.
            indptr: bounds of each row's products in `items`.
            items: products.
        """
        if not len(self.items):
            return np.column_stack([score(indptr, items) for score in scores])
        place = np.minimum(np.searchsorted(self.items, items), len(self.items) - 1)
        cold = np.flatnonzero(self.items[place] == items)
        # Each cold product is followed by its lenders.
        lent = self.near[place[cold]]
        lenders = np.diff(lent.indptr)
        size = np.ones(len(items), np.int64)
        size[cold] += lenders
        first = np.cumsum(size) - size
        asked = np.empty(int(size.sum()), np.int32)
        asked[first] = items
        at = np.repeat(first[cold] + 1 - lent.indptr[:-1], lenders) + np.arange(lent.nnz)
        asked[at] = lent.indices
        bounds, borrower = np.append(first, len(asked))[indptr], np.repeat(np.arange(len(cold)), lenders)
        result = np.empty((len(items), len(scores)), np.float32)
        for n, score in enumerate(scores):
            found = score(bounds, asked)
            result[:, n] = found[first]
            found[np.isneginf(found)] = 0
            borrowed = np.bincount(borrower, found[at] * lent.data, len(cold)).astype(np.float32)
            result[cold, n] = _blended(found[first[cold]], self.own[place[cold]], borrowed)
        return result

    def mostly_borrowed(self, items: Ints) -> Bools:
        """Return which of these products have less than half of their score from their own past."""
        return self._borrowers[items]

    def arrays(self) -> Arrays:
        """Return what `from_arrays` takes."""
        return {"items": self.items, "own": self.own, **pack("near", self.near)}

    @classmethod
    def from_arrays(cls, arrays: Arrays, n_items: int) -> Self:
        """Take back what `arrays` gave."""
        items = arrays["items"]
        near = unpack("near", arrays, n_items, rows=len(items))
        if len(items) != len(arrays["own"]) or (len(items) and not 0 <= items.min() <= items.max() < n_items):
            raise ValueError("the cold products do not fit the catalogue")
        return cls(items, near, arrays["own"])


def _blended(own: Floats, share: Floats, borrowed: Floats) -> Floats:
    """Return that share of a product's own score with what it borrows; -inf where that is nothing."""
    blended = own * share + borrowed
    return np.where(blended != 0, blended, -np.inf)


def _regressed(data: TrainingData, warm: Bools, seed: int) -> _Lender:
    """Lend what a ridge regression from the texts predicts of the scores."""
    from prodassoc_cli.models.hybrid.text_ridge import (
        TextRidge,  # scikit-learn takes long to import, and few ask for it
    )

    vectors = data.embeddings
    assert vectors is not None
    known = np.flatnonzero(warm).astype(np.int32)
    ridge = TextRidge.of(data.rows, vectors, warm, seed)

    def lend(items: Ints) -> tuple[Ints, Floats]:
        weights = ridge.weights(vectors[items])
        if len(known) <= _REGRESSED:
            return np.broadcast_to(known, weights.shape), weights
        largest = np.argpartition(-np.abs(weights), _REGRESSED, axis=1)[:, :_REGRESSED]
        return known[largest], np.take_along_axis(weights, largest, axis=1)

    return lend
