"""A column that holds whole baskets: lists, what programs write for lists, or text between separators."""

from __future__ import annotations

import polars as pl

from prodassoc_cli.errors import BadData
from prodassoc_cli.intake.columns.schema import ROW
from prodassoc_cli.intake.formats.raw_table import RawTable
from prodassoc_cli.intake.layouts.cells import has_brackets, split_cells, split_quantities
from prodassoc_cli.intake.layouts.layout import Head, Layout, Lines, one_per_row


def _recognise(head: Head, columns: dict[str, str]) -> str:
    product = columns.get("product_id")
    if product in head.lists or (product is None and head.lists):
        return f"column {product or columns.get('items') or head.lists[0]} holds whole baskets"
    items = columns.get("items")
    if items is None or product is not None:
        return ""
    cells = pl.Series(list(head.column(items)), dtype=pl.String)
    orders = list(head.column(columns.get("order_id", "")))
    if len(set(orders)) < len(orders) and not has_brackets(cells):  # an order has several rows
        return ""
    return f"column {items} holds whole baskets: {split_cells(cells)[1]}"


def _to_lines(table: RawTable, columns: dict[str, str], separator: str | None) -> Lines:
    name = columns.get("items") or columns.get("product_id")
    if name is None:
        name = next((each for each, dtype in table.frame.schema.items() if isinstance(dtype, pl.List)), None)
    if name is None:
        raise BadData(f"{table.source}: no column holds baskets", "name it with `map=items=COLUMN`")
    items = table.frame[name]
    if not isinstance(items.dtype, pl.List):
        items, _ = split_cells(items.cast(pl.String), separator)
    others = {key: column for key, column in columns.items() if column != name}
    frame = table.frame.select(ROW, *(pl.col(column).alias(key) for key, column in others.items()))
    frame = one_per_row(frame.with_columns(items.alias("product_id")))
    if "quantity" not in others and (apart := split_quantities(frame["product_id"].cast(pl.String))):
        frame = frame.with_columns(apart[0].alias("product_id"), apart[1].alias("quantity"))
        others = others | {"quantity": name}
    return Lines(frame, frame.select("product_id"), others | {"product_id": name})


LIST = Layout("list", _recognise, _to_lines, needs_whole=True)
