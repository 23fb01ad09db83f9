"""A door by products: what the page knows of each one, as data that its script searches and shows.

All that is shown of a product (sales, rules, related products, lists) goes into the page once. Where that is
more than a page can hold, the products most sold come first, and rules and pairs of these.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from markupsafe import Markup

from prodassoc_cli.evaluation.judged_lists import RELEVANT_EVENTS
from prodassoc_cli.evaluation.report.data import ReportData
from prodassoc_cli.evaluation.report.markup import Section, visible
from prodassoc_cli.evaluation.report.words import Words

BUDGET = 4_000_000
"""Bytes of the data of a page: with all the rest it stays below 5 MB."""
_RULES = 50_000
_RELATED = 10
_RELATIONS = ("complement", "expected", "substitute", "variant")
_FIGURES = ("similarity", "count", "lift", "expected_lift")

_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_JSON_IN_HTML = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})
"""No text ends the element that it stands in, or begins another."""


@dataclass(frozen=True)
class _Encoded:
    """Rows as JSON, and for each the last of the products that it speaks of."""

    rows: list[str]
    product: list[int]

    def count(self, products: int) -> int:
        """Return how many rows speak of the first products alone."""
        return sum(last < products for last in self.product)

    def of_first(self, products: int) -> str:
        """Return the array of the rows that speak of the first products alone."""
        return _array(row for row, last in zip(self.rows, self.product, strict=True) if last < products)


def products(data: ReportData) -> Section | None:
    """Return the search over the products; None where none is known."""
    known = _known_products(data)
    if known.is_empty():
        return None
    number = {product: place for place, product in enumerate(known["product_id"])}
    categories = known["category"].drop_nulls().unique().sort().to_list()
    encoded = {
        "products": _products(known, {name: place for place, name in enumerate(categories)}),
        "rules": _rules(data.rules, number),
        "related": _related(data.relations, number),
    }
    kept = _fitting(encoded.values(), known.height, BUDGET - len(_json(categories).encode()))
    parts = {
        "categories": _json(categories),
        "models": _json([[name, lists["user_id"].n_unique()] for name, lists in data.lists.items()]),
        "relations": _json(_RELATIONS),
        **{name: each.of_first(kept) for name, each in encoded.items()},
        **_language(data.words),
    }
    text = "{" + ",".join(f'"{name}":{part}' for name, part in parts.items()) + "}"
    return Section(
        "products",
        {
            "data": Markup(text),  # noqa: S704 — texts in it are escaped
            "kept": kept,
            "products": known.height,
            "kept_rules": encoded["rules"].count(kept),
            "rules": 0 if data.rules is None else data.rules.height,
        },
    )


def _known_products(data: ReportData) -> pl.DataFrame:
    """Return every product that something is known of, the most sold first.

    Returns:
        product_id, title, category, baskets, users, and for each model in how many of its lists it is.
    """
    lists = [
        rows.group_by("product_id").agg(pl.len().alias(f"lists {place}"))
        for place, rows in enumerate(data.lists.values())
    ]
    sold, catalogue = _sales(data), _catalogue(data)
    ids = [frame["product_id"] for frame in (sold, catalogue, *lists)]
    if data.rules is not None:
        ids += [data.rules[side].explode().drop_nulls() for side in ("antecedent", "consequent")]
    if data.relations is not None:
        ids += [data.relations[column] for column in ("product_id", "related_id")]
    known = pl.concat([each.alias("product_id").cast(pl.String) for each in ids]).unique().to_frame()
    for frame in (catalogue, sold, *lists):
        known = known.join(frame, on="product_id", how="left")
    known = known.with_columns(pl.col(r"^lists \d+$").fill_null(0))
    return known.sort(
        pl.coalesce("baskets", "users"), "product_id", descending=[True, False], nulls_last=True
    )


def _catalogue(data: ReportData) -> pl.DataFrame:
    """Return product_id, title and category of the catalogue."""
    columns = {"product_id": pl.String, "title": pl.String, "category": pl.String}
    if data.products is None:
        return pl.DataFrame(schema=columns)
    found = data.products.select(
        pl.col(name) if name in data.products.columns else pl.lit(None, kind).alias(name)
        for name, kind in columns.items()
    )
    return found.unique("product_id", keep="first", maintain_order=True)


def _sales(data: ReportData) -> pl.DataFrame:
    """Return product_id, in how many baskets it is and how many users have it; null where it is not known."""
    if data.baskets is not None:
        rows = list(data.baskets.items())
        return pl.DataFrame(
            rows, schema={"product_id": pl.String, "baskets": pl.Int64}, orient="row"
        ).with_columns(users=pl.lit(None, pl.Int64))
    interactions = data.truth if data.train is None else data.train
    if interactions is None:
        return pl.DataFrame(schema={"product_id": pl.String, "baskets": pl.Int64, "users": pl.Int64})
    bought = interactions.filter(pl.col("event").is_in(RELEVANT_EVENTS))

    def distinct(column: str) -> pl.Expr:
        count = pl.col(column).drop_nulls().n_unique().cast(pl.Int64)
        return count if bought[column].null_count() < bought.height else pl.lit(None, pl.Int64)

    return bought.group_by("product_id").agg(
        distinct("order_id").alias("baskets"), distinct("user_id").alias("users")
    )


def _products(known: pl.DataFrame, categories: Mapping[str, int]) -> _Encoded:
    """Return [id, title unless it is the id, category, baskets, users, lists of each model…] of each."""
    rows = [
        _json([product, title if title != product else None, categories.get(category), *counts])
        for product, title, category, *counts in known.iter_rows()
    ]
    return _Encoded(rows, list(range(len(rows))))


def _rules(rules: pl.DataFrame | None, number: Mapping[str, int]) -> _Encoded:
    """Return [antecedent, consequent, count, support, confidence, lift] of the first rules."""
    if rules is None:
        return _Encoded([], [])
    columns = ("antecedent", "consequent", "count", "support", "confidence", "lift")
    rows, last = [], []
    for antecedent, consequent, *figures in rules.head(_RULES).select(columns).iter_rows():
        sides = [[number[each] for each in side] for side in (antecedent, consequent)]
        rows.append(_compact([*sides, *map(_short, figures)]))
        last.append(max(map(max, sides)))
    return _Encoded(rows, last)


def _related(relations: pl.DataFrame | None, number: Mapping[str, int]) -> _Encoded:
    """Return [product, related one, relation, similarity, count, lift, expected lift], the best of each."""
    if relations is None:
        return _Encoded([], [])
    if "expected_lift" not in relations.columns:
        relations = relations.with_columns(expected_lift=pl.lit(None, pl.Float64))
    by = pl.when(pl.col("relation").is_in(["substitute", "variant"])).then("similarity")
    best = (
        relations.sort(by.otherwise(pl.coalesce("lift", "expected_lift")), descending=True, nulls_last=True)
        .group_by("product_id", "relation", maintain_order=True)
        .head(_RELATED)
    )
    rows, last = [], []
    for product, other, relation, *figures in best.select(
        "product_id", "related_id", "relation", *_FIGURES
    ).iter_rows():
        pair = [number[product], number[other]]
        rows.append(_compact([*pair, _RELATIONS.index(relation), *map(_short, figures)]))
        last.append(max(pair))
    return _Encoded(rows, last)


def _fitting(encoded: Iterable[_Encoded], products: int, budget: int) -> int:
    """Return how many of the first products fit with all that is said of them alone."""
    size = np.zeros(products, np.int64)
    for each in encoded:
        np.add.at(size, each.product, [len(row.encode()) + 1 for row in each.rows])
    return int(np.searchsorted(np.cumsum(size), budget, side="right"))


def _language(words: Words) -> dict[str, str]:
    """Return the messages of the script, each in both forms, and how numbers are written."""
    texts = {
        name.removeprefix("door."): text for name, text in words.messages.items() if name.startswith("door.")
    }
    form = words.form
    numbers = [form.decimal, form.thousands, form.thousands_from, form.percent]
    return {"texts": _json(texts), "numbers": json.dumps(numbers)}


def _short(value: float | None) -> float | None:
    """Return a figure with four significant digits."""
    return value if value is None or isinstance(value, int) else float(f"{value:.4g}")


def _json(value: Any) -> str:  # noqa: ANN401 — anything JSON can hold
    """Return JSON that can stand in HTML, with texts as they are shown."""
    return _compact(_shown(value)).translate(_JSON_IN_HTML)


def _shown(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, list | tuple):
        return [_shown(each) for each in value]
    return {name: _shown(each) for name, each in value.items()} if isinstance(value, dict) else value


def _array(rows: Iterable[str]) -> str:
    return f"[{','.join(rows)}]"
