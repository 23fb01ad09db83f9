"""One row per product of an order: the usual export."""

from __future__ import annotations

import polars as pl

from prodassoc_cli.intake.columns.schema import ROW
from prodassoc_cli.intake.formats.raw_table import RawTable
from prodassoc_cli.intake.layouts.layout import Head, Layout, Lines


def _recognise(head: Head, columns: dict[str, str]) -> str:
    product = _complete(head, columns).get("product_id")
    return f"one row per product: products in {product}" if product else ""


def _complete(head: Head, columns: dict[str, str]) -> dict[str, str]:
    """Take a column that is called as those of baskets are for products, where orders have several rows."""
    items, orders = columns.get("items"), list(head.column(columns.get("order_id", "")))
    if "product_id" in columns or items is None or len(set(orders)) == len(orders):
        return columns
    return {name: column for name, column in columns.items() if name != "items"} | {"product_id": items}


def lines_as_they_are(table: RawTable, columns: dict[str, str], _: str | None = None) -> Lines:
    """Take the columns that are fields."""
    fields = table.frame.select(ROW, *(pl.col(column).alias(name) for name, column in columns.items()))
    return Lines(fields, table.frame.drop(ROW), columns)


LINES = Layout("lines", _recognise, lines_as_they_are, complete=_complete, whole_rows=True)
