"""One row per basket, a column for its first product, for its second, and so on."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from functools import cache

import polars as pl

from prodassoc_cli.intake.columns.aliases import ALIASES
from prodassoc_cli.intake.columns.match import match_columns, normal
from prodassoc_cli.intake.columns.schema import ROW
from prodassoc_cli.intake.formats.raw_table import RawTable
from prodassoc_cli.intake.layouts.layout import Head, Layout, Lines

_NUMBERED = re.compile(r"^(.*?)[\s_.#-]*\(?(\d{1,3})\)?(?:[\s_.:-]+(\D+))?$", re.DOTALL)
_PARTS = ("product_id", "title", "quantity", "price", "category", "brand")
"""What columns of their own may hold of each product of a row."""


def _recognise(head: Head, columns: dict[str, str]) -> str:
    found = numbered_columns(head.names, columns)
    if not found:
        return ""
    shown = [column for columns in found.values() for column in columns.values()]
    return f"products in {len(found)} columns, {shown[0]} … {shown[-1]}"


def numbered_columns(names: Sequence[str], columns: dict[str, str]) -> dict[int, dict[str, str]]:
    """Return the columns of products by their number: each field of that product → column.

    They have the name of a product, or of several, and a number: `Item 1`, `product_2`, `Product Item 3 SKU`;
    or one name that stands there repeatedly, numbered as `header_names` does.
    """
    groups: dict[str, dict[int, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
    keys = {column for name, column in columns.items() if name not in ("items", *_PARTS)}
    for name in names:
        if name in keys or not (found := _NUMBERED.match(name)):
            continue
        stem, number, rest = found[1], int(found[2]), found[3] or ""
        field = _field(rest) if rest else "product_id"
        if field and _is_product(stem):
            groups[normal(stem)][number].setdefault(field, name)
    best = max(groups.values(), key=len, default={})
    first = next(
        (name for name in names if groups and best and normal(name) in groups and name not in keys), None
    )
    if first is not None and 1 not in best:  # item, item_2, item_3: one name repeatedly
        best[1] = {"product_id": first}
    if len(best) < 2 or not _go_on(best):
        return {}
    for fields in best.values():
        if "product_id" not in fields and "title" in fields:
            fields["product_id"] = fields.pop("title")
    return {number: best[number] for number in sorted(best) if "product_id" in best[number]}


def _is_product(stem: str) -> bool:
    return normal(stem) in _product_words()


@cache
def _product_words() -> frozenset[str]:
    words = {normal(word) for word in (ALIASES["product_id"] + ALIASES["title"]).split()}
    others = {"items", "products", "productitem", "lineitem", "orderitem", "artikel", "good", "goods", "sku"}
    return frozenset(words | others)


@cache
def _field(words: str) -> str:
    found = match_columns([words], {name: ALIASES[name] for name in _PARTS if name != "product_id"})
    ids = match_columns([words], {"product_id": ALIASES["product_id"] + " id code"})
    return next(iter(ids | found), "")


def _go_on(numbers: dict[int, dict[str, str]]) -> bool:
    """Return whether numbers follow one another from 0 or 1."""
    return min(numbers) <= 1 and max(numbers) - min(numbers) == len(numbers) - 1


def _items(names: Sequence[str], columns: dict[str, str]) -> list[str]:
    found = numbered_columns(names, columns).values()
    return [column for fields in found for column in fields.values()]


def _to_lines(table: RawTable, columns: dict[str, str], _: str | None) -> Lines:
    found = numbered_columns(table.frame.columns, columns)
    used = set(_items(table.frame.columns, columns))
    keys = {name: column for name, column in columns.items() if column not in used and name not in _PARTS}
    keys.pop("items", None)
    parts = [name for name in _PARTS if any(name in fields for fields in found.values())]
    shared = table.frame.select(ROW, *(pl.col(column).alias(name) for name, column in keys.items()))
    rows = [
        table.frame.select(
            pl.int_range(pl.len()).alias("\0at"), pl.lit(number).alias("\0number"),
            *(_text(fields.get(name)).alias(name) for name in parts),
        )
        for number, fields in found.items()
    ]  # fmt: skip
    lines = pl.concat(rows).sort("\0at", "\0number")
    filled = lines.filter(pl.col("product_id").str.contains(r"\S"))
    # A basket without any product keeps one row, so that it is counted.
    at = pl.int_range(shared.height, eager=True).alias("\0at")
    fields = shared.with_columns(at).join(filled, on="\0at", how="left", maintain_order="left_right")
    fields = fields.drop("\0at", "\0number")
    first = next(iter(found.values()))
    shown = {name: first[name] for name in parts if name in first} | {"product_id": f"{len(found)} columns"}
    return Lines(fields, fields.select("product_id"), keys | shown)


def _text(column: str | None) -> pl.Expr:
    return pl.lit(None, dtype=pl.String) if column is None else pl.col(column).cast(pl.String)


WIDE = Layout("wide", _recognise, _to_lines, items=_items)
