"""One row per product of an order: the usual export."""

from __future__ import annotations

import polars as pl

from prodassoc_cli.intake.columns.schema import ROW
from prodassoc_cli.intake.formats.raw_table import RawTable
from prodassoc_cli.intake.layouts.layout import Head, Layout, Lines


def _recognise(_: Head, columns: dict[str, str]) -> str:
    product = columns.get("product_id")
    return f"one row per product: products in {product}" if product else ""


def lines_as_they_are(table: RawTable, columns: dict[str, str]) -> Lines:
    """Take the columns that are fields."""
    fields = table.frame.select(ROW, *(pl.col(column).alias(name) for name, column in columns.items()))
    return Lines(fields, table.frame.drop(ROW), columns)


LINES = Layout("lines", _recognise, lines_as_they_are, whole_rows=True)
