"""Who and what is served: the long tail of the catalogue, and the parts of the users and products."""

from __future__ import annotations

import numpy as np
import polars as pl

from prodassoc_cli.evaluation.metrics.beyond_accuracy import exposure
from prodassoc_cli.evaluation.report.charts import Dot, Line, dot_chart, line_chart
from prodassoc_cli.evaluation.report.data import ReportData
from prodassoc_cli.evaluation.report.markup import Cell, Head, Section, Table, own
from prodassoc_cli.evaluation.segments import FEW

_POINTS = 60


def long_tail(data: ReportData) -> Section | None:
    """How much of sales and of recommendations the best-sellers take."""
    facts = next(iter(data.judged.values())).truth.facts
    if facts.catalogue is None or facts.holders is None or not facts.catalogue.any():
        return None
    words, k, sold = data.words, data.main_k, facts.holders[facts.catalogue]
    order = np.lexsort((np.arange(len(sold)), -sold))
    counts = {model: exposure(judged, k)[order] for model, judged in data.judged.items()}
    counts[words.text("tail.sales")] = sold[order]
    at = np.unique(np.linspace(0, len(sold), _POINTS).astype(int))
    lines, tenths = [], []
    for name, count in counts.items():
        share = np.concatenate([[0.0], np.cumsum(count) / max(1, count.sum())])
        lines.append(Line(name, [(float(x) / len(sold), float(share[x])) for x in at]))
        tenth = float(share[max(1, len(sold) // 10)])
        tenths.append(words("tail.tenth", name=name, share=words.percent(tenth)))
    chart = line_chart(
        words,
        lines,
        words.text("tail.x_axis"),
        words.text("tail.y_axis"),
        y_high=1.0,
        percent="xy",
        wide=True,
    )
    return Section("tail", {"tenths": words.listed(tenths), "names": list(counts), "chart": chart})


def segments(data: ReportData) -> Section | None:
    """Precision in each part of the users and of the products."""
    if data.metrics is None:
        return None
    words = data.words
    rows = data.metrics.filter(
        pl.col("segment").is_not_null()
        & pl.col("model").is_in(list(data.judged))
        & (pl.col("k") == data.main_k)
    )
    precision = rows.filter(pl.col("metric") == "precision")
    if precision.is_empty():
        return None
    dots = [
        Dot(
            words.text("segments.row", row["n"], segment=words.segment(row["segment"])), row["model"],
            row["value"], row["low"], row["high"],
        )
        for row in precision.iter_rows(named=True)
    ]  # fmt: skip
    shown = ("precision", "recall", "ndcg", "hit_rate")
    values = {(row["segment"], row["model"], row["metric"]): row for row in rows.iter_rows(named=True)}
    heads = [Head(words.text("segments.segment")), Head(words.text("segments.model"))]
    heads += [Head(words.text("segments.users"), numeric=True)]
    heads += [Head(f"{name}@{data.main_k}", numeric=True, meaning=words.metric(name)) for name in shown]
    cells = []
    for segment, model in precision.select("segment", "model").iter_rows():
        users = values[segment, model, "precision"]["n"]
        figures = [values[segment, model, name]["value"] for name in shown]
        cells.append(
            [Cell(own(words.segment(segment))), Cell(own(model))]
            + [Cell(words.number(each), each) for each in (users, *figures)]
        )
    chart = dot_chart(words, dots, list(data.judged), words.text("segments.chart_label", k=data.main_k))
    return Section(
        "segments",
        {
            "few": FEW,
            "models": list(data.judged),
            "chart": chart,
            "table": Table(heads, cells, words.text("segments.caption"), sortable=True),
        },
    )
