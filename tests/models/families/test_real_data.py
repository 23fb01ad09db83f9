"""Accuracy on the public splits, as their papers measure it: Recall@20 and NDCG@20 over all unseen items."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from prodassoc_cli.models.data import TrainingData
from prodassoc_cli.models.model import train
from prodassoc_cli.models.serving.recommend import recommend

DATA = Path(os.environ.get("PRODASSOC_DATA", Path(__file__).parents[4] / "shared" / "data"))

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (DATA / "recsys").is_dir(), reason=f"no recsys data in {DATA}"),
]


def _purchases(name: str) -> pl.DataFrame:
    frame = pl.read_parquet(DATA / "recsys" / f"{name}.parquet")
    user, item = frame.columns[:2]
    return frame.select(user_id=user, product_id=item, event=pl.lit("purchase"))


@pytest.mark.parametrize(
    ("dataset", "model", "least_recall", "least_ndcg"),
    [
        ("gowalla", "item-knn", 0.183, 0.150),
        ("gowalla", "user-knn", 0.180, 0.149),
        ("gowalla", "spectral", 0.192, 0.159),
        ("ml1m", "ease", 0.176, 0.110),
        ("ml1m", "als", 0.165, 0.100),
        ("ml1m", "item-knn", 0.140, 0.095),
        ("ml1m", "user-knn", 0.155, 0.096),
        ("ml1m", "popularity", 0.090, 0.060),
    ],
)
def test_accuracy_of_the_defaults(dataset, model, least_recall, least_ndcg):
    train_rows, test_rows = _purchases(f"{dataset}_train"), _purchases(f"{dataset}_test")
    served = recommend(train(model, TrainingData.from_frames(train_rows), threads=2), k=20, threads=2)
    assert served.frame.group_by("user_id").len()["len"].unique().to_list() == [20]
    hits = served.frame.join(test_rows, on=["user_id", "product_id"])
    gains = hits.group_by("user_id").agg(hits=pl.len(), dcg=(1 / (pl.col("rank") + 1).log(2)).sum())
    wanted = test_rows.group_by("user_id").agg(n=pl.len())
    per_user = wanted.join(gains, on="user_id", how="left").fill_null(0)
    ideal = np.concatenate([[0], np.cumsum(1 / np.log2(np.arange(2, 22)))])[np.minimum(per_user["n"], 20)]
    assert (per_user["hits"] / per_user["n"]).mean() >= least_recall
    assert (per_user["dcg"] / ideal).mean() >= least_ndcg
