"""A column that holds whole baskets: lists, JSON, or text between delimiters."""

from __future__ import annotations

import polars as pl

from prodassoc_cli.errors import BadData
from prodassoc_cli.intake.columns.schema import ROW
from prodassoc_cli.intake.formats.raw_table import RawTable
from prodassoc_cli.intake.layouts.layout import Head, Layout, Lines, one_per_row

_DELIMITERS = (";", "|", ",", "\t", " ")


def _recognise(head: Head, columns: dict[str, str]) -> str:
    product = columns.get("product_id")
    if product in head.lists or (product is None and ("items" in columns or head.lists)):
        return f"column {columns.get('items') or product or head.lists[0]} holds whole baskets"
    return ""


def _to_lines(table: RawTable, columns: dict[str, str]) -> Lines:
    name = columns.get("items") or columns.get("product_id")
    if name is None:
        name = next((each for each, dtype in table.frame.schema.items() if isinstance(dtype, pl.List)), None)
    if name is None:
        raise BadData(f"{table.source}: no column holds baskets", "name it with --map items=COLUMN")
    items = table.frame[name]
    if not isinstance(items.dtype, pl.List):
        items = _split_cells(items.cast(pl.String))
    others = {key: column for key, column in columns.items() if column != name}
    frame = table.frame.select(ROW, *(pl.col(column).alias(key) for key, column in others.items()))
    frame = one_per_row(frame.with_columns(items.alias("product_id")))
    return Lines(frame, frame.select("product_id"), others | {"product_id": name})


def _split_cells(cells: pl.Series) -> pl.Series:
    if cells.str.contains(r"^\s*\[").any():
        inner = cells.str.strip_chars().str.strip_chars_start("[").str.strip_chars_end("]")
        items = inner.str.split(",")
        return items.list.eval(pl.element().str.strip_chars().str.strip_chars("\"'"))
    # All cells are asked, for many baskets hold one product. The file's own delimiter is among them: it may
    # stand in a quoted cell. A space splits only where nothing else does: names of products hold spaces.
    there = (each for each in _DELIMITERS if cells.str.contains(each, literal=True).any())
    return cells.str.split(next(there, ";")).list.eval(pl.element().str.strip_chars())


LIST = Layout("list", _recognise, _to_lines, needs_whole=True)
