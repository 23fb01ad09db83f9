"""What was planted in the sample shop, and how much of it is found."""

from __future__ import annotations

import polars as pl

from benchmarks.language.planted import found_pairs, hits, planted_pairs
from prodassoc_cli import mine


def precision_and_recall(
    interactions: pl.DataFrame, embeddings: pl.DataFrame, **given: float
) -> dict[str, tuple[float, float]]:
    """How many of the pairs of each relation were planted, and how many of those planted are found."""
    related = mine(interactions, embeddings=embeddings, relations_output=True, quiet=True, **given).relations
    return {
        relation: (hits(found, planted).mean(), hits(planted, found).mean())
        for relation, planted in planted_pairs().items()
        for found in [found_pairs(related, relation)]
    }
