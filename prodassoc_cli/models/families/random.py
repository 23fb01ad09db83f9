"""Random: the baseline that any other model must beat, the same for the same seed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from prodassoc_cli.models.base import Explanation, Queries, Recommender, Why
from prodassoc_cli.models.data import TrainingData
from prodassoc_cli.models.storage.packing import Arrays
from prodassoc_cli.numerics.arrays import Floats, Ints

_NOBODY = 1 << 40


class Random(Recommender):
    """Scores every product by a number drawn for the pair of it and the user (or the history)."""

    name = "random"
    seed: int

    def fit(self, data: TrainingData, seed: int, threads: int) -> None:
        """Keep the seed."""
        self.seed = seed

    def score(self, queries: Queries, threads: int) -> Floats:
        """Return numbers from 0 to 1; -inf for an empty history."""
        n_items = queries.history.shape[1]
        sizes = np.diff(queries.history.indptr)
        rows = np.repeat(np.arange(len(queries)), sizes)
        whom = queries.users.astype(np.uint64)
        drawn = _mixed(queries.history.indices.astype(np.uint64) + np.uint64(_NOBODY)) >> np.uint64(12)
        together = np.bincount(rows, drawn.astype(np.float64), minlength=len(queries)).view(np.uint64)
        whom = np.where(queries.users >= 0, whom, together)
        keys = _mixed(whom + np.uint64(self.seed))[:, None] ^ np.arange(n_items, dtype=np.uint64)
        scores = (_mixed(keys) >> np.uint64(40)).astype(np.float32) / np.float32(1 << 24)
        scores[sizes == 0] = -np.inf
        return scores

    def explain(self, queries: Queries, items: Ints, threads: int) -> Explanation:
        """Say how many bought it: there is no other reason."""
        return Explanation.of(Why.POPULAR, items)

    def arrays(self) -> Arrays:
        """Return the seed."""
        return {"seed": np.array([self.seed], np.int64)}

    def restore(self, arrays: Arrays, n_items: int) -> None:
        """Take back the seed."""
        self.seed = int(arrays["seed"][0])


def _mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return 64 well-mixed bits of each number: the finaliser of SplitMix64 (Steele et al., 2014)."""
    z = numbers + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
