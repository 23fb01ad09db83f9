"""How far predicted ratings are from the ratings that users then gave.

Only for models whose score *is* a predicted rating on the users' scale; the caller knows which ones are.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping

import numpy as np
import polars as pl

from prodassoc_cli.errors import BadData
from prodassoc_cli.evaluation.compare import METRICS_SCHEMA
from prodassoc_cli.evaluation.intervals import mean_interval
from prodassoc_cli.evaluation.judged_lists import require_user_lists
from prodassoc_cli.evaluation.metrics.registry import RATING_METRICS
from prodassoc_cli.evaluation.notices import Notice

_PAIR = ["user_id", "product_id"]


def predictions(name: str, lists: pl.DataFrame, truth: pl.DataFrame) -> tuple[pl.DataFrame, list[Notice]]:
    """Return the rows of lists whose scores are predicted ratings, and what is to be said of them.

    A list that the model cannot fill is filled up by popularity, whose scores are no ratings.

    Args:
        name: of the model.
        lists: its recommendations; without reason_kind all rows count.
        truth: interactions with ratings.
    """
    require_user_lists(name, lists, ("user_id", "product_id", "score"))
    if "reason_kind" not in lists.columns:
        return lists, []
    rated = lists.filter(pl.col("reason_kind") != "popular")
    users = truth.filter(pl.col("rating").is_not_null())["user_id"].drop_nulls().unique()
    none = int((~users.is_in(rated["user_id"].unique().implode())).sum())
    said = Notice("no_prediction", model=name, without=none, users=len(users))
    return rated, [said] if none else []


def rating_errors(predictions: pl.DataFrame, truth: pl.DataFrame) -> pl.DataFrame:
    """Lay predicted ratings beside the true ones.

    Args:
        predictions: user_id, product_id, score: a predicted rating; one row per pair.
        truth: interactions; rows without user or rating are left out. Where a user rated a product several
            times, the latest counts (the highest where the times are equal or missing).

    Returns:
        user_id, product_id, predicted, rating, error (predicted - rating), for the pairs in both,
        sorted by user_id and product_id.

    Raises:
        BadData: a pair is predicted twice, or a score is missing or not finite.
    """
    scores = predictions.select(*_PAIR, pl.col("score").cast(pl.Float64).alias("predicted"))
    bad = scores.filter(~pl.col("predicted").is_finite().fill_null(value=False))
    if bad.height:
        user, product, _ = bad.row(0)
        raise BadData(f"the predicted rating of product '{product}' by user '{user}' is not a finite number")
    twice = scores.filter(scores.select(_PAIR).is_duplicated())
    if twice.height:
        user, product, _ = twice.row(0)
        raise BadData(f"the rating of product '{product}' by user '{user}' is predicted twice")
    given = (
        truth.lazy()
        .filter(pl.col("user_id").is_not_null() & pl.col("rating").is_not_null())
        .sort("timestamp", "rating", nulls_last=False)
        .group_by(_PAIR)
        .agg(pl.col("rating").last())
        .collect()
    )
    errors = scores.join(given, on=_PAIR).sort(_PAIR)
    return errors.with_columns((pl.col("predicted") - pl.col("rating")).alias("error"))


def evaluate_ratings(lists: Mapping[str, pl.DataFrame], truth: pl.DataFrame) -> pl.DataFrame:
    """Return RMSE and MAE of each model in the schema of metrics artifacts (k null, n ratings).

    All models are judged on the same ratings, those that every one of them predicts. The intervals are over
    users, since the errors of one user are alike; that of RMSE is the root of the mean square's.

    Args:
        lists: name → predictions (user_id, product_id, score), as in `rating_errors`; may be empty.
        truth: interactions with ratings.

    Raises:
        BadData: as `rating_errors`.
    """
    if not lists:
        return pl.DataFrame(schema=METRICS_SCHEMA)
    for model, frame in lists.items():
        require_user_lists(model, frame, ("user_id", "product_id", "score"))
    errors = {model: rating_errors(frame, truth) for model, frame in lists.items()}
    pairs = [frame.select(_PAIR) for frame in errors.values()]
    common = functools.reduce(lambda left, right: left.join(right, on=_PAIR, how="semi"), pairs)
    rows = []
    for model, frame in errors.items():
        judged = frame.join(common, on=_PAIR, how="semi", maintain_order="left")
        error = judged["error"].to_numpy()
        user = judged["user_id"].rle_id().to_numpy().astype(np.int64)
        counts = np.bincount(user)
        for metric in RATING_METRICS.values():
            assert metric.loss is not None
            sums = np.bincount(user, metric.loss(error), minlength=len(counts)).astype(np.float64)
            estimate = mean_interval(sums, counts.astype(np.float64), low=metric.low)
            ends = [estimate.value, estimate.low, estimate.high]
            if metric.root:
                ends = [None if end is None else math.sqrt(end) for end in ends]
            rows.append((model, metric.name, None, *ends, estimate.n, None))
    return pl.DataFrame(rows, schema=METRICS_SCHEMA, orient="row")
