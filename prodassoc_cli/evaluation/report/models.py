"""The models: what to take away in a sentence, and their figures side by side."""

from __future__ import annotations

import polars as pl

from prodassoc_cli.evaluation.compare import mark_best, mark_tied
from prodassoc_cli.evaluation.metrics.registry import ALL_METRICS
from prodassoc_cli.evaluation.report.charts import Dot, Line, dot_chart, line_chart
from prodassoc_cli.evaluation.report.data import ReportData
from prodassoc_cli.evaluation.report.labels import grouped, named
from prodassoc_cli.evaluation.report.markup import Cell, Head, legend, number, own, percent, safe, table
from prodassoc_cli.evaluation.report.page import Section

_DOTS = ("hit_rate", "precision", "recall", "ndcg")
_CURVES = {"precision": "Precision", "recall": "Recall", "ndcg": "NDCG", "hit_rate": "Hit rate"}
_MAX_POINTS = 24


def lead(data: ReportData) -> str:
    """Return what to take away, for someone who reads nothing else."""
    k, best = data.main_k, data.best()
    hits, ndcg = data.of_all("hit_rate", k), data.of_all("ndcg", k)
    users = hits[best]["n"]
    said = [
        f"For <strong>{percent(hits[best]['value'])}</strong> of {users:,} users, {own(best)} had at least "
        f"one product in its first {k} that they then chose."
    ]
    others = [model for model in data.judged if model != best]
    if others:
        compared = ", ".join(f"{own(model)} for {percent(hits[model]['value'])}" for model in others)
        said.append(f"Beside it: {compared}. {_standing(data, best)}")
    reach = data.of_all("coverage", k)
    if best in reach:
        said.append(f"Its lists reach {percent(reach[best]['value'])} of the catalogue.")
    cards = [
        ("Users judged", f"{users:,}"),
        (f"Users with a hit in {k}", percent(hits[best]["value"])),
        (f"NDCG@{k} of the best", number(ndcg[best]["value"])),
    ]
    if best in reach:
        cards.append(("Catalogue reached", percent(reach[best]["value"])))
    if best in (money := data.of_all("revenue", k)):
        cards.append((f"Revenue of hits per user, in {k}", number(money[best]["value"])))
    boxes = "".join(f'<div class="card"><b>{value}</b>{safe(name)}</div>' for name, value in cards)
    warned = "".join(f"<li>{safe(notice)}</li>" for notice in data.notices)
    notes = f'<aside class="notes"><h2>What to know of these figures</h2><ul>{warned}</ul></aside>'
    return f'<p class="lead">{" ".join(said)}</p><div class="cards">{boxes}</div>{notes if warned else ""}'


def _standing(data: ReportData, best: str) -> str:
    """Say which models are indistinguishable from the best by NDCG."""
    if data.differences is None:
        return ""
    rows = data.differences.filter((pl.col("metric") == "ndcg") & (pl.col("k") == data.main_k))
    unsure = rows.filter(
        (pl.col("p_adjusted").fill_null(1.0) >= 0.05)
        & ((pl.col("model") == best) | (pl.col("baseline") == best))
    )
    names = [
        row["baseline"] if row["model"] == best else row["model"] for row in unsure.iter_rows(named=True)
    ]
    if names:
        return f"In order of rank (NDCG) these users do not tell it from {' and '.join(map(own, names))}."
    return "In order of rank (NDCG) its lead over every other model is beyond chance."


def side_by_side(data: ReportData) -> Section:
    """Every metric at the main list length, with intervals, the best marked."""
    k = data.main_k
    assert data.metrics is not None
    chosen = data.metrics.filter(
        pl.col("segment").is_null() & pl.col("model").is_in(list(data.judged)) & (pl.col("k") == k)
    )
    marked = mark_tied(mark_best(chosen), data.differences)
    cells = {(row["metric"], row["model"]): row for row in marked.iter_rows(named=True)}
    heads = [Head("Metric")] + [Head(model, numeric=True) for model in data.judged]
    several = len(data.judged) > 1
    groups = grouped(marked["metric"])
    rows = {
        question: [
            [_metric_cell(metric)]
            + [_figure(cells.get((metric, model)), several=several) for model in data.judged]
            for metric in group
        ]
        for question, group in groups.items()
    }
    dots = [
        Dot(named(metric), model, row["value"], row["low"], row["high"])
        for metric in _DOTS
        for model, row in data.of_all(metric, k).items()
        if model in data.judged and row["value"] is not None
    ]
    words = (
        f"Lists cut to {k}; ± is half the 95 % interval over users. Shaded: the best. ≈: indistinguishable "
        "from it (paired test over users, Holm's correction)."
    )
    definitions = "".join(
        f"<dt>{safe(metric)}</dt><dd>{safe(ALL_METRICS[metric].definition)}.</dd>"
        for group in groups.values()
        for metric in group
    )
    chart = dot_chart(dots, list(data.judged), f"Accuracy at {k} with 95 % intervals")
    body = (
        f'<p class="soft">{words}</p>{legend(list(data.judged))}'
        f"<figure>{chart}</figure>"
        f"{table(heads, rows, f'All metrics at {k}', wide=True)}"
        f"<details><summary>What each metric means</summary><dl>{definitions}</dl></details>"
    )
    return Section("models", "Models side by side", body)


def _metric_cell(metric: str) -> Cell:
    definition = safe(ALL_METRICS[metric].definition)
    return Cell(f'<span title="{definition}">{safe(named(metric))}</span> <code>{safe(metric)}</code>')


def _figure(row: dict[str, object] | None, *, several: bool) -> Cell:
    if row is None:
        return Cell("–")
    value, low, high = row["value"], row["low"], row["high"]
    assert value is None or isinstance(value, float)
    text = number(value, 4)
    if isinstance(low, float) and isinstance(high, float):
        text += f' <span class="soft">± {number((high - low) / 2, 4)}</span>'
    sign = " ≈" if row["tied"] else ""
    return Cell(text + sign, value, "best" if row["best"] and several else "")


def curves(data: ReportData) -> Section:
    """Accuracy metrics against the length of the list, from 1 to the longest asked for."""
    top = max(data.ks)
    step = max(1, top // _MAX_POINTS)
    ks = sorted({1, *range(step, top + 1, step), *data.ks})
    charts = []
    for metric, name in _CURVES.items():
        values = ALL_METRICS[metric].values
        assert values is not None
        lines = [
            Line(model, [(k, float(values(judged, k).mean())) for k in ks])
            for model, judged in data.judged.items()
        ]
        charts.append(f"<figure>{line_chart(lines, 'length of the list, k', f'{name}@k')}</figure>")
    words = "How the figures change with the length of the list: where a curve flattens, more brings little."
    body = f'<p class="soft">{words}</p>{legend(list(data.judged))}<div class="grid">{"".join(charts)}</div>'
    return Section("curves", "How long a list should be", body)
