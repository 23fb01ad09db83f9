"""What was understood of order lines, by their first rows: for `dry_run`, before any of it is cleaned."""

from __future__ import annotations

import re
from collections.abc import Iterator

import polars as pl

from prodassoc_cli.intake.gather import text_values
from prodassoc_cli.intake.inputs import Input, Inputs, until_settled
from prodassoc_cli.intake.stated import stated
from prodassoc_cli.intake.typed_rows import typed_rows
from prodassoc_cli.intake.values.conventions import Marks
from prodassoc_cli.settings import CleanConfig

ROWS = 500
"""Rows that are looked at."""

VALUES, BASKETS, PRODUCTS = 3, 5, 8
"""How many values of a column, baskets, and products of a basket are shown."""


def preview(inputs: Inputs, config: CleanConfig) -> Iterator[str]:
    """Yield the columns of the first input with some of their values, conventions, and its first baskets.

    Args:
        inputs: that have been looked at.
        config: the options of `clean`.

    Raises:
        BadData: the first rows cannot be read.
    """
    first = inputs.inputs[0]
    hidden = inputs.user_columns if config.drop_users or config.pseudonymize_key_file else frozenset()
    for name in first.head.names if first.matched.columns else ():
        yield f"column {name}{_use(first, name)}: {'…' if name in hidden else _values(first, name)}"
    notices: list[str] = []
    rows = until_settled(lambda: _first_rows(inputs, config, notices))
    yield from dict.fromkeys(notices)
    for order, products in _baskets(rows):
        yield f"basket {order}: {products}"


def _use(found: Input, name: str) -> str:
    fields = [
        field for field, column in found.read_from().items() if name in (column, *re.split(r"[+|]", column))
    ]
    return f" → {', '.join(fields)}" if fields else " (not used)" if name in found.unused() else ""


def _values(found: Input, name: str) -> str:
    values = dict.fromkeys(cell.strip() for cell in found.head.column(name) if cell.strip())
    return ", ".join(value[:40] for value in list(values)[:VALUES]) or "blank"


def _first_rows(inputs: Inputs, config: CleanConfig, notices: list[str]) -> pl.DataFrame:
    piece = next(inputs.pieces(ROWS))
    fields = piece.lines.fields
    marks = Marks.of(lambda: [fields], text_values(fields))
    marks.floats, marks.grouped = inputs.inputs[0].float_ids(), inputs.grouped_by_dots()
    conventions = marks.decide(
        stated(config), inputs.sources[0], notices.append, decimal_comma=inputs.delimiter == ";", before={}
    )
    rows, bad = typed_rows(piece.lines, inputs.layout, conventions, products=None)
    for name, odd in bad.items():
        column = piece.lines.columns.get(name, name)
        example = fields[name].filter(odd)[0]
        notices.append(f"{column}: {int(odd.sum()):,} of the first rows have no {name}, such as '{example}'")
    return rows.with_columns(conventions.parse_ids("product_id", rows["product_id"]).alias("product_id"))


def _baskets(rows: pl.DataFrame) -> Iterator[tuple[str, str]]:
    """Yield the first baskets: the order, or else user and moment, and the products by their titles."""
    keys = [name for name in ("order_id", "user_id", "timestamp") if name in rows.columns]
    keys = ["order_id"] if "order_id" in keys and rows["order_id"].count() else keys[-2:]
    product = pl.coalesce("title", "product_id") if "title" in rows.columns else pl.col("product_id")
    named = rows.drop_nulls("product_id").with_columns(product.alias("product"))
    if not keys:
        return
    baskets = named.group_by(keys, maintain_order=True).agg(pl.col("product").unique(maintain_order=True))
    for *key, products in baskets.head(BASKETS).iter_rows():
        shown = ", ".join(products[:PRODUCTS]) + (", …" if len(products) > PRODUCTS else "")
        yield " ".join(str(each) for each in key if each is not None) or "of nobody", shown
