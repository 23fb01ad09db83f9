"""Films rated from 1 to 5: predicted ratings and their errors, through the whole chain."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

USERS, FILMS = 80, 40


@pytest.fixture
def ratings() -> pl.DataFrame:
    """Two kinds of users with opposite tastes; three films in four are rated."""
    random = np.random.default_rng(3)
    user, film = (each.ravel() for each in np.meshgrid(np.arange(USERS), np.arange(FILMS), indexing="ij"))
    liked = (user % 2) == (film % 2)
    stars = np.clip(np.where(liked, 4.5, 1.8) + random.normal(0, 0.4, len(user)), 1, 5).round()
    rows = pl.DataFrame(
        {"userId": user + 1, "movieId": film + 1, "rating": stars, "timestamp": 978_300_000 + film}
    )
    return rows.filter(random.random(len(user)) < 0.75)


def test_predicted_ratings_are_judged_by_their_errors(prodassoc, ratings):
    ratings.write_csv(prodassoc.folder / "ratings.csv")
    for words in (
        ["clean", "ratings.csv", "--preset", "movielens", "--holdout", "random:0.2", "-o", "train.parquet",
         "--holdout-output", "holdout.parquet"],
        ["train", "train.parquet", "--model", "user-knn", "--param", "neighbours=20", "-o", "model.parquet"],
        ["recommend", "model.parquet", "-k", str(FILMS), "-o", "recs.parquet"],
        ["evaluate", "recs.parquet", "--truth", "holdout.parquet", "-k", "5", "-o", "metrics.parquet"],
    ):  # fmt: skip
        done = prodassoc(*words)
        assert done.returncode == 0, done.stderr.decode()
    metrics = pl.read_parquet(prodassoc.folder / "metrics.parquet")
    rmse, n = metrics.filter(pl.col("metric") == "rmse").select("value", "n").row(0)
    assert n > 300
    assert rmse < 0.7  # the noise is 0.4, rounding adds 0.3; the mean of all ratings would miss by 1.4
    recs = pl.read_parquet(prodassoc.folder / "recs.parquet")
    assert recs["score"].is_between(1, 5).mean() > 0.95
