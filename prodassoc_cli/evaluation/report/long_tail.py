"""Who and what is served: the long tail of the catalogue, and the parts of the users and products."""

from __future__ import annotations

import numpy as np
import polars as pl

from prodassoc_cli.evaluation.metrics.beyond_accuracy import exposure
from prodassoc_cli.evaluation.report.charts import Dot, Line, dot_chart, line_chart
from prodassoc_cli.evaluation.report.data import ReportData
from prodassoc_cli.evaluation.report.labels import named, part
from prodassoc_cli.evaluation.report.markup import Head, legend, number_cell, percent, safe, table, text_cell
from prodassoc_cli.evaluation.report.page import Section
from prodassoc_cli.evaluation.segments import FEW

_POINTS = 60


def long_tail(data: ReportData) -> Section | None:
    """How much of sales and of recommendations the best-sellers take."""
    facts = next(iter(data.judged.values())).truth.facts
    if facts.catalogue is None or facts.holders is None or not facts.catalogue.any():
        return None
    k, sold = data.main_k, facts.holders[facts.catalogue]
    order = np.lexsort((np.arange(len(sold)), -sold))
    counts = {model: exposure(judged, k)[order] for model, judged in data.judged.items()}
    counts["sales in training"] = sold[order]
    at = np.unique(np.linspace(0, len(sold), _POINTS).astype(int))
    lines, said = [], []
    for name, count in counts.items():
        share = np.concatenate([[0.0], np.cumsum(count) / max(1, count.sum())])
        lines.append(Line(name, [(float(x) / len(sold), float(share[x])) for x in at]))
        tenth = float(share[max(1, len(sold) // 10)])
        said.append(f"{safe(name)} {percent(tenth)}")
    words = (
        "Products from the best-selling on the left to the least on the right. The first tenth of the "
        f"catalogue takes: {', '.join(said)}. A curve below that of sales spreads attention "
        "to the tail, one above it narrows it."
    )
    chart = line_chart(
        lines,
        "share of the catalogue, best-sellers first",
        "share of all",
        y_high=1.0,
        percent="xy",
        wide=True,
    )
    body = f'<p class="soft">{words}</p>{legend([*data.judged, "sales in training"])}<figure>{chart}</figure>'
    return Section("tail", "The long tail", body)


def segments(data: ReportData) -> Section | None:
    """Precision in each part of the users and of the products."""
    if data.metrics is None:
        return None
    rows = data.metrics.filter(
        pl.col("segment").is_not_null()
        & pl.col("model").is_in(list(data.judged))
        & (pl.col("k") == data.main_k)
    )
    precision = rows.filter(pl.col("metric") == "precision")
    if precision.is_empty():
        return None
    dots = [
        Dot(f"{part(row['segment'])} ({row['n']:,})", row["model"], row["value"], row["low"], row["high"])
        for row in precision.iter_rows(named=True)
    ]
    shown = ("precision", "recall", "ndcg", "hit_rate")
    values = {(row["segment"], row["model"], row["metric"]): row for row in rows.iter_rows(named=True)}
    heads = [Head("Segment"), Head("Model"), Head("Users", numeric=True)]
    heads += [Head(f"{name}@{data.main_k}", numeric=True, meaning=named(name)) for name in shown]
    cells = [
        [text_cell(part(segment)), text_cell(model), number_cell(values[segment, model, "precision"]["n"])]
        + [number_cell(values[segment, model, name]["value"]) for name in shown]
        for segment, model in precision.select("segment", "model").iter_rows()
    ]
    words = (
        f"New users have fewer than {FEW} products in training, heavy users are the fifth with most; cold "
        f"products have fewer than {FEW} buyers. In a part of the products only those count as right, so its "
        "figures are lower than those of all. In brackets: users."
    )
    chart = dot_chart(dots, list(data.judged), f"Precision at {data.main_k} by segment")
    numbers = table(heads, cells, "Metrics by segment", sortable=True)
    body = (
        f'<p class="soft">{words} Shown: precision, the share of a list that hits.</p>'
        f"{legend(list(data.judged))}"
        f"<figure>{chart}</figure>"
        f"<details><summary>The numbers</summary>{numbers}</details>"
    )
    return Section("segments", "Who is served well", body)
