"""Bought: what a row itself did with a product, as features of a candidate."""

from __future__ import annotations

from typing import Self

import numpy as np

from prodassoc_cli.models.base import Queries
from prodassoc_cli.models.data import Csr, TrainingData, binary
from prodassoc_cli.numerics.arrays import Bools, Floats, Longs

FEATURES = ("bought", "times", "recency", "habit", "wanted")

_MONTH = 30.0


class Bought:
    """Whether, how often and how lately a row bought a product, or only clicked it, and if it is a habit.

    Attributes:
        habit: for each product, the share of its buyers who came back for it.
    """

    def __init__(self, habit: Floats) -> None:
        self.habit = habit

    @classmethod
    def of(cls, data: TrainingData) -> Self:
        """Learn which products are bought again."""
        owners = np.bincount(binary(data.seen).indices, minlength=data.n_items)
        again = np.bincount(data.seen.indices, data.seen.data > 1, minlength=data.n_items)
        # Two fictitious buyers who did not come back keep rare products from looking like habits.
        return cls((again / (owners + 2.0)).astype(np.float32))

    def features(self, queries: Queries, keys: Longs) -> Floats:
        """Return candidates × `FEATURES`.

        Args:
            queries: the rows.
            keys: row · products + item of each candidate, ascending.
        """
        features = np.zeros((len(keys), len(FEATURES)), np.float32)
        if not queries.new_only:
            seen = queries.seen
            at, listed = _places(keys, _keys(seen))
            features[at, 0] = 1
            features[at, 1] = np.log1p(seen.data[listed])
            features[at, 2] = np.nan_to_num(1 / (1 + queries.age[listed] / _MONTH))
            features[at, 3] = self.habit[seen.indices[listed]]
        if queries.history is not queries.seen:
            at, _ = _places(
                keys, np.setdiff1d(_keys(queries.history), _keys(queries.seen), assume_unique=True)
            )
            features[at, 4] = 1  # clicked or looked at, and not bought
        return features


def _keys(matrix: Csr) -> Longs:
    """Return row · products + item of each entry of a matrix, in their order."""
    rows = np.repeat(np.arange(matrix.shape[0], dtype=np.int64), np.diff(matrix.indptr))
    return rows * matrix.shape[1] + matrix.indices


def _places(keys: Longs, wanted: Longs) -> tuple[Longs, Bools]:
    """Return where the wanted keys stand among the candidates' keys, and which of them do."""
    if not len(keys):
        return np.empty(0, np.int64), np.zeros(len(wanted), np.bool_)
    at = np.searchsorted(keys, wanted)
    listed = keys[np.minimum(at, len(keys) - 1)] == wanted
    return at[listed], listed
