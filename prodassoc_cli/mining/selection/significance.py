"""Which rules are more than chance: exact p-values, and their correction for all rules that were looked at.

The test is Fisher's exact test of a 2×2 table, one-sided: the probability that A and B meet in so many
baskets or more if B's baskets were drawn blindly. Millions of rules are looked at, so some meet by chance;
a corrected p-value (q) accounts for that. What counts is the search space, all rules that could have been
found, not the few that were kept (Webb 2007, "Discovering significant patterns"). The space is made of the
products that are frequent by themselves: their own counts are what the test holds fixed, so they tell
nothing of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

CORRECTIONS = ("webb", "bh", "by", "holm", "bonferroni")

_BLOCK = 1 << 18
_NEGLIGIBLE = 1e-17


def log_fisher(n: np.ndarray, n_a: np.ndarray, n_b: np.ndarray, n_ab: np.ndarray) -> np.ndarray:
    """Return the natural log of the one-sided p-value of each rule, float64.

    It is ln P(X ≥ n_ab) with X hypergeometric.
    The log is exact far below the smallest float; its error grows with n, 1e-16·n (1e-8 at 100 million).

    Args:
        n: baskets.
        n_a: baskets with A.
        n_b: baskets with B.
        n_ab: baskets with both.
    """
    # A → B and B → A are to agree to the last digit.
    rarer, other = np.minimum(n_a, n_b), np.maximum(n_a, n_b)
    whole = np.broadcast_arrays(n, rarer, other, n_ab)
    out = np.empty(whole[0].shape)
    for begin in range(0, out.size, _BLOCK):
        part = slice(begin, begin + _BLOCK)
        out[part] = _log_tail(*(each[part].astype(np.float64) for each in whole))
    return out


def _log_tail(n: np.ndarray, n_a: np.ndarray, n_b: np.ndarray, n_ab: np.ndarray) -> np.ndarray:
    """Sum the shorter tail term by term: each follows from the last by a ratio below 1."""
    upper = n_ab * n >= n_a * n_b
    first = np.where(upper, n_ab, n_ab - 1)
    possible = upper | (first >= np.maximum(0, n_a + n_b - n))
    total, term = np.ones_like(n), np.ones_like(n)
    active = np.flatnonzero(possible)
    step = 0
    while active.size:
        at = first[active] + np.where(upper[active], step, -step)
        a, b, rest = n_a[active], n_b[active], n[active] - n_a[active] - n_b[active]
        rising = (a - at) * (b - at) / ((at + 1) * (rest + at + 1))
        falling = at * (rest + at) / ((a - at + 1) * (b - at + 1))
        term[active] *= np.where(upper[active], rising, falling)
        total[active] += term[active]
        active = active[term[active] > _NEGLIGIBLE * total[active]]
        step += 1
    with np.errstate(divide="ignore", invalid="ignore"):
        log_tail = np.where(possible, log_probability(n, n_a, n_b, first) + np.log(total), -np.inf)
        below = np.log1p(-np.minimum(np.exp(log_tail), 1.0))
    return np.minimum(np.where(upper, log_tail, below), 0.0)


def log_probability(n: np.ndarray, n_a: np.ndarray, n_b: np.ndarray, n_ab: np.ndarray) -> np.ndarray:
    """Return ln P(X = n_ab), the terms of both factors subtracted pairwise to keep them small."""
    return (
        _log_choose(n_a, n_ab) + _log_choose(n - n_a, n_b - n_ab) - _log_choose(n, n_b)
    )  # fmt: skip


def _log_choose(n: np.ndarray, k: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)


@dataclass(frozen=True)
class SearchSpace:
    """All rules that a search can come to.

    Attributes:
        items: products frequent by themselves.
        max_consequent: maximum number of products on the right.
        max_size: maximum number of products in a rule; None where the search had no bound.
        largest: products in the largest set found.
        antecedents: of the items, how many the left side must hold one of; None where any will do.
        consequents: the same of the right side.
        either: of the items, how many are among one or the other; None unless both sides are bound.
    """

    items: int
    max_consequent: int = 1
    max_size: int | None = None
    largest: int = 2
    antecedents: int | None = None
    consequents: int | None = None
    either: int | None = None

    def rules_of_size(self, size: int) -> int:
        """Return the number of rules of `size` products."""
        most = min(self.max_consequent, size - 1)
        return sum(self._rules(size - right, right) for right in range(1, most + 1))

    def total(self) -> int:
        """Return the number of rules up to the maximum size, or up to the largest set found."""
        last = max(2, self.largest if self.max_size is None else min(self.max_size, self.items))
        return max(1, sum(self.rules_of_size(size) for size in range(2, last + 1)))

    def _rules(self, left: int, right: int) -> int:
        """Return the rules of so many products on each side, by inclusion and exclusion."""
        if left + right > self.items:
            return 0
        fits = (self.antecedents, self.consequents, self.either)
        wrong_left, wrong_right, wrong = (0 if some is None else self.items - some for some in fits)
        both_wrong = sum(
            math.comb(wrong, shared)
            * math.comb(wrong_left - wrong, left - shared)
            * math.comb(max(wrong_right - shared, 0), right)
            for shared in range(left + 1)
        )
        return (
            math.comb(self.items, left) * math.comb(self.items - left, right)
            - math.comb(wrong_left, left) * math.comb(self.items - left, right)
            - math.comb(wrong_right, right) * math.comb(self.items - right, left)
            + both_wrong
        )


def corrected(log_p: np.ndarray, sizes: np.ndarray, space: SearchSpace, method: str) -> np.ndarray:
    """Return the q-value of each rule: the lowest level at which it passes the correction, float64.

    - webb: layered critical values (Webb 2008): every size of rule has its share of the level, divided by the
      number of rules of that size. The shares are equal up to `max_size`; without one, 1/2, 1/4, 1/8 …
    - bonferroni, holm: the same promise, that the chance of any wrong rule is at most the level.
    - bh (Benjamini & Hochberg 1995), by (Benjamini & Yekutieli 2001, under any dependence): of the rules
      that pass, at most that share is wrong on average.

    Rules that could have been found but are not among these count as not significant: that errs on the
    safe side.

    Args:
        log_p: natural log of the p-values.
        sizes: number of products in each rule.
        space: what was searched.
        method: one of `CORRECTIONS`.
    """
    if method == "webb":
        return np.exp(np.minimum(log_p + _log_layer_factors(sizes, space), 0.0))
    return flat_correction(log_p, space.total(), method)


def _log_layer_factors(sizes: np.ndarray, space: SearchSpace) -> np.ndarray:
    """Return the log of what a p-value is multiplied by, by the size of its rule."""
    factors = np.zeros(int(sizes.max(initial=1)) + 1)
    for size in range(2, len(factors)):
        layers = 2 ** (size - 1) if space.max_size is None else max(min(space.max_size, space.items) - 1, 1)
        factors[size] = math.log(layers * max(1, space.rules_of_size(size)))
    return np.asarray(factors[sizes])


def flat_correction(log_p: np.ndarray, hypotheses: int, method: str) -> np.ndarray:
    """Return the q-values where all hypotheses share one level; see `corrected`.

    Args:
        log_p: natural log of the p-values.
        hypotheses: number of hypotheses, at least as many as p-values.
        method: bh, by, holm or bonferroni.
    """
    if method == "bonferroni":
        return np.exp(np.minimum(log_p + math.log(hypotheses), 0.0))
    order = np.argsort(log_p, kind="stable")
    rank = np.arange(log_p.size)
    if method == "holm":
        log_left = _log_below(hypotheses, rank)
        steps = np.maximum.accumulate(log_p[order] + log_left)
    else:
        factor = math.log(hypotheses) + (math.log(_harmonic(hypotheses)) if method == "by" else 0.0)
        steps = np.minimum.accumulate((log_p[order] + factor - np.log(rank + 1.0))[::-1])[::-1]
    q = np.empty_like(log_p)
    q[order] = np.exp(np.minimum(steps, 0.0))
    return q


def _log_below(hypotheses: int, rank: np.ndarray) -> np.ndarray:
    """Return ln(hypotheses - rank), also where `hypotheses` is no machine integer."""
    if hypotheses < 2**53:
        return np.log(np.maximum(float(hypotheses) - rank, 1.0))
    return np.full(rank.shape, math.log(hypotheses))


def _harmonic(n: int) -> float:
    """Return 1 + 1/2 + … + 1/n."""
    if n < 1_000_000:
        return float((1.0 / np.arange(1, n + 1)).sum())
    return math.log(n) + np.euler_gamma
