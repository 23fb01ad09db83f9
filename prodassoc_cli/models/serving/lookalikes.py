"""Lists in which a shopper sees each product once: of those that look alike, only the best."""

from __future__ import annotations

import numpy as np
import polars as pl

from prodassoc_cli.models.data import Csr, Items
from prodassoc_cli.numerics.arrays import Bools, Ints
from prodassoc_cli.resemblance.lookalikes import lookalike_groups


def groups_of(items: Items) -> Ints | None:
    """Return the number of each product's group, -1 where it is like no other; None where all are."""
    groups = lookalike_groups(items.frame.select(pl.col("title", "brand").cast(pl.String))).to_numpy()
    return groups if (groups >= 0).any() else None


def repeats(items: Ints, groups: Ints, shown: Csr | None = None) -> Bools:
    """Return which candidates look like a better one of their list, or like what is shown beside it.

    Args:
        items: lists × candidates, best first; -1 is empty.
        groups: group of each product, -1 where it is like no other.
        shown: lists × products that the shopper sees already; None for none.
    """
    group = np.where(items >= 0, groups[np.maximum(items, 0)], -1)
    order = np.argsort(group, axis=1, kind="stable")
    ordered = np.take_along_axis(group, order, axis=1)
    again = np.zeros(items.shape, np.bool_)
    again[:, 1:] = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)
    repeated = np.zeros(items.shape, np.bool_)
    np.put_along_axis(repeated, order, again, axis=1)
    if shown is not None:
        row = np.repeat(np.arange(shown.shape[0]), np.diff(shown.indptr))
        seen = groups[shown.indices]
        width = int(groups.max()) + 1
        keys = row[seen >= 0] * width + seen[seen >= 0]
        places = np.arange(len(items))[:, None] * width + group
        repeated |= (group >= 0) & np.isin(places, keys)
    return repeated
