"""The flat search of faiss, where it is installed: it finds candidates; `neighbours` settles the nearest."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from prodassoc_cli.numerics.arrays import Floats, Ints

CandidateFeatures = tuple[Ints, Floats]
Find = Callable[[Floats, int], CandidateFeatures]
"""Gives queries × c rows of the vectors searched, -1 where there are fewer, and their dot products."""


def flat_search(vectors: Floats) -> Find | None:
    """Return what searches these vectors by faiss; None where it is not installed.

    The vectors are not copied. One thread of faiss's own is used: its callers are threads themselves.
    """
    try:
        faiss: Any = import_module("faiss")
    except ImportError:
        return None

    def find(queries: Floats, count: int) -> CandidateFeatures:
        faiss.omp_set_num_threads(1)
        scores, rows = faiss.knn(
            queries, vectors, min(count, len(vectors)), metric=faiss.METRIC_INNER_PRODUCT
        )
        return rows.astype(np.int32), scores

    return find
