"""Several models side by side: the metrics table, the differences from a baseline, the best of each metric.

All models are judged on the same users (those with truth), so that their figures can be compared and paired.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import polars as pl

from prodassoc_cli.artifacts.schemas import METRICS
from prodassoc_cli.errors import UsageProblem, did_you_mean
from prodassoc_cli.evaluation.intervals import Estimate, holm, mean_interval, paired_p_value, share_interval
from prodassoc_cli.evaluation.judging import FloatArray, Judged, judge_lists
from prodassoc_cli.evaluation.metrics import ALL_METRICS, RANKING_METRICS, Metric

_DTYPES = {"str": pl.String(), "i32": pl.Int32(), "i64": pl.Int64(), "f64": pl.Float64()}
METRICS_SCHEMA = pl.Schema({column.name: _DTYPES[column.dtype] for column in METRICS.columns})
"""The metrics artifact in polars' types."""

DIFFERENCES_SCHEMA = pl.Schema(
    {
        "model": pl.String(),
        "baseline": pl.String(),
        "metric": pl.String(),
        "k": pl.Int32(),
        "difference": pl.Float64(),
        "low": pl.Float64(),
        "high": pl.Float64(),
        "p_value": pl.Float64(),
        "p_adjusted": pl.Float64(),
        "n": pl.Int64(),
    }
)
"""What `compare_with` returns."""


def evaluate_lists(
    lists: Mapping[str, pl.DataFrame],
    truth: pl.DataFrame,
    ks: Sequence[int],
    train: pl.DataFrame | None = None,
    products: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return the ranking metrics of each model's lists in the schema of metrics artifacts.

    `judge_lists` and `tabulate` in one; it says what the inputs are and which errors are raised.
    """
    return tabulate(judge_lists(lists, truth, train, products), ks)


def tabulate(judged: Mapping[str, Judged], ks: Sequence[int]) -> pl.DataFrame:
    """Return every metric that can be computed, by model, metric and k, with its 95 % interval over users.

    Coverage has no interval: the catalogue is no sample.
    """
    rows = [
        (model, metric.name, k, *_row(_estimate(metric, each, k)))
        for model, each in judged.items()
        for metric, k in _metrics_at(each, ks)
    ]
    return pl.DataFrame(rows, schema=METRICS_SCHEMA, orient="row")


def compare_with(judged: Mapping[str, Judged], baseline: str, ks: Sequence[int]) -> pl.DataFrame:
    """Return how every other model differs from the baseline, user by user.

    The difference (model - baseline) is the mean over users of paired differences, with a t interval and
    the p-value of a paired t-test; `p_adjusted` is Holm's over the models compared in one metric at one k.
    Metrics that are not over users (coverage) are left out.

    Args:
        judged: name → judged lists.
        baseline: one of the names.
        ks: lengths to cut the lists to.

    Raises:
        UsageProblem: there is no model of that name.
    """
    if baseline not in judged:
        raise UsageProblem(f"no model '{baseline}' to be the baseline", did_you_mean(baseline, judged))
    others = [model for model in judged if model != baseline]
    rows = []
    for metric, k in _metrics_at(judged[baseline], ks):
        if metric.values is None or metric.over != "users":
            continue
        base = metric.values(judged[baseline], k)
        family = [_defined(metric.values(judged[model], k) - base) for model in others]
        p_values = [paired_p_value(differences) for differences in family]
        adjusted = holm(np.array([np.nan if p is None else p for p in p_values], dtype=np.float64))
        for model, differences, p, q in zip(others, family, p_values, adjusted, strict=True):
            value, low, high, n = _row(mean_interval(differences))
            rows.append(
                (model, baseline, metric.name, k, value, low, high, p, None if np.isnan(q) else float(q), n)
            )
    return pl.DataFrame(rows, schema=DIFFERENCES_SCHEMA, orient="row")


def mark_best(metrics: pl.DataFrame) -> pl.DataFrame:
    """Add a boolean column `best`: whether no other model does better in the same metric at the same k."""
    higher = [name for name, metric in ALL_METRICS.items() if metric.higher_is_better]
    group = ["metric", "k"]
    value = pl.col("value")
    best = (
        pl.when(pl.col("metric").is_in(higher))
        .then(value.max().over(group))
        .otherwise(value.min().over(group))
    )
    return metrics.with_columns((value == best).fill_null(value=False).alias("best"))


def _metrics_at(judged: Judged, ks: Sequence[int]) -> Iterator[tuple[Metric, int]]:
    for metric in RANKING_METRICS.values():
        if metric.computable(judged):
            for k in ks:
                yield metric, k


def _estimate(metric: Metric, judged: Judged, k: int) -> Estimate:
    assert metric.values is not None
    values = _defined(metric.values(judged, k))
    if metric.over != "users":
        return Estimate(float(values.mean()) if len(values) else None, None, None, len(values))
    if metric.share:
        return share_interval(values)
    return mean_interval(values, low=metric.low, high=np.inf if metric.high is None else metric.high)


def _defined(values: FloatArray) -> FloatArray:
    return values[~np.isnan(values)]


def _row(estimate: Estimate) -> tuple[float | None, float | None, float | None, int]:
    return estimate.value, estimate.low, estimate.high, estimate.n
