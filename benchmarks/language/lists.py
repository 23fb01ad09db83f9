"""Lists for users, of products they have not bought yet: NDCG@10 by how many have bought what is listed.

Each list holds products of one kind only; relevant is what the user bought of that kind later.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from benchmarks.language.shops import Shop
from prodassoc_cli.models.model import TrainedModel
from prodassoc_cli.models.serving.recommend import recommend
from prodassoc_cli.numerics.ndcg import ndcg

K = 10


def ndcg_of_users(model: TrainedModel, shop: Shop, listed: pl.Series, threads: int) -> np.ndarray:
    """Return NDCG@10 of each user who later bought one of these products for the first time."""
    pairs = pl.col("user_id"), pl.col("product_id")
    known = shop.train.select(*pairs).drop_nulls().unique()
    relevant = (
        shop.held_out.select(*pairs)
        .drop_nulls()
        .unique()
        .filter(pl.col("product_id").is_in(listed.implode()))
        .join(known, on=["user_id", "product_id"], how="anti")
        .join(known.select("user_id").unique(), on="user_id", how="semi")
    )
    users = relevant.group_by("user_id").len("relevant").sort("user_id").with_row_index("row")
    lists = recommend(
        model,
        ids=users["user_id"].to_list(),
        k=K,
        allow=listed.to_list(),
        with_reasons=False,
        threads=threads,
    ).frame
    hits = lists.join(relevant, on=["user_id", "product_id"]).join(users, on="user_id")
    row, position = (hits[name].cast(pl.Int64).to_numpy() for name in ("row", "rank"))
    return ndcg(row, position, users["relevant"].cast(pl.Int64).to_numpy(), K)
