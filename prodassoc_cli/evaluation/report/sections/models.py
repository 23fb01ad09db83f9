"""The models: what to take away in a sentence, and their figures side by side."""

from __future__ import annotations

import polars as pl
from markupsafe import Markup

from prodassoc_cli.evaluation.compare import mark_best, mark_tied
from prodassoc_cli.evaluation.metrics.registry import ALL_METRICS
from prodassoc_cli.evaluation.report.charts import Dot, Line, dot_chart, line_chart
from prodassoc_cli.evaluation.report.data import ReportData
from prodassoc_cli.evaluation.report.markup import Cell, Head, Section, Table, own
from prodassoc_cli.evaluation.report.page import fill
from prodassoc_cli.evaluation.report.words import Words, grouped

_DOTS = ("hit_rate", "precision", "recall", "ndcg")
_CURVES = ("precision", "recall", "ndcg", "hit_rate")
_MAX_POINTS = 24


def lead(data: ReportData) -> Markup:
    """Return what to take away, for someone who reads nothing else."""
    words, k, best = data.words, data.main_k, data.best()
    hits, ndcg, reach = (data.of_all(metric, k) for metric in ("hit_rate", "ndcg", "coverage"))
    users = hits[best]["n"]
    said = [words("lead.best", users, share=words.percent(hits[best]["value"]), model=own(best), k=k)]
    others = [model for model in data.judged if model != best]
    if others:
        compared = [
            words("lead.other", model=own(model), share=words.percent(hits[model]["value"]))
            for model in others
        ]
        said += [words("lead.others", others=words.listed(compared)), _standing(data, best)]
    cards = [
        (words.text("lead.users_card"), words.number(users)),
        (words.text("lead.hit_card", k=k), words.percent(hits[best]["value"])),
        (words.text("lead.ndcg_card", k=k), words.number(ndcg[best]["value"])),
    ]
    if best in reach:
        said.append(words("lead.reach", share=words.percent(reach[best]["value"])))
        cards.append((words.metric("coverage"), words.percent(reach[best]["value"])))
    if best in (money := data.of_all("revenue", k)):
        cards.append((words.text("lead.revenue_card", k=k), words.number(money[best]["value"])))
    notices = [data.name_options(words.notice(each)) for each in data.notices]
    return fill("lead", words, said=said, cards=cards, notices=notices)


def _standing(data: ReportData, best: str) -> Markup:
    """Say which models are indistinguishable from the best by NDCG."""
    if data.differences is None:
        return Markup()
    rows = data.differences.filter((pl.col("metric") == "ndcg") & (pl.col("k") == data.main_k))
    unsure = rows.filter(
        (pl.col("p_adjusted").fill_null(1.0) >= 0.05)
        & ((pl.col("model") == best) | (pl.col("baseline") == best))
    )
    names = [
        row["baseline"] if row["model"] == best else row["model"] for row in unsure.iter_rows(named=True)
    ]
    if names:
        return data.words("lead.tied", models=data.words.joined(map(own, names)))
    return data.words("lead.ahead")


def side_by_side(data: ReportData) -> Section:
    """Every metric at the main list length, with intervals, the best marked."""
    words, k = data.words, data.main_k
    assert data.metrics is not None
    chosen = data.metrics.filter(
        pl.col("segment").is_null() & pl.col("model").is_in(list(data.judged)) & (pl.col("k") == k)
    )
    marked = mark_tied(mark_best(chosen), data.differences)
    cells = {(row["metric"], row["model"]): row for row in marked.iter_rows(named=True)}
    heads = [Head(words.text("models.metric"))] + [Head(model, numeric=True) for model in data.judged]
    several = len(data.judged) > 1
    groups = grouped(marked["metric"])
    rows = {
        words.text(f"questions.{question}"): [
            [_metric_cell(words, metric)]
            + [_figure(words, cells.get((metric, model)), several=several) for model in data.judged]
            for metric in group
        ]
        for question, group in groups.items()
    }
    dots = [
        Dot(words.metric(metric), model, row["value"], row["low"], row["high"])
        for metric in _DOTS
        for model, row in data.of_all(metric, k).items()
        if model in data.judged and row["value"] is not None
    ]
    return Section(
        "models",
        {
            "k": k,
            "models": list(data.judged),
            "chart": dot_chart(words, dots, list(data.judged), words.text("models.chart_label", k=k)),
            "table": Table(heads, rows, words.text("models.caption", k=k), wide=True),
            "metrics": [metric for group in groups.values() for metric in group],
        },
    )


def _metric_cell(words: Words, metric: str) -> Cell:
    shown = Markup('<span title="{}">{}</span> <code>{}</code>')
    return Cell(shown.format(words.definition(metric), words.metric(metric), metric))


def _figure(words: Words, row: dict[str, object] | None, *, several: bool) -> Cell:
    if row is None:
        return Cell("–")
    value, low, high = row["value"], row["low"], row["high"]
    assert value is None or isinstance(value, float)
    text = Markup(words.number(value, 4))  # noqa: S704 — a number
    if isinstance(low, float) and isinstance(high, float):
        text += Markup(' <span class="soft">± {}</span>').format(words.number((high - low) / 2, 4))
    sign = " ≈" if row["tied"] else ""
    return Cell(text + sign, value, "best" if row["best"] and several else "")


def curves(data: ReportData) -> Section:
    """Accuracy metrics against the length of the list, from 1 to the longest asked for."""
    words, top = data.words, max(data.ks)
    step = max(1, top // _MAX_POINTS)
    ks = sorted({1, *range(step, top + 1, step), *data.ks})
    charts = []
    for metric in _CURVES:
        values = ALL_METRICS[metric].values
        assert values is not None
        lines = [
            Line(model, [(k, float(values(judged, k).mean())) for k in ks])
            for model, judged in data.judged.items()
        ]
        charts.append(
            line_chart(words, lines, words.text("curves.length"), f"{words.text(f'curves.{metric}')}@k")
        )
    return Section("curves", {"models": list(data.judged), "charts": charts})
