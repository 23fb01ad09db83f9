"""The rules: a table that sorts, a graph of products, and where they lie in support, confidence and lift."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import polars as pl
from markupsafe import Markup

from prodassoc_cli.evaluation.report.charts import Point, scatter
from prodassoc_cli.evaluation.report.data import ReportData
from prodassoc_cli.evaluation.report.markup import Cell, Head, Section, Table, own
from prodassoc_cli.evaluation.report.sections.graph import Edge, graph
from prodassoc_cli.evaluation.report.words import Words

_TABLE_ROWS = 100
_GRAPH_EDGES = 45
_POINTS = 1500
_KINDS = 5


def rules_lead(data: ReportData) -> Markup:
    """Return what to take away of rules alone."""
    rules = data.rules
    assert rules is not None
    if rules.is_empty():
        said = data.words("lead.no_rules")
    else:
        products = rules["antecedent"].explode().append(rules["consequent"].explode()).n_unique()
        widest = float(rules["support"].max() or 0.0)  # type: ignore[arg-type]
        sure = rules.filter(rules["confidence"] >= 0.5).height
        said = data.words(
            "lead.rules", rules.height, products=products, sure=sure, widest=data.words.percent(widest)
        )
    return Markup('<p class="lead">{}</p>').format(said)


def rules_section(data: ReportData) -> Section | None:
    """The top rules in three views; None without rules."""
    rules = data.rules
    if rules is None or rules.is_empty():
        return None
    top = rules.head(_TABLE_ROWS)
    sides = pl.concat([top["antecedent"].explode(), top["consequent"].explode()])
    titles = data.titles(sides.drop_nulls())
    drawn = _chosen(rules).height
    return Section(
        "rules",
        {
            "first": top.height,
            "rules": rules.height,
            "table": _table(data.words, top, titles),
            **_graph(data, top, titles),
            "scatter": _scatter(data.words, rules),
            "shades": [data.words.number(each) for each in _quantiles(rules)],
            "drawn": drawn,
        },
    )


def _side(ids: list[str], titles: dict[str, str]) -> Cell:
    return Cell(Markup(" + ").join(own(titles.get(each, each)) for each in ids))


def _table(words: Words, rules: pl.DataFrame, titles: dict[str, str]) -> Table:
    numbers = ("count", "support", "confidence", "lift")
    heads = [Head(words.text("rules.antecedent")), Head(words.text("rules.consequent"))]
    heads += [
        Head(words.text(f"rules.{name}"), numeric=True, meaning=words.text(f"rules.{name}_meaning"))
        for name in numbers
    ]
    rows = [
        [
            _side(row["antecedent"], titles),
            _side(row["consequent"], titles),
            Cell(words.number(row["count"]), row["count"]),
            Cell(words.percent(row["support"]), row["support"]),
            Cell(words.percent(row["confidence"]), row["confidence"]),
            Cell(words.number(row["lift"]), row["lift"]),
        ]
        for row in rules.iter_rows(named=True)
    ]
    return Table(
        heads, rows, words.text("rules.caption"), sortable=True, tall=True, wide=True, name="rules-table"
    )


def _graph(data: ReportData, rules: pl.DataFrame, titles: dict[str, str]) -> dict[str, Any]:
    strongest: dict[tuple[str, str], float] = {}
    for antecedent, consequent, lift in rules.select("antecedent", "consequent", "lift").iter_rows():
        if len(strongest) >= _GRAPH_EDGES:
            break
        for one in antecedent:
            for other in consequent:
                pair = (min(one, other), max(one, other))
                strongest[pair] = max(strongest.get(pair, 0.0), lift)
    edges: list[Edge] = [(*pair, lift) for pair, lift in sorted(strongest.items())]
    kind_of = data.kinds({node for one, other, _ in edges for node in (one, other)})
    kinds = [kind for kind, _ in Counter(sorted(kind_of.values())).most_common(_KINDS)]
    shades = {node: kinds.index(kind) if kind in kinds else _KINDS for node, kind in kind_of.items()}
    named = [*kinds, *([data.words.text("rules.other")] if _KINDS in shades.values() else [])]
    drawing = graph(data.words, edges, titles, shades, data.words.text("rules.graph_label"))
    return {"graph": drawing, "kinds": named if len(named) > 1 else []}


def _quantiles(rules: pl.DataFrame) -> list[float]:
    return [float(rules["lift"].quantile(share) or 0.0) for share in (0.2, 0.4, 0.6, 0.8)]


def _chosen(rules: pl.DataFrame) -> pl.DataFrame:
    """Return as many rules as a scatter can hold, evenly over their order."""
    return rules.gather_every(-(-rules.height // _POINTS))


def _scatter(words: Words, rules: pl.DataFrame) -> Markup:
    bounds = _quantiles(rules)
    points = [
        Point(
            support,
            confidence,
            1 + int(np.searchsorted(bounds, lift, side="right")),
            words.text(
                "rules.point",
                support=words.number(support), confidence=words.number(confidence), lift=words.number(lift),
            ),
        )
        for support, confidence, lift in _chosen(rules).select("support", "confidence", "lift").iter_rows()
    ]  # fmt: skip
    return scatter(
        words,
        points,
        *(words.text(f"rules.{name}") for name in ("support_axis", "confidence_axis", "scatter_label")),
    )
