"""One row per product, the fields of the order on its first row only: what merged cells and shops export."""

from __future__ import annotations

import polars as pl

from prodassoc_cli.intake.formats.raw_table import RawTable
from prodassoc_cli.intake.layouts.layout import Head, Layout, Lines
from prodassoc_cli.intake.layouts.order_lines import lines_as_they_are

ORDER_FIELDS = ("user_id", "timestamp", "status", "cancelled_at")
"""Fields of an order beside its id."""


def _recognise(head: Head, columns: dict[str, str]) -> str:
    order, product = columns.get("order_id"), columns.get("product_id")
    if order is None or product is None:
        return ""
    orders = list(head.column(order))
    fields = [list(head.column(columns[name])) for name in ORDER_FIELDS if name in columns]
    blank = [place for place, cell in enumerate(orders) if not cell.strip()]
    filled = [cell.strip() for cell in orders if cell.strip()]
    alone = len(set(filled)) == len(filled) and all(
        not cells[place].strip() for cells in fields if cells for place in blank
    )
    if not blank or blank[0] == 0 or not alone or len(blank) > 0.98 * len(orders):
        return ""
    return f"{order} stands on the first row of each order: rows below in which it is blank belong to it"


def _to_lines(table: RawTable, columns: dict[str, str], _: str | None) -> Lines:
    """Carry the order down, and within it whatever its later rows leave blank."""
    lines = lines_as_they_are(table, columns)
    if "order_id" not in lines.fields.columns:
        return lines
    names = [name for name in ("order_id", *ORDER_FIELDS) if name in lines.fields.columns]
    fields = lines.fields.with_columns(
        _blank_as_null(pl.col(name), lines.fields.schema[name]) for name in names
    )
    fields = fields.with_columns(pl.col("order_id").forward_fill())
    run = fields["order_id"].rle_id()
    carried = fields.select(pl.col(names[1:]).forward_fill().over(run)) if len(names) > 1 else pl.DataFrame()
    return Lines(fields.with_columns(carried), lines.raw, lines.columns)


def _blank_as_null(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    return pl.when(column.str.contains(r"\S")).then(column) if dtype == pl.String else column


MERGED = Layout("merged", _recognise, _to_lines, whole_rows=True, needs_whole=True)
