"""Exploration: now and then another product in a place, with the probability of what is shown written down.

Each place of a list keeps its own product with probability 1 - ε, and shows one of m runners-up else. Which
runner-up stands by for which place is a random injection, drawn anew for each list, so that no product comes
twice, every runner-up is as likely in every place (ε / max(m, k)), and a place whose turn finds no runner-up
(m < k) keeps its own. These are the propensities that inverse propensity scoring needs (Horvitz and Thompson,
1952), exact and not estimated.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from prodassoc_cli.numerics.arrays import Doubles, Ints

RUNNERS_UP = 2
"""Candidates beyond a list, as a multiple of its length."""


def explore(
    places: Ints, n_candidates: Ints, k: int, epsilon: float, seed: int, ids: Sequence[str]
) -> tuple[Ints, Doubles]:
    """Return which candidate each place shows and the probability of that.

    Args:
        places: lists × (k + runners-up) places among the candidates, the lists' own first; -1: none left.
        n_candidates: how many of each row there are.
        k: length of the lists.
        epsilon: probability that a place explores.
        seed: decides all draws, together with the id.
        ids: whom each list is for: a list does not depend on what other lists are made.

    Returns:
        lists × k of candidates and of probabilities, -1 and NaN where there is none.
    """
    own = places[:, :k]
    shown, propensity = own.copy(), np.full(own.shape, np.nan)
    for row, name in enumerate(ids):
        length = min(k, int(n_candidates[row]))
        runners = places[row, length : int(n_candidates[row])]
        turns = max(len(runners), length)
        rng = np.random.default_rng(_number(seed, name))
        standing_by = rng.permutation(turns)[:length]
        explores = (rng.random(length) < epsilon) & (standing_by < len(runners))
        at = np.flatnonzero(explores)
        shown[row, at] = runners[standing_by[at]]
        share = epsilon / turns if turns else 0.0
        propensity[row, :length] = np.where(explores, share, 1 - len(runners) * share)
    return shown, propensity


def _number(seed: int, name: str) -> int:
    return int.from_bytes(hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=16).digest(), "little")
