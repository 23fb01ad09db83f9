"""Metrics of lists in one call, as the tests ask for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from prodassoc_cli.evaluation.compare import tabulate
from prodassoc_cli.evaluation.judged_lists import judge_lists


def evaluate_lists(
    lists: Mapping[str, pl.DataFrame],
    truth: pl.DataFrame,
    ks: Sequence[int],
    train: pl.DataFrame | None = None,
    products: pl.DataFrame | None = None,
    embeddings: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """The ranking metrics of each model's lists."""
    return tabulate(judge_lists(lists, truth, train, products, embeddings), ks)
