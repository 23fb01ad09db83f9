"""Association factors: a product's own where it was bought often, lent by its text where it was not.

How much is lent, how smooth, and what a dot product says of lift is learned on an inner split: a fifth of the
baskets is held out, and some products are made cold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from prodassoc_cli.association.factors import Csr, factors_of, log_lifts, together
from prodassoc_cli.association.held_out import HeldOutPairs, held_out_pairs, likeliest_scale
from prodassoc_cli.association.lending import Teacher
from prodassoc_cli.numerics.arrays import Bools, Floats, Ints, Longs

DIMS = 128
_RIDGES = (0.1, 0.3, 1.0, 3.0)
_PRIORS = (0.0, 3.0, 10.0, 30.0, 100.0)
"""Baskets from which on a product's own factors count as much as the lent ones; 0: they alone."""

_MOST_KNOWN, _KNOWN_WHILE_CHOOSING = 4000, 1500
_HELD_OUT, _COLD = 0.2, 0.15
_FEW_PAIRS = 50
_RARE = 50
_DEFAULT_RIDGE, _DEFAULT_PRIOR, _DEFAULT_SCALE = 0.3, 10.0, 4.0
_BLOCK = 2048
_NEAR = 10
FEW_BASKETS = 30
"""A product in fewer baskets is hardly ever proven to go with another; what is said of it is expected."""
MOSTLY = 0.5
"""Share of its own below which what is said of a product is mostly lent: an expectation."""


@dataclass(frozen=True)
class AssociationFactors:
    """What is bought with what.

    Attributes:
        vectors: products × dims: the log-lift that i and j are expected to have is scale · Σ s_d·v_id·v_jd.
        signs: dims of s: 1, and -1 (or 0) where products alike are not bought together.
        own: share of each product's vector that its own baskets gave; the rest is lent by its text.
        scale: factor from dot products to log-lifts.
        near: products × 10, bought products of the most similar texts, nearest first; -1 where there are
            none, and for products that need no other's experience.
        facts: what was learned on the inner split, for the summary.
    """

    vectors: Floats
    signs: Floats
    own: Floats
    scale: float
    near: Ints
    facts: dict[str, float]

    @property
    def weighed(self) -> Floats:
        """The vectors whose plain dot products with `vectors` are expected log-lifts."""
        return self.vectors * (self.signs * np.float32(self.scale))

    @property
    def expecting(self) -> Bools:
        """Which products were bought so rarely that what goes with them is expected rather than counted."""
        found: Bools = self.near[:, 0] >= 0
        return found


def learn_factors(transactions: Csr, texts: Floats | None, seed: int, dims: int = DIMS) -> AssociationFactors:
    """Learn from baskets and, if there are any, from texts.

    Args:
        transactions: baskets × products, 1 where a product is in a basket.
        texts: products × d of length 1, zeros where a product has no text; None without texts.
        seed: of the inner split.
        dims: numbers per product.
    """
    has_text: Bools = np.zeros(transactions.shape[1], np.bool_)
    if texts is not None:
        has_text |= texts.any(axis=1)
    choice = _chosen(transactions, texts, has_text, seed)
    counts, own, signs = _own_factors(transactions, dims)
    signs = signs if choice.signed else np.maximum(signs, 0)
    if texts is None or not has_text.any() or not counts.any():
        alone = np.full((len(own), _NEAR), -1, np.int32)
        share = np.ones(len(own), np.float32)
        return AssociationFactors(own, signs, share, choice.scale, alone, choice.facts())
    known = _most_bought(counts, has_text, _MOST_KNOWN)
    lent = Teacher.of(texts, known).lent(own, choice.ridge)
    share = _own_share(counts, has_text, choice.prior)
    expecting = has_text & ((share < MOSTLY) | (counts < FEW_BASKETS))
    near = _nearest(texts, known, np.flatnonzero(expecting))
    vectors = _blended(own, lent, share)
    return AssociationFactors(vectors, signs, share, choice.scale, near, choice.facts())


class _Choice(NamedTuple):
    """How texts lend: chosen on the inner split, or the usual where that is too small."""

    ridge: float
    prior: float
    scale: float
    signed: bool = True
    cold: float = float("nan")
    rare: float = float("nan")

    def facts(self) -> dict[str, float]:
        """Return it for the summary: AUC among products of equal popularity where it was judged."""
        named = {"ridge": self.ridge, "prior": self.prior, "scale": round(self.scale, 4)}
        named["signed"] = float(self.signed)
        judged = {"auc_cold": self.cold, "auc_rare": self.rare}
        return named | {name: round(value, 4) for name, value in judged.items() if np.isfinite(value)}


def _chosen(transactions: Csr, texts: Floats | None, has_text: Bools, seed: int) -> _Choice:
    usual = _Choice(_DEFAULT_RIDGE, _DEFAULT_PRIOR, _DEFAULT_SCALE)
    rng = np.random.default_rng(seed)
    held = rng.random(transactions.shape[0]) < _HELD_OUT
    counts = np.bincount(transactions.indices, minlength=transactions.shape[1])
    lendable = np.flatnonzero(has_text & (counts > 0))
    cold = np.zeros(len(counts), np.bool_)
    cold[rng.permutation(lendable)[: int(_COLD * len(lendable))]] = True
    train, test = _without(transactions[np.flatnonzero(~held)], cold), transactions[np.flatnonzero(held)]
    counts, own, signs = _own_factors(train, DIMS // 2)
    pairs = held_out_pairs(test, counts > 0, rng)
    of_warm = pairs.where(counts > 0)
    if len(of_warm.source) >= _FEW_PAIRS:
        ways = [np.maximum(signs, 0), signs]
        found = [of_warm.auc(own * each, own) for each in ways]
        signs = ways[_nearest_of_the_best(found, len(of_warm.source), 1)]
        usual = usual._replace(signed=bool((signs < 0).any()))
    scored = own
    if texts is not None and np.count_nonzero(has_text & (counts > 0)) >= _FEW_PAIRS:
        usual, scored = _lending(own, signs, counts, texts, has_text, pairs, cold, usual)
    sources = np.flatnonzero(cold if cold.any() else counts > 0)
    return usual._replace(scale=likeliest_scale(test, scored, signs, sources, usual.scale, rng))


def _lending(
    own: Floats, signs: Floats, counts: Longs, texts: Floats, has_text: Bools, pairs: HeldOutPairs,
    cold: Bools, usual: _Choice,
) -> tuple[_Choice, Floats]:  # fmt: skip
    """Choose the ridge by pairs of cold products, and the prior by those of rare ones."""
    teacher = Teacher.of(texts, _most_bought(counts, has_text, _KNOWN_WHILE_CHOOSING))
    of_cold, of_rare = pairs.where(cold), pairs.where((counts > 0) & (counts < _RARE))
    ridge, prior, auc_cold, auc_rare = usual.ridge, usual.prior, float("nan"), float("nan")
    lent = {each: teacher.lent(own, each) for each in _RIDGES}
    if len(of_cold.source) >= _FEW_PAIRS:
        share = _own_share(counts, has_text, prior)
        found = [of_cold.auc(lent[each] * signs, _blended(own, lent[each], share)) for each in _RIDGES]
        best = _nearest_of_the_best(found, len(of_cold.source), _RIDGES.index(ridge))
        ridge, auc_cold = _RIDGES[best], found[best]
    blends = {each: _blended(own, lent[ridge], _own_share(counts, has_text, each)) for each in _PRIORS}
    if len(of_rare.source) >= _FEW_PAIRS:
        found = [of_rare.auc(blend * signs, blend) for blend in blends.values()]
        best = _nearest_of_the_best(found, len(of_rare.source), _PRIORS.index(prior))
        prior, auc_rare = _PRIORS[best], found[best]
    return usual._replace(ridge=ridge, prior=prior, cold=auc_cold, rare=auc_rare), blends[prior]


def _nearest_of_the_best(aucs: Sequence[float], pairs: int, usual: int) -> int:
    """Return which of those within a standard error of the best is nearest to the usual one."""
    best = max(aucs)
    error = (best * (1 - best) / pairs) ** 0.5
    good = [place for place, auc in enumerate(aucs) if auc >= best - error]
    return min(good, key=lambda place: abs(place - usual))


def _nearest(texts: Floats, known: Longs, wanting: Longs) -> Ints:
    """Return the known products nearest by text to each of those wanting; see `AssociationFactors.near`."""
    near = np.full((len(texts), _NEAR), -1, np.int32)
    for start in range(0, len(wanting), _BLOCK):
        rows = wanting[start : start + _BLOCK]
        likeness = texts[rows] @ texts[known].T
        likeness[rows[:, None] == known[None]] = -np.inf
        order = np.argsort(-likeness, axis=1, kind="stable")[:, :_NEAR]
        near[rows, : order.shape[1]] = known[order]
    return near


def _own_factors(transactions: Csr, dims: int) -> tuple[Longs, Floats, Floats]:
    """Return in how many baskets each product is, its own factors, and their signs."""
    counts = np.bincount(transactions.indices, minlength=transactions.shape[1])
    baskets = int(np.count_nonzero(np.diff(transactions.indptr)))
    lifts = log_lifts(together(transactions), counts.astype(np.float64), baskets)
    return counts, *factors_of(lifts, dims)


def _own_share(counts: Longs, has_text: Bools, prior: float) -> Floats:
    """Return n / (n + prior): 1 where no text could lend anything, 0 where nothing was bought."""
    share = counts / np.maximum(counts + prior, 1e-9)
    return np.where(has_text | (counts == 0), share, 1).astype(np.float32)


def _blended(own: Floats, lent: Floats, share: Floats) -> Floats:
    return share[:, None] * own + (1 - share)[:, None] * lent


def _most_bought(counts: Longs, has_text: Bools, most: int) -> Longs:
    """Return up to so many products with a text that were bought, those bought most often."""
    known = np.flatnonzero(has_text & (counts > 0))
    return np.sort(known[np.argsort(-counts[known], kind="stable")[:most]])


def _without(transactions: Csr, items: Bools) -> Csr:
    kept = transactions.copy()
    kept.data = kept.data * ~items[kept.indices]
    kept.eliminate_zeros()
    return kept
