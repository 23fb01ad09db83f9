"""Metrics of several models side by side, as people read them."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from prodassoc_cli.evaluation.compare import mark_best, mark_tied

SHOWN_OF_SEGMENTS = ("ndcg",)


def side_by_side(
    metrics: pl.DataFrame, differences: pl.DataFrame | None, ks: Sequence[int], *, intervals: bool
) -> pl.DataFrame:
    """Return a row per metric and k, a column per model: value ± half the 95 % interval.

    * marks the best, ≈ what is not distinguishable from it. Of the segments only one metric is shown.

    Args:
        metrics: the metrics.
        differences: how each model differs from each other; None where there are none.
        ks: the list lengths.
        intervals: whether to show the intervals.
    """
    marked = mark_tied(mark_best(metrics), differences)
    k = 10 if 10 in ks else ks[len(ks) // 2]
    of_all, telling = pl.col("segment").is_null(), pl.col("metric").is_in(SHOWN_OF_SEGMENTS)
    marked = marked.filter(of_all | (telling & (pl.col("k").is_null() | (pl.col("k") == k))))
    several = marked.group_by("metric", "k", "segment").len().get_column("len").max() or 0
    wide: dict[str, int] = {}
    for model, value in marked.select("model", "value").iter_rows():
        wide[model] = max(wide.get(model, 0), len(_value(value)))
    texts = [
        _figure(
            row,
            wide[row["model"]],
            several=isinstance(several, int) and several > 1,
            intervals=intervals,
        )
        for row in marked.iter_rows(named=True)
    ]
    shown = marked.select("metric", "k", "segment", "model", pl.Series("text", texts))
    index = ["metric", "k"] + (["segment"] if shown["segment"].null_count() < shown.height else [])
    return shown.pivot("model", index=index, values="text", maintain_order=True)


def _value(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else ""


def _figure(row: dict[str, object], wide: int, *, several: bool, intervals: bool) -> str:
    """Return the value with its points below each other, half the interval, and the mark."""
    low, high = row["low"], row["high"]
    text = _value(row["value"]).rjust(wide)
    if intervals and isinstance(low, float) and isinstance(high, float):
        text += f" ± {(high - low) / 2:.4f}"
    mark = " *" if row["best"] and several else " ≈" if row["tied"] else ""
    return text + mark
