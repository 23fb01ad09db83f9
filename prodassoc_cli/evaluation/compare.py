"""Several models side by side: the metrics table, the differences from a baseline, the best of each metric.

All models are judged on the same users (those with truth), so that their figures can be compared and paired.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import polars as pl

from prodassoc_cli.artifacts.frames import schema_of
from prodassoc_cli.artifacts.schemas import METRICS
from prodassoc_cli.errors import UsageProblem, did_you_mean
from prodassoc_cli.evaluation.intervals import Estimate, holm, mean_interval, paired_p_value, share_interval
from prodassoc_cli.evaluation.judged_lists import JudgedLists
from prodassoc_cli.evaluation.metrics.registry import ALL_METRICS, RANKING_METRICS, Metric
from prodassoc_cli.numerics.arrays import Doubles

METRICS_SCHEMA = schema_of(METRICS)
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


def tabulate(judged: Mapping[str, JudgedLists], ks: Sequence[int]) -> pl.DataFrame:
    """Return every metric that can be computed, by model, metric and k, with its 95 % interval over users.

    Coverage has no interval: the catalogue is no sample.
    """
    rows = [
        (model, metric.name, k, *row_of(estimate(metric, each, k)), None)
        for model, each in judged.items()
        for metric, k in _metrics_at(each, ks)
    ]
    return pl.DataFrame(rows, schema=METRICS_SCHEMA, orient="row")


def compare_with(judged: Mapping[str, JudgedLists], baseline: str, ks: Sequence[int]) -> pl.DataFrame:
    """Return how every other model differs from the baseline, user by user; see `compare_pairs`.

    Raises:
        UsageProblem: there is no model of that name.
    """
    if baseline not in judged:
        raise UsageProblem(f"no model '{baseline}' to be the baseline", did_you_mean(baseline, judged))
    return compare_pairs(judged, [(model, baseline) for model in judged if model != baseline], ks)


def compare_all(judged: Mapping[str, JudgedLists], ks: Sequence[int]) -> pl.DataFrame:
    """Return how every model differs from every other one, each pair once; see `compare_pairs`."""
    return compare_pairs(judged, list(itertools.combinations(judged, 2)), ks)


def compare_pairs(
    judged: Mapping[str, JudgedLists], pairs: Sequence[tuple[str, str]], ks: Sequence[int]
) -> pl.DataFrame:
    """Return the difference of two models, user by user, for each pair, metric and k.

    The difference (model - baseline) is the mean over users of paired differences, with a t interval and
    the p-value of a paired t-test; `p_adjusted` is Holm's over the pairs compared in one metric at one k.
    Metrics that are not over users (coverage, Gini) are left out.

    Args:
        judged: name → judged lists.
        pairs: (model, baseline) by their names.
        ks: lengths to cut the lists to.
    """
    rows = []
    for metric, k in _metrics_at(next(iter(judged.values())), ks):
        if metric.values is None or metric.over != "users":
            continue
        values = {model: metric.values(each, k) for model, each in judged.items()}
        family = [_defined(values[model] - values[baseline]) for model, baseline in pairs]
        p_values = [paired_p_value(differences) for differences in family]
        adjusted = holm(np.array([np.nan if p is None else p for p in p_values], dtype=np.float64))
        for (model, baseline), differences, p, q in zip(pairs, family, p_values, adjusted, strict=True):
            value, low, high, n = row_of(mean_interval(differences))
            rows.append(
                (model, baseline, metric.name, k, value, low, high, p, None if np.isnan(q) else float(q), n)
            )
    return pl.DataFrame(rows, schema=DIFFERENCES_SCHEMA, orient="row")


def mark_best(metrics: pl.DataFrame) -> pl.DataFrame:
    """Add a boolean column `best`: whether no other model does better in the same metric at the same k.

    Metrics of rules and of feedback have no best: theirs are not over the same users.
    """
    higher = [name for name, metric in ALL_METRICS.items() if metric.higher_is_better]
    group = ["metric", "k", "segment"]
    value = pl.col("value")
    best = (
        pl.when(pl.col("metric").is_in(higher))
        .then(value.max().over(group))
        .otherwise(value.min().over(group))
    )
    neutral = [
        name
        for name, metric in ALL_METRICS.items()
        if metric.higher_is_better is None or metric.needs in ("rules", "feedback")
    ]
    return metrics.with_columns(
        ((value == best).fill_null(value=False) & ~pl.col("metric").is_in(neutral)).alias("best")
    )


def mark_tied(marked: pl.DataFrame, differences: pl.DataFrame | None, level: float = 0.05) -> pl.DataFrame:
    """Add a boolean column `tied`: whether a model that is not the best is indistinguishable from it.

    Args:
        marked: metrics with `best`, from `mark_best`.
        differences: of all pairs, from `compare_all`; a pair whose users all agree is
            indistinguishable. None where there are none: nothing is tied then.
        level: adjusted p-value from which on two models are tied.
    """
    if differences is None:
        return marked.with_columns(pl.lit(value=False).alias("tied"))
    unsure = differences.filter(pl.col("p_adjusted").fill_null(1.0) >= level)
    forth = unsure.select("metric", "k", pl.col("model").alias("one"), pl.col("baseline").alias("model"))
    back = unsure.select("metric", "k", pl.col("baseline").alias("one"), "model")
    best = marked.filter("best").select("metric", "k", "segment", pl.col("model").alias("one"))
    close = best.join(pl.concat([forth, back]), on=["metric", "k", "one"])
    close = close.select("metric", "k", "segment", "model", pl.lit(value=True).alias("tied")).unique()
    joined = marked.join(
        close, on=["metric", "k", "segment", "model"], how="left", nulls_equal=True, maintain_order="left"
    )
    everyone = pl.col("segment").is_null() & ~pl.col("best")
    return joined.with_columns(pl.col("tied").fill_null(value=False) & everyone)


def _metrics_at(judged: JudgedLists, ks: Sequence[int]) -> Iterator[tuple[Metric, int]]:
    for metric in RANKING_METRICS.values():
        if metric.computable(judged):
            for k in ks:
                yield metric, k


def estimate(metric: Metric, judged: JudgedLists, k: int) -> Estimate:
    """Return a metric of judged lists cut to k, with its interval where its units are a sample."""
    if metric.total is not None:
        catalogue = judged.truth.facts.catalogue
        return Estimate(metric.total(judged, k), None, None, 0 if catalogue is None else int(catalogue.sum()))
    assert metric.values is not None
    values = _defined(metric.values(judged, k))
    if metric.over != "users":
        return Estimate(float(values.mean()) if len(values) else None, None, None, len(values))
    if metric.share:
        return share_interval(values)
    return mean_interval(values, low=metric.low, high=np.inf if metric.high is None else metric.high)


def _defined(values: Doubles) -> Doubles:
    return values[~np.isnan(values)]


def row_of(found: Estimate) -> tuple[float | None, float | None, float | None, int]:
    """Return value, low, high and n as the metrics artifact has them."""
    return found.value, found.low, found.high, found.n
