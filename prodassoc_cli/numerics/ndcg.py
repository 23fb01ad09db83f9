"""NDCG, the one formula of all that ranks: evaluation, the choice of a hybrid's ranking, tuning."""

from __future__ import annotations

import numpy as np

from prodassoc_cli.numerics.arrays import Doubles, Longs


def ndcg(row: Longs, position: Longs, relevant: Longs, k: int) -> Doubles:
    """Return NDCG@k of each list, with binary relevance.

    DCG / ideal DCG with DCG = Σ over hits of 1 / log₂(position + 1); the ideal list has min(k, relevant) hits
    (Järvelin and Kekäläinen, 2002). A list of a row without relevant products has 0.

    Args:
        row: list of each hit.
        position: place of each hit in its list, from 1.
        relevant: number of relevant products of each list.
        k: where the lists are cut.
    """
    within = position <= k
    gained = np.bincount(row[within], 1 / np.log2(position[within] + 1), minlength=len(relevant))
    ideal = np.cumsum(1 / np.log2(np.arange(2, k + 2)))
    return np.asarray(gained / ideal[np.minimum(relevant, k) - 1], np.float64)
