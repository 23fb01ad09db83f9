"""Baskets unlike the others: those that few frequent sets fit."""

from __future__ import annotations

import numpy as np
import polars as pl

from prodassoc_cli.mining.baskets import Baskets
from prodassoc_cli.mining.itemsets import Itemsets
from prodassoc_cli.mining.kernels.bitsets import COUNT
from prodassoc_cli.mining.selection.set_coverage import cover


def outlier_scores(itemsets: Itemsets, baskets: Baskets, interactions: pl.DataFrame) -> pl.DataFrame:
    """Return a score per basket, the most unusual first (columns of `schemas.OUTLIERS`).

    The score is the frequent pattern outlier factor: the sum of the supports of the frequent sets that the
    basket holds, over the number of all frequent sets (He, Xu, Huang & Deng 2005, "FP-outlier"). Low is
    unusual. A basket of few products holds few sets, so compare baskets of a size.

    Args:
        itemsets: the frequent (or closed, or maximal) sets.
        baskets: the baskets they were found in, made with `locate`.
        interactions: the rows these were made from.
    """
    assert baskets.first_rows is not None
    support = np.maximum(itemsets.tree[COUNT], 0) / max(len(baskets), 1)
    found = cover(itemsets, baskets, weight=support)
    columns = [name for name in ("order_id", "user_id", "timestamp") if name in interactions.columns]
    scores = interactions.select(columns)[baskets.first_rows].with_columns(
        pl.Series("size", np.diff(baskets.indptr).astype(np.int32)),
        pl.Series("itemsets", found.sets),
        pl.Series("score", found.score / max(len(itemsets), 1)),
    )
    return scores.sort("score", *columns, nulls_last=True)
