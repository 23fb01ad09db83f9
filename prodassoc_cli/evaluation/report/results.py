"""What became of it: rules on baskets they were not mined from, and lists that people were shown."""

from __future__ import annotations

import polars as pl

from prodassoc_cli.evaluation.metrics.registry import ALL_METRICS
from prodassoc_cli.evaluation.report.charts import Dot, Line, dot_chart, line_chart
from prodassoc_cli.evaluation.report.data import ReportData
from prodassoc_cli.evaluation.report.labels import OUTCOMES
from prodassoc_cli.evaluation.report.markup import (
    Cell,
    Head,
    legend,
    number,
    number_cell,
    own,
    percent,
    table,
    text_cell,
)
from prodassoc_cli.evaluation.report.page import Section
from prodassoc_cli.evaluation.rules import MIN_BASKETS, calibration

_WORTH = {
    "ips_ctr": "IPS",
    "clipped_ips_ctr": "clipped IPS",
    "snips_ctr": "self-normalised IPS",
    "dr_ctr": "doubly robust",
}


def rules_held(data: ReportData) -> Section | None:
    """How well the rules hold in the holdout; None where none were judged."""
    if not data.judged_rules:
        return None
    parts = []
    for name, judged in data.judged_rules.items():
        kept, lift, reach = (
            data.of_all(metric, None)[name] for metric in ("confidence_kept", "lift_kept", "rule_coverage")
        )
        hits = data.of_all("rule_hit_rate", data.main_k)[name]
        words = (
            f"{own(name)}: {kept['n']:,} of {judged.rules.height:,} rules can be tested (left side in at "
            f"least {MIN_BASKETS} baskets). <strong>{percent(kept['value'])}</strong> keep their "
            f"confidence, {percent(lift['value'])} a lift above 1. Some rule speaks of "
            f"{percent(reach['value'])} of the {judged.baskets:,} baskets; in {percent(hits['value'])} of "
            f"those one of the {data.main_k} products predicted is there."
        )
        bins = calibration(judged)
        parts.append(f"<p>{words}</p>")
        if bins.height > 1:
            points = list(bins.select("confidence", "held_confidence").iter_rows())
            ends = [(points[0][0], points[0][0]), (points[-1][0], points[-1][0])]
            chart = line_chart(
                [Line("in the holdout", points), Line("as mined", ends)],
                "confidence as mined",
                "confidence held",
                wide=True,
            )
            parts.append(
                f"{legend(['in the holdout', 'as mined'])}<figure>{chart}<figcaption>"
                "A line below the other says that rules promise more than they hold.</figcaption></figure>"
            )
    return Section("held", "Do the rules hold?", "".join(parts))


def feedback(data: ReportData) -> Section | None:
    """Clicks by model and position, and what the lists judged would have got; None without a log."""
    rows = data.metrics
    if rows is None or rows.filter(pl.col("metric") == "ctr").is_empty():
        return None
    models = rows.filter(pl.col("metric") == "ctr")["model"].unique(maintain_order=True).to_list()
    body = _by_model(data, models) + _by_position(rows, models) + _offpolicy(rows)
    return Section("feedback", "What people did with the lists", body)


def _by_model(data: ReportData, models: list[str]) -> str:
    names = [name for name in OUTCOMES if data.of_all(name, None)]
    heads = [Head("Model")]
    heads += [Head(OUTCOMES[name], numeric=True, meaning=ALL_METRICS[name].definition) for name in names]
    found = {name: data.of_all(name, None) for name in names}
    cells = [
        [text_cell(model)] + [_interval(name, found[name].get(model)) for name in names] for model in models
    ]
    return table(heads, cells, "Lists shown, by model (95 % intervals over users)", wide=True)


def _interval(name: str, row: dict[str, float | None] | None) -> Cell:
    if row is None:
        return Cell("–")
    said = number if name.endswith("_per_list") else percent
    ends = f"{said(row['low'])} to {said(row['high'])}" if row["low"] is not None else "no interval"
    sign = "+" if name == "ctr_uplift" and (row["value"] or 0) > 0 else ""
    return Cell(f'<b>{sign}{said(row["value"])}</b><br><span class="soft">{ends}</span>', row["value"])


def _by_position(rows: pl.DataFrame, models: list[str]) -> str:
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
        return ""
    chart = line_chart(lines, "position in the list", "clicks per impression", percent="y", wide=True)
    key = legend([line.name for line in lines])
    return f"<h3>Clicks by position</h3>{key}<figure>{chart}</figure>"


def _offpolicy(rows: pl.DataFrame) -> str:
    part = rows.filter(pl.col("metric").is_in(list(_WORTH)) & pl.col("value").is_not_null())
    if part.is_empty():
        return ""
    models = part["model"].unique(maintain_order=True).to_list()
    dots = [
        Dot(
            _WORTH[row["metric"]],
            row["model"],
            max(0.0, row["value"]),
            row["low"] and max(0.0, row["low"]),
            row["high"],
        )
        for row in part.iter_rows(named=True)
    ]
    heads = [Head("Lists"), Head("Overlap", numeric=True), Head("Effective sample", numeric=True)]
    values = {(row["model"], row["metric"]): row["value"] for row in rows.iter_rows(named=True)}
    cells = [
        [
            text_cell(model),
            Cell(percent(values[model, "overlap"]), values[model, "overlap"]),
            number_cell(values[model, "effective_n"]),
        ]
        for model in models
    ]
    chart = dot_chart(dots, models, "Estimated clicks per impression of lists that were not shown")
    overlaps = table(heads, cells, "How much the log says of these lists")
    return (
        "<h3>What other lists would have got</h3>"
        '<p class="soft">Clicks per impression, estimated from where the log happened to show the same. The '
        "fewer such places, the wider the intervals.</p>"
        f"{legend(models)}<figure>{chart}</figure>{overlaps}"
    )
