"""How sure one can be of a mean over users: 95 % intervals and paired tests.

Users are the units that were sampled, so every interval is over users. Student's t rather than a bootstrap:
closed form, the same bytes for every seed and thread count, and for the mean over hundreds of users just as
good. A share (hit rate) takes Wilson's score interval, which stays honest near 0 and 1 and with few users.
Values that are all equal say nothing about their spread: then there is no interval, not one of width 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special  # scipy.stats has these formulas too, but takes 0.6 s to import

from prodassoc_cli.numerics.arrays import Doubles

LEVEL = 0.95
"""Confidence level of every interval."""

NORMAL = float(special.ndtri((1 + LEVEL) / 2))
"""Standard errors that an interval of a normal estimate reaches to either side."""


@dataclass(frozen=True)
class Estimate:
    """A mean and its interval; None where undefined.

    Attributes:
        value: the mean.
        low: lower end of the 95 % interval.
        high: upper end of the 95 % interval.
        n: number of values it is over.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int


def mean_interval(
    sums: Doubles, counts: Doubles | None = None, low: float = -math.inf, high: float = math.inf
) -> Estimate:
    """Return the mean of values that come in clusters (users), with a t interval over the clusters.

    The variance of the ratio m = Σ sums / Σ counts over c clusters is linearised:
    Σ(sᵢ - m·countᵢ)² · c/(c - 1) / (Σ countᵢ)² (Cochran 1977, Sampling Techniques, ch. 6).
    With counts of one it is the ordinary s²/n.

    Args:
        sums: sum of the values of each cluster.
        counts: number of values of each cluster, > 0; None for one each.
        low: smallest value the mean can have; the interval is cut there.
        high: largest value the mean can have.

    Returns:
        The estimate; n counts values. Without values all is None; with fewer than two clusters or no
        spread the interval is None.
    """
    clusters = len(sums)
    n = clusters if counts is None else int(counts.sum())
    if n == 0:
        return Estimate(None, None, None, 0)
    mean = float(sums.sum() / n)
    if clusters < 2:
        return Estimate(mean, None, None, n)
    residuals = sums - (mean if counts is None else mean * counts)
    error = math.sqrt(float(residuals @ residuals) * clusters / (clusters - 1)) / n
    # Rounding leaves residuals of some ulps where all values are equal.
    if error <= 1e-12 * max(1.0, abs(mean)):
        return Estimate(mean, None, None, n)
    half = error * students_t(clusters)
    return Estimate(mean, max(low, mean - half), min(high, mean + half), n)


def students_t(clusters: int) -> float:
    """Return the standard errors that the interval of a mean over clusters reaches to either side."""
    return float(special.stdtrit(clusters - 1, (1 + LEVEL) / 2))


def wilson(successes: Doubles, trials: Doubles) -> tuple[Doubles, Doubles]:
    """Return the ends of Wilson's score interval of shares; trials > 0 (Newcombe 1998, Stat. Med. 17)."""
    p, square = successes / trials, NORMAL**2
    middle = (2 * trials * p + square) / (2 * (trials + square))
    half = NORMAL / (2 * (trials + square)) * np.sqrt(4 * trials * p * (1 - p) + square)
    return np.where(p == 0, 0.0, middle - half), np.where(p == 1, 1.0, middle + half)


def share_interval(values: Doubles) -> Estimate:
    """Return the share of ones among zeros and ones, with Wilson's score interval (Wilson 1927, JASA 22)."""
    n = len(values)
    if n == 0:
        return Estimate(None, None, None, 0)
    low, high = wilson(np.array(values.sum()), np.array(float(n)))
    return Estimate(float(values.mean()), float(low), float(high), n)


def paired_p_value(differences: Doubles) -> float | None:
    """Return the two-sided p-value of a paired t-test of mean difference 0; None where it has no spread."""
    estimate = mean_interval(differences)
    if estimate.value is None or estimate.high is None:
        return None
    n = len(differences)
    t = differences.mean() / math.sqrt(differences.var(ddof=1) / n)
    return float(2 * special.stdtr(n - 1, -abs(t)))


def holm(p_values: Doubles) -> Doubles:
    """Return p-values adjusted for multiple testing by Holm's step-down method; NaN stays out of the family.

    Holm 1979, Scandinavian Journal of Statistics 6: the i-th smallest of m is multiplied by m - i + 1, and no
    adjusted value is below an earlier one or above 1.
    """
    adjusted = np.full(len(p_values), np.nan)
    tested = np.flatnonzero(~np.isnan(p_values))
    order = tested[np.argsort(p_values[tested], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p_values[order] * factors))
    return adjusted
