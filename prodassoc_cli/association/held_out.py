"""Baskets that were set aside: which vectors say best what is bought together in them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from prodassoc_cli.association.factors import Csr, together
from prodassoc_cli.numerics.arrays import Bools, Floats, Longs

_MOST_PAIRS = 20_000
_TIMES_BY_CHANCE, _BASKETS = 2.0, 2
_LIKE_POPULAR = 0.15
_FEW_SOURCES, _MOST_SOURCES = 20, 300


class HeldOutPairs(NamedTuple):
    """Pairs bought together in held-out baskets, each with a product as popular that was not."""

    source: Longs
    partner: Longs
    other: Longs

    def auc(self, left: Floats, right: Floats) -> float:
        """Return how often the partner's dot product is the larger one; ties count half."""
        true = np.einsum("ij,ij->i", left[self.source], right[self.partner])
        false = np.einsum("ij,ij->i", left[self.source], right[self.other])
        return float((true > false).mean() + (true == false).mean() / 2)

    def where(self, mask: Bools) -> HeldOutPairs:
        """Return the pairs of some sources."""
        kept = mask[self.source]
        return HeldOutPairs(self.source[kept], self.partner[kept], self.other[kept])


def held_out_pairs(test: Csr, listed: Bools, rng: np.random.Generator) -> HeldOutPairs:
    """Return pairs of held-out baskets that met at least twice as often as by chance.

    Args:
        test: the baskets.
        listed: products that can be partners.
        rng: draws the pairs, and the products beside them.
    """
    both = together(test)
    counts = np.bincount(test.indices, minlength=test.shape[1])
    pairs = both.tocoo()
    by_chance = counts[pairs.row].astype(np.float64) * counts[pairs.col] / max(1, test.shape[0])
    true = (pairs.data >= _BASKETS) & (pairs.data >= _TIMES_BY_CHANCE * by_chance) & listed[pairs.col]
    chosen = np.flatnonzero(true)
    chosen = rng.permutation(chosen)[:_MOST_PAIRS]
    source, partner = pairs.row[chosen].astype(np.int64), pairs.col[chosen].astype(np.int64)
    candidates = np.flatnonzero(listed)
    candidates = candidates[np.argsort(counts[candidates], kind="stable")]
    popular = counts[candidates]
    low = np.searchsorted(popular, counts[partner] * (1 - _LIKE_POPULAR))
    high = np.searchsorted(popular, counts[partner] * (1 + _LIKE_POPULAR), side="right")
    drawn = low + (rng.random(len(partner)) * np.maximum(high - low, 0)).astype(np.int64)
    other = candidates[np.minimum(drawn, len(candidates) - 1)] if len(candidates) else partner
    met = _entries(both, source, other) > 0
    fit = ~met & (other != source) & (high > low)
    return HeldOutPairs(source[fit], partner[fit], other[fit])


def _entries(matrix: Csr, rows: Longs, columns: Longs) -> Floats:
    """Return the entries of a matrix with sorted columns at these places; 0 where there is none."""
    width = matrix.shape[1]
    keys = (
        np.repeat(np.arange(matrix.shape[0], dtype=np.int64), np.diff(matrix.indptr)) * width + matrix.indices
    )
    wanted = rows * width + columns
    at = np.minimum(np.searchsorted(keys, wanted), max(0, len(keys) - 1))
    return np.where(keys[at] == wanted, matrix.data[at], 0) if len(keys) else np.zeros(len(rows), np.float32)


def likeliest_scale(
    test: Csr, vectors: Floats, signs: Floats, sources: Longs, usual: float, rng: np.random.Generator
) -> float:
    """Return the factor from dot products to log-lifts that makes held-out counts likeliest (Poisson)."""
    counts = np.bincount(test.indices, minlength=test.shape[1])
    sources = sources[counts[sources] > 0]
    if len(sources) < _FEW_SOURCES:
        return usual
    sources = rng.permutation(sources)[:_MOST_SOURCES]
    both = np.asarray((test.T.tocsr()[sources] @ test).todense())
    by_chance = np.outer(counts[sources], counts) / test.shape[0]
    dots = (vectors[sources] * signs) @ vectors.T
    apart = (by_chance > 0) & (np.arange(test.shape[1])[None] != sources[:, None])
    x, y, chance = dots[apart].astype(np.float64), both[apart].astype(np.float64), by_chance[apart]
    scale = 1.0
    for _ in range(30):
        mean = chance * np.exp(np.minimum(scale * x, 20))
        step = float(((y - mean) * x).sum() / max(float((mean * x * x).sum()), 1e-12))
        scale += float(np.clip(step, -1, 1))
        if abs(step) < 1e-4:
            break
    return float(scale) if np.isfinite(scale) and scale > 0 else usual
