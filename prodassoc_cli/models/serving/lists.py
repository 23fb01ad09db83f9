"""From scores to lists: the best of the model, filled up by popularity, varied and explored as asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from prodassoc_cli.models.base import Queries
from prodassoc_cli.models.data import Csr, csr_of
from prodassoc_cli.models.kernels.topk import top_k
from prodassoc_cli.models.model import TrainedModel
from prodassoc_cli.models.serving.diversity import Variety
from prodassoc_cli.models.serving.exploration import RUNNERS_UP, explore
from prodassoc_cli.models.serving.lookalikes import repeats
from prodassoc_cli.numerics.arrays import Bools, Doubles, Floats, Ints, Longs

_SCORES_AT_ONCE = 2**24
_MIN_POOL = 100
_POOL = 10


@dataclass(frozen=True)
class ListSpec:
    """How lists are cut from scores.

    Attributes:
        k: their length.
        variety: what they must be beside good.
        epsilon: probability that a place shows a runner-up.
        seed: seed of the exploration.
        groups: products that look alike, of which a list holds one; None where all differ.
    """

    k: int
    variety: Variety = field(default_factory=Variety)
    epsilon: float = 0.0
    seed: int = 42
    groups: Ints | None = None

    def depth(self, n_items: int) -> int:
        """Return how many candidates are ranked for a list."""
        wanted = self.k * (1 + RUNNERS_UP) if self.epsilon else self.k
        wanted *= 1 if self.groups is None else 2
        return min(n_items, max(wanted, _POOL * self.k, _MIN_POOL) if self.variety else wanted)


@dataclass(frozen=True)
class Lists:
    """Lists × slots, -1 where a slot is empty.

    Attributes:
        items: what is listed.
        scores: the model's scores.
        own: whether the model itself scored it; popularity fills the rest.
        propensity: probability that the slot shows the item; None without exploration.
        short: rows that more candidates could make longer.
    """

    items: Ints
    scores: Floats
    own: Bools
    propensity: Doubles | None
    short: Longs


def cut_lists(
    model: TrainedModel, queries: Queries, spec: ListSpec, ids: Sequence[str], threads: int,
    beside: Csr | None = None,
) -> Lists:  # fmt: skip
    """Return the lists of the queries, whose `depth` is the number of candidates ranked.

    Args:
        model: gives the scores, and the popularity.
        queries: whom the lists are for.
        spec: length, variety and exploration.
        ids: names of the rows, which decide what is explored.
        threads: threads to use.
        beside: lists × products beside which a list stands, and of which it shows no double.
    """
    items, scores, own = _ranked(model, queries, threads)
    if not spec.variety and not spec.epsilon and spec.groups is None:
        return Lists(items, scores, own, None, np.empty(0, np.int64))
    distinct = items if spec.groups is None else np.where(repeats(items, spec.groups, beside), -1, items)
    places = _places(distinct, scores, spec)
    shown, propensity = places[:, : spec.k], None
    full = items.shape[1] < len(model.items) and items[:, -1] >= 0
    short = np.flatnonzero((shown < 0).any(axis=1) & full)
    if spec.epsilon:
        shown, propensity = explore(places, (places >= 0).sum(axis=1), spec.k, spec.epsilon, spec.seed, ids)
    filled, at = shown >= 0, np.maximum(shown, 0)
    return Lists(
        np.where(filled, np.take_along_axis(items, at, axis=1), -1),
        np.where(filled, np.take_along_axis(scores, at, axis=1), -np.inf).astype(np.float32),
        filled & np.take_along_axis(own, at, axis=1),
        propensity,
        short,
    )


def _places(items: Ints, scores: Floats, spec: ListSpec) -> Ints:
    """Return the places of the chosen candidates in the order of the list, then of the runners-up."""
    rank = np.where(items >= 0, np.arange(items.shape[1]), items.shape[1]).astype(np.int64)
    k = min(spec.k, items.shape[1])
    if spec.variety:
        chosen = spec.variety.choose(items, scores, k)
        row, slot = np.nonzero(chosen >= 0)
        rank[row, chosen[row, slot]] = slot - k
    order = np.argsort(rank, axis=1, kind="stable").astype(np.int32)
    sorted_rank = np.take_along_axis(rank, order, axis=1)
    if spec.variety:
        # What was left out of a list for its category is no candidate; with exploration there are no limits.
        last = sorted_rank < (items.shape[1] if spec.epsilon else 0)
    else:
        last = sorted_rank < items.shape[1]
    width = spec.k * (1 + RUNNERS_UP) if spec.epsilon else spec.k
    return np.where(last, order, -1)[:, :width]


def _ranked(model: TrainedModel, queries: Queries, threads: int) -> tuple[Ints, Floats, Bools]:
    """Return items, scores and whether the model itself put each there; short lists are filled up."""
    items, values = model.recommender.top_k(queries, queries.depth, threads)
    own = items >= 0
    short = np.flatnonzero(~own.all(axis=1))
    step = max(1, _SCORES_AT_ONCE // len(model.items))
    for start in range(0, len(short), step):
        few = short[start : start + step]
        _fill(model, queries.rows(few), items, values, few, threads)
    return items, values, own


def _fill(
    model: TrainedModel, queries: Queries, items: Ints, values: Floats, short: Longs, threads: int
) -> None:
    """Fill up short lists by popularity, below the model's own scores, in place."""
    have = items[short] >= 0
    row, slot = np.nonzero(have)
    ones = np.ones(len(row), np.float32)
    listed = csr_of(sparse.csr_array((ones, (row, items[short][row, slot])), shape=queries.history.shape))
    blocked = listed if queries.blocked is None else csr_of(listed + queries.blocked)
    scores = np.tile(model.popularity, (len(short), 1))
    more, shares = top_k(scores, items.shape[1], threads, allowed=queries.allowed, blocked=blocked)
    count = have.sum(axis=1)
    lowest = np.where(have, values[short], np.inf).min(axis=1)
    floor = np.where(count > 0, lowest - 1, 0).astype(np.float32)
    place = np.arange(items.shape[1]) - count[:, None]
    filler = np.take_along_axis(more, np.maximum(place, 0), axis=1)
    share = np.take_along_axis(shares, np.maximum(place, 0), axis=1)
    items[short] = np.where(have, items[short], filler)
    values[short] = np.where(have, values[short], floor[:, None] + share)
