"""Accuracy of lists: one value per user, from where the list hits what the user then chose.

The definitions stand in `prodassoc_cli.evaluation.metrics.registry`.
"""

from __future__ import annotations

import numpy as np

from prodassoc_cli.evaluation.judged_lists import JudgedLists
from prodassoc_cli.numerics.arrays import Doubles
from prodassoc_cli.numerics.ndcg import ndcg as ndcg_of_hits


def per_user(judged: JudgedLists, k: int, gains: Doubles | None = None) -> Doubles:
    """Sum the gains (default 1) of the hits at positions up to k for each judged user."""
    within = judged.hit_position <= k
    weights = None if gains is None else gains[within]
    sums = np.bincount(judged.hit_user[within], weights, minlength=len(judged.truth.relevant))
    return sums.astype(np.float64)


def precision(judged: JudgedLists, k: int) -> Doubles:
    """Hits / k."""
    return per_user(judged, k) / k


def recall(judged: JudgedLists, k: int) -> Doubles:
    """Hits / |relevant|."""
    return per_user(judged, k) / judged.truth.relevant


def f1(judged: JudgedLists, k: int) -> Doubles:
    """2 · precision · recall / (precision + recall) = 2 · hits / (k + |relevant|), 0 without a hit."""
    return 2 * per_user(judged, k) / (k + judged.truth.relevant)


def average_precision(judged: JudgedLists, k: int) -> Doubles:
    """Sum over hits of the precision at their position, / |relevant|."""
    return per_user(judged, k, judged.hit_number / judged.hit_position) / judged.truth.relevant


def reciprocal_rank(judged: JudgedLists, k: int) -> Doubles:
    """1 / position of the first hit, 0 without one."""
    return per_user(judged, k, (judged.hit_number == 1) / judged.hit_position)


def ndcg(judged: JudgedLists, k: int) -> Doubles:
    """DCG / ideal DCG with DCG = Σ over hits of 1 / log₂(position + 1)."""
    return ndcg_of_hits(judged.hit_user, judged.hit_position, judged.truth.relevant, k)


def hit_rate(judged: JudgedLists, k: int) -> Doubles:
    """1 where the list has a hit, else 0."""
    return (per_user(judged, k) > 0).astype(np.float64)


def accuracy(judged: JudgedLists, k: int) -> Doubles:
    """(TP + TN) / catalogue of the binary decision "listed means relevant"."""
    wrong = _listed(judged, k) + judged.truth.relevant - 2 * per_user(judged, k)
    return np.maximum(0.0, 1 - wrong / _catalogue_size(judged))


def auc(judged: JudgedLists, k: int) -> Doubles:
    """Share of (relevant, other) pairs of the catalogue in the right order; pairs off the list count half."""
    relevant = judged.truth.relevant.astype(np.float64)
    others = _catalogue_size(judged) - relevant
    hits, listed = per_user(judged, k), _listed(judged, k)
    misses_above = per_user(judged, k, (judged.hit_position - judged.hit_number).astype(np.float64))
    below = (relevant - hits) * (others - (listed - hits)) / 2
    right = hits * others - misses_above + below
    pairs = relevant * others
    return np.divide(right, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)


def _listed(judged: JudgedLists, k: int) -> Doubles:
    """Return the length of each list cut to k."""
    users = judged.user[judged.position <= k]
    return np.bincount(users, minlength=len(judged.truth.relevant)).astype(np.float64)


def _catalogue_size(judged: JudgedLists) -> int:
    """Return the size of the catalogue, what was listed or relevant outside of it included."""
    return judged.truth.products.height
