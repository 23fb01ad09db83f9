"""What a reason is worth: how far a score falls when the products named are taken out of the history."""

from __future__ import annotations

import numpy as np

from prodassoc_cli.models.base import Queries, Recommender
from prodassoc_cli.numerics.arrays import Doubles, Floats, Ints

_SCORES_AT_ONCE = 2**24


def score_drop(
    recommender: Recommender, queries: Queries, items: Ints, scores: Floats, named: Ints, threads: int
) -> Doubles:
    """Return how much lower each item's score is without its named products, by scoring again.

    A score of 0 stands for no score: it is what is left of a sum when nothing is left to add.

    Args:
        recommender: what gave the scores.
        queries: the histories.
        items: lists × slots; -1 is empty.
        scores: lists × slots.
        named: lists × slots × names, the products to take out; -1: none.
        threads: threads to use.

    Returns:
        lists × slots; NaN where nothing is named.
    """
    fallen = np.full(items.shape, np.nan)
    row, slot = np.nonzero((named >= 0).any(axis=2) & (items >= 0))
    if not len(row):
        return fallen
    # Several items of a list often share a name, and then one history without it serves them all.
    cuts = np.column_stack([row, np.sort(named[row, slot], axis=1)])
    distinct, which = np.unique(cuts, axis=0, return_inverse=True)
    order = np.argsort(which, kind="stable")
    step = max(1, _SCORES_AT_ONCE // queries.history.shape[1])
    for start in range(0, len(distinct), step):
        cut = distinct[start : start + step]
        rest = recommender.score(queries.without(cut[:, 0], cut[:, 1:]), threads)
        begin, end = np.searchsorted(which[order], [start, start + len(cut)])
        these = order[begin:end]
        after = rest[which[these] - start, items[row[these], slot[these]]].astype(np.float64)
        after[~np.isfinite(after)] = 0
        fallen[row[these], slot[these]] = scores[row[these], slot[these]] - after
    return fallen
