"""The rules: a table that sorts, a graph of products, and where they lie in support, confidence and lift."""

from __future__ import annotations

from collections import Counter

import numpy as np
import polars as pl

from prodassoc_cli.evaluation.report.charts import Point, scatter
from prodassoc_cli.evaluation.report.data import ReportData
from prodassoc_cli.evaluation.report.graph import Edge, graph
from prodassoc_cli.evaluation.report.markup import (
    Cell,
    Head,
    legend,
    number,
    number_cell,
    own,
    percent,
    safe,
    table,
)
from prodassoc_cli.evaluation.report.page import Section

_TABLE_ROWS = 100
_GRAPH_EDGES = 45
_POINTS = 1500
_KINDS = 5


def rules_section(data: ReportData) -> Section | None:
    """The top rules in three views; None without rules."""
    rules = data.rules
    if rules is None or rules.is_empty():
        return None
    top = rules.head(_TABLE_ROWS)
    sides = pl.concat([top["antecedent"].explode(), top["consequent"].explode()])
    titles = data.titles(sides.drop_nulls())
    body = (
        f'<p class="soft">{_words(rules)}</p>{_table(top, titles)}'
        f"<h3>Products that go together</h3>"
        '<p class="soft">Lines join the products of the first rules; the wider, the higher the lift. Point '
        f"at a product, or tab to it, to see its partners.</p>{_graph(data, top, titles)}"
        f"<h3>Support, confidence and lift</h3><figure>{_scatter(rules)}"
        f"<figcaption>{_shades(rules)}</figcaption></figure>"
    )
    return Section("rules", "Products bought together", body)


def _words(rules: pl.DataFrame) -> str:
    first = min(_TABLE_ROWS, rules.height)
    return (
        f"{rules.height:,} rules; the first {first} below. A rule reads: of the baskets with the left side, "
        "the confidence is the share that have the right side too; the lift says how many times more that is "
        "than among all baskets."
    )


def _side(ids: list[str], titles: dict[str, str]) -> Cell:
    return Cell(" + ".join(own(titles.get(each, each)) for each in ids))


def _table(rules: pl.DataFrame, titles: dict[str, str]) -> str:
    heads = [
        Head("Who buys"),
        Head("also buys"),
        Head("Baskets", numeric=True, meaning="baskets with both sides"),
        Head("Support", numeric=True, meaning="share of all baskets with both sides"),
        Head(
            "Confidence",
            numeric=True,
            meaning="share of the baskets with the left side that have the right side",
        ),
        Head("Lift", numeric=True, meaning="confidence / share of all baskets with the right side"),
    ]
    rows = [
        [
            _side(row["antecedent"], titles),
            _side(row["consequent"], titles),
            number_cell(row["count"]),
            Cell(percent(row["support"]), row["support"]),
            Cell(percent(row["confidence"]), row["confidence"]),
            number_cell(row["lift"]),
        ]
        for row in rules.iter_rows(named=True)
    ]
    return table(
        heads,
        rows,
        "Top rules; a click on a heading sorts",
        sortable=True,
        tall=True,
        wide=True,
        name="rules-table",
    )


def _graph(data: ReportData, rules: pl.DataFrame, titles: dict[str, str]) -> str:
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
    named = [*kinds, *(["other"] if _KINDS in shades.values() else [])]
    label = "Graph of the products of the first rules; the width of a line is the lift"
    key = legend(named) if len(named) > 1 else ""
    return f"{key}<figure>{graph(edges, titles, shades, label)}</figure>"


def _quantiles(rules: pl.DataFrame) -> list[float]:
    return [float(rules["lift"].quantile(share) or 0.0) for share in (0.2, 0.4, 0.6, 0.8)]


def _scatter(rules: pl.DataFrame) -> str:
    chosen = rules.gather_every(max(1, rules.height // _POINTS)).head(_POINTS)
    bounds = _quantiles(rules)
    points = [
        Point(
            support,
            confidence,
            1 + int(np.searchsorted(bounds, lift, side="right")),
            f"support {number(support)}, confidence {number(confidence)}, lift {number(lift)}",
        )
        for support, confidence, lift in chosen.select("support", "confidence", "lift").iter_rows()
    ]
    return scatter(points, "support (logarithmic)", "confidence", "Rules by support, confidence and lift")


def _shades(rules: pl.DataFrame) -> str:
    bounds = [number(each) for each in _quantiles(rules)]
    names = [f"lift below {bounds[0]}", *(f"to {bound}" for bound in bounds[1:]), "above"]
    keys = "".join(f'<li class="r{place}"><i></i>{safe(name)}</li>' for place, name in enumerate(names, 1))
    return f'<ul class="legend">{keys}</ul>'
