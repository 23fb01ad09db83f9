"""Cutting scores to lists: exactly k where k candidates exist, ties broken by product_id."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from prodassoc_cli.models.kernels.dispatch import csr_arrays, over_rows, ready
from prodassoc_cli.numerics.arrays import Bools, Floats, Ints


def top_k(
    scores: Floats,
    k: int,
    threads: int,
    *,
    allowed: Bools | None = None,
    blocked: sparse.csr_array | None = None,
) -> tuple[Ints, Floats]:
    """Return the k best items of each row and their scores, best first, equal ones by ascending item.

    Args:
        scores: rows × items; -inf and NaN are no candidates.
        k: length of the lists; a row with fewer candidates ends in -1 and -inf.
        threads: threads to use.
        allowed: which items may be listed; None for all.
        blocked: rows × items whose entries may not be listed in that row.
    """
    rows, width = scores.shape
    k = min(k, width)
    items, values = np.empty((rows, k), np.int32), np.empty((rows, k), np.float32)
    mask = np.ones(width, np.bool_) if allowed is None else allowed
    if blocked is None:
        pattern = (np.zeros(rows + 1, np.int64), np.empty(0, np.int32))
    else:
        pattern = csr_arrays(blocked)[:2]
    arguments = (ready(scores, np.float32), mask, *pattern, items, values)
    over_rows("select_top_k", rows, threads, *arguments)
    return items, values
