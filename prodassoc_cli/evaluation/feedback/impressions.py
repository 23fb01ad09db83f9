"""A log of lists that were shown, read as an experiment: clicks, purchases and revenue by model and position.

Rows of one user are alike, so every interval is over users; a row without a user stands for its list.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import polars as pl

from prodassoc_cli.artifacts.frames import schema_of, with_absent
from prodassoc_cli.artifacts.schemas import INTERACTIONS
from prodassoc_cli.errors import BadData, UsageProblem, did_you_mean
from prodassoc_cli.evaluation.compare import METRICS_SCHEMA, row_of
from prodassoc_cli.evaluation.intervals import NORMAL, Estimate, mean_interval, students_t
from prodassoc_cli.evaluation.notices import Notice
from prodassoc_cli.numerics.arrays import Doubles
from prodassoc_cli.numerics.indexing import numbered

_KEY = ["user_id", "list_id", "product_id", "position", "timestamp"]
_DETAILS = schema_of(column for column in INTERACTIONS.columns if column.optional)
NO_MODEL = "(no model)"
"""Name of the rows for which the log names no model."""


def impressions_of(log: pl.DataFrame) -> pl.DataFrame:
    """Return one row per product shown: its list, place, model and propensity, and what came of it.

    Args:
        log: interactions with impressions, as `clean` makes them of a feedback log.

    Returns:
        user_id, list_id, product_id, position, timestamp, model, propensity, clicked and bought (0 or 1),
        revenue (0 where nothing was bought), cluster (dense number of the user, or of the list).

    Raises:
        BadData: the log has no impressions.
    """
    rows = with_absent(log, _DETAILS)
    shown = rows.filter(pl.col("event") == "impression").unique(_KEY, keep="first", maintain_order=True)
    if shown.is_empty():
        raise BadData(
            "the feedback has no impressions: without what was shown, clicks say nothing",
            "clean a log with the columns user_id, list_id, product_id, position, click",
        )
    for event, name in (("click", "clicked"), ("purchase", "bought")):
        done = (
            rows.filter(pl.col("event") == event).select(_KEY).unique().with_columns(pl.lit(1.0).alias(name))
        )
        shown = shown.join(done, on=_KEY, how="left", nulls_equal=True, maintain_order="left")
    return shown.select(
        *_KEY,
        pl.col("model").fill_null(NO_MODEL),
        "propensity",
        pl.col("clicked").fill_null(0.0),
        pl.col("bought").fill_null(0.0),
        pl.when(pl.col("bought") == 1).then(pl.col("revenue").fill_null(0.0)).otherwise(0.0).alias("revenue"),
        pl.coalesce("user_id", "list_id", pl.lit("")).alias("cluster"),
    ).with_columns(
        pl.col("cluster").map_batches(lambda ids: pl.Series(numbered(ids)[0]), return_dtype=pl.Int64)
    )


def evaluate_feedback(shown: pl.DataFrame, baseline: str | None = None) -> pl.DataFrame:
    """Return clicks, purchases and revenue by model and position, in the schema of metrics artifacts.

    Args:
        shown: from `impressions_of`.
        baseline: model of the log that the others' uplift is over; None for no uplift.

    Raises:
        UsageProblem: the log has no model of that name.
    """
    models = shown["model"].unique().sort().to_list()
    rows = [row for model in models for row in _of_model(shown.filter(pl.col("model") == model), model)]
    if baseline is not None:
        if baseline not in models:
            raise UsageProblem(f"the feedback has no model '{baseline}'", did_you_mean(baseline, models))
        base = shown.filter(pl.col("model") == baseline)
        rows += [
            (model, "ctr_uplift", None, *row_of(_uplift(shown.filter(pl.col("model") == model), base)), None)
            for model in models
            if model != baseline
        ]
    return pl.DataFrame(rows, schema=METRICS_SCHEMA, orient="row")


Row = tuple[object, ...]


def _of_model(rows: pl.DataFrame, model: str) -> list[Row]:
    found: list[Row] = [
        (model, "ctr", None, *row_of(rate(rows, "clicked")), None),
        (model, "conversion", None, *row_of(rate(rows, "bought")), None),
    ]
    if rows["list_id"].null_count() == 0:
        found += [
            (model, "clicks_per_list", None, *row_of(_per_list(rows, "clicked")), None),
            (model, "revenue_per_list", None, *row_of(_per_list(rows, "revenue")), None),
        ]
    for (position,), part in rows.drop_nulls("position").group_by("position", maintain_order=True):
        found += [
            (model, name, None, *row_of(rate(part, column)), f"position: {position}")
            for name, column in (("ctr", "clicked"), ("conversion", "bought"))
        ]
    return sorted(found, key=_order)


def _order(row: Row) -> tuple[int, int]:
    """Sort the figures of all first, then by position; Python's sort keeps the order within."""
    segment = row[-1]
    return (0, 0) if segment is None else (1, int(str(segment).rpartition(" ")[2]))


def rate(rows: pl.DataFrame, column: str) -> Estimate:
    """Return the mean of a column over impressions, its interval over users."""
    sums, counts = clusters(rows, rows[column].to_numpy())
    return mean_interval(sums, counts, low=0.0, high=1.0)


def clusters(rows: pl.DataFrame, values: Doubles) -> tuple[Doubles, Doubles]:
    """Return the sum of the values and the number of rows of each user that has any."""
    cluster = rows["cluster"].to_numpy()
    counts = np.bincount(cluster)
    present = counts > 0
    return np.bincount(cluster, values)[present].astype(np.float64), counts[present].astype(np.float64)


def _per_list(rows: pl.DataFrame, column: str) -> Estimate:
    lists = rows.group_by("cluster", "list_id").agg(pl.col(column).sum()).sort("cluster", "list_id")
    sums, counts = clusters(lists, lists[column].to_numpy())
    return mean_interval(sums, counts, low=0.0)


def _uplift(rows: pl.DataFrame, base: pl.DataFrame) -> Estimate:
    """Return CTR / baseline's CTR - 1; the users of the two are taken as independent."""
    value, error = _with_error(rows)
    other, other_error = _with_error(base)
    if not value or not other:
        return Estimate(None if not other else value / other - 1, None, None, rows.height)
    ratio = value / other
    spread = NORMAL * math.hypot(error / value, other_error / other)
    return Estimate(ratio - 1, ratio * math.exp(-spread) - 1, ratio * math.exp(spread) - 1, rows.height)


def _with_error(rows: pl.DataFrame) -> tuple[float, float]:
    """Return the CTR and its standard error."""
    sums, counts = clusters(rows, rows["clicked"].to_numpy())
    found = mean_interval(sums, counts)
    if found.value is None or found.high is None or len(sums) < 2:
        return found.value or 0.0, 0.0
    return found.value, (found.high - found.value) / students_t(len(sums))


def propensity_problem(shown: pl.DataFrame) -> Notice | None:
    """Return why the propensities of a log cannot be used; None where they can."""
    given = shown["propensity"]
    if missing := given.null_count():
        return Notice("no_propensity", missing=missing, rows=shown.height)
    if wrong := shown.filter((given <= 0) | (given > 1)).height:
        return Notice("wrong_propensity", wrong=wrong)
    if shown["position"].null_count() or shown["user_id"].null_count():
        return Notice("no_place")
    return None


def models_of(shown: pl.DataFrame) -> Sequence[str]:
    """Return the models of a log, sorted."""
    return shown["model"].unique().sort().to_list()
