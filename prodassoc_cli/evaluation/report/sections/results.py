"""What became of it: rules on baskets they were not mined from, and lists that people were shown."""

from __future__ import annotations

from typing import Any

import polars as pl
from markupsafe import Markup

from prodassoc_cli.evaluation.report.charts import Dot, Line, dot_chart, line_chart
from prodassoc_cli.evaluation.report.data import ReportData
from prodassoc_cli.evaluation.report.markup import Cell, Head, Section, Table, own
from prodassoc_cli.evaluation.report.words import OUTCOMES, Words
from prodassoc_cli.evaluation.rules import MIN_BASKETS, JudgedRules, calibration

_WORTH = ("ips_ctr", "clipped_ips_ctr", "snips_ctr", "dr_ctr")


def rules_held(data: ReportData) -> Section | None:
    """How well the rules hold in the holdout; None where none were judged."""
    if not data.judged_rules:
        return None
    return Section("held", {"judged": [_held(data, *each) for each in data.judged_rules.items()]})


def _held(data: ReportData, name: str, judged: JudgedRules) -> dict[str, Any]:
    words = data.words
    kept, lift, reach = (
        data.of_all(metric, None)[name] for metric in ("confidence_kept", "lift_kept", "rule_coverage")
    )
    hits = data.of_all("rule_hit_rate", data.main_k)[name]
    said = words(
        "held.words", kept["n"], name=own(name), rules=judged.rules.height, min_baskets=MIN_BASKETS,
        kept=words.percent(kept["value"]), lift=words.percent(lift["value"]),
        reach=words.percent(reach["value"]), baskets=judged.baskets, hits=words.percent(hits["value"]),
        k=data.main_k,
    )  # fmt: skip
    bins = calibration(judged)
    if bins.height <= 1:
        return {"said": said, "names": [], "chart": None}
    points = list(bins.select("confidence", "held_confidence").iter_rows())
    ends = [(points[0][0], points[0][0]), (points[-1][0], points[-1][0])]
    names = [words.text("held.holdout"), words.text("held.mined")]
    lines = [Line(names[0], points), Line(names[1], ends)]
    chart = line_chart(words, lines, words.text("held.x_axis"), words.text("held.y_axis"), wide=True)
    return {"said": said, "names": names, "chart": chart}


def feedback(data: ReportData) -> Section | None:
    """Clicks by model and position, and what the lists judged would have got; None without a log."""
    rows = data.metrics
    if rows is None or rows.filter(pl.col("metric") == "ctr").is_empty():
        return None
    models = rows.filter(pl.col("metric") == "ctr")["model"].unique(maintain_order=True).to_list()
    parts = {"positions": _by_position(data.words, rows, models), "offpolicy": _offpolicy(data.words, rows)}
    return Section("feedback", {"table": _by_model(data, models), **parts})


def _by_model(data: ReportData, models: list[str]) -> Table:
    words = data.words
    names = [name for name in OUTCOMES if data.of_all(name, None)]
    heads = [Head(words.text("feedback.model"))]
    heads += [Head(words.metric(name), numeric=True, meaning=words.definition(name)) for name in names]
    found = {name: data.of_all(name, None) for name in names}
    cells = [
        [Cell(own(model))] + [_interval(words, name, found[name].get(model)) for name in names]
        for model in models
    ]
    return Table(heads, cells, words.text("feedback.caption"), wide=True)


def _interval(words: Words, name: str, row: dict[str, float | None] | None) -> Cell:
    if row is None:
        return Cell("–")
    said = words.number if name.endswith("_per_list") else words.percent
    ends = words("feedback.no_interval")
    if row["low"] is not None:
        ends = words("feedback.interval", low=said(row["low"]), high=said(row["high"]))
    sign = "+" if name == "ctr_uplift" and (row["value"] or 0) > 0 else ""
    shown = Markup('<b>{}{}</b><br><span class="soft">{}</span>')
    return Cell(shown.format(sign, said(row["value"]), ends), row["value"])


def _by_position(words: Words, rows: pl.DataFrame, models: list[str]) -> dict[str, Any] | None:
    placed = rows.filter(
        (pl.col("metric") == "ctr") & pl.col("segment").str.starts_with("position: ")
    ).with_columns(pl.col("segment").str.strip_prefix("position: ").cast(pl.Float64).alias("place"))
    lines = []
    for model in models:
        part = placed.filter(model=model).sort("place")
        band = [each for each in part.select("place", "low", "high").iter_rows() if None not in each]
        if part.height:
            lines.append(Line(model, list(part.select("place", "value").iter_rows()), band))
    if not lines:
        return None
    axes = words.text("feedback.x_axis"), words.text("feedback.y_axis")
    chart = line_chart(words, lines, *axes, percent="y", wide=True)
    return {"names": [line.name for line in lines], "chart": chart}


def _offpolicy(words: Words, rows: pl.DataFrame) -> dict[str, Any] | None:
    part = rows.filter(pl.col("metric").is_in(_WORTH) & pl.col("value").is_not_null())
    if part.is_empty():
        return None
    models = part["model"].unique(maintain_order=True).to_list()
    dots = [
        Dot(
            words.text(f"feedback.{row['metric']}"),
            row["model"],
            max(0.0, row["value"]),
            row["low"] and max(0.0, row["low"]),
            row["high"],
        )
        for row in part.iter_rows(named=True)
    ]
    heads = [Head(words.text("feedback.lists"))]
    heads += [Head(words.text(f"feedback.{name}"), numeric=True) for name in ("overlap", "effective_n")]
    values = {(row["model"], row["metric"]): row["value"] for row in rows.iter_rows(named=True)}
    cells = [
        [
            Cell(own(model)),
            Cell(words.percent(values[model, "overlap"]), values[model, "overlap"]),
            Cell(words.number(values[model, "effective_n"]), values[model, "effective_n"]),
        ]
        for model in models
    ]
    return {
        "models": models,
        "chart": dot_chart(words, dots, models, words.text("feedback.offpolicy_label")),
        "table": Table(heads, cells, words.text("feedback.overlap_caption")),
    }
