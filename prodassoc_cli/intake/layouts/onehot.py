"""One column per product: 0 or 1, true or false, or a count in each cell."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from prodassoc_cli.intake.columns.schema import ROW
from prodassoc_cli.intake.formats.raw_table import RawTable
from prodassoc_cli.intake.layouts.layout import Head, Layout, Lines
from prodassoc_cli.wording import number_of

_NO = ("", "0", "0.0", "false", "f", "no", "n", "null", "nan", "none", "na", "?", "-")
_YES = ("true", "t", "yes", "y", "x", "✓", "✔")
_TRUE_FALSE = {*_NO, *_YES, "1", "1.0"}


def _recognise(head: Head, columns: dict[str, str]) -> str:
    items = _item_columns(head.names, columns)
    some = len(items) > 1 and len(head.cells) > 0
    flags = some and all(_all_flags(head.names, row, set(items)) for row in head.cells)
    return f"{number_of(len(items), 'column')} of 0 and 1 only" if flags else ""


def _to_lines(table: RawTable, columns: dict[str, str], _: str | None) -> Lines:
    """Return a row for each cell that is not zero.

    A number in a cell is the quantity; `true`, `yes` and `x` count as 1. A basket without any product keeps
    one row without a product, so that it is counted.
    """
    items = _item_columns(table.frame.columns, columns)
    keys = {key: column for key, column in columns.items() if key in ("user_id", "order_id", "timestamp")}
    frame = table.frame.select(
        ROW,
        *(pl.col(column).alias("\0" + key) for key, column in keys.items()),
        *(pl.col(name).cast(pl.String).alias(name) for name in items),
    )
    marked = frame.select(ROW, *items).unpivot(
        on=items, index=ROW, variable_name="product_id", value_name="quantity"
    )
    word = pl.col("quantity").str.strip_chars().str.to_lowercase()
    zero = word.is_in(_NO)
    marked = marked.filter(~zero.fill_null(value=True)).with_columns(
        pl.when(word.is_in(_YES)).then(pl.lit("1")).otherwise("quantity")
        .alias("quantity")
    )  # fmt: skip
    fields = frame.select(ROW, *(pl.col("\0" + key).alias(key) for key in keys))
    fields = fields.join(marked, on=ROW, how="left", maintain_order="left_right")
    found = {**keys, "product_id": f"{len(items)} columns"}
    return Lines(fields, fields.select("product_id", "quantity"), found)


def _item_columns(names: Sequence[str], columns: dict[str, str]) -> list[str]:
    """Return the columns of products: those that hold no key, nor the index of a data frame."""
    keys = {columns[name] for name in ("user_id", "order_id", "timestamp") if name in columns}
    return [name for name in names if name not in keys and name != ROW and not _is_index(name)]


def _is_index(name: str) -> bool:
    """Return whether a column is the index that a data frame was saved with, which has no name."""
    return name in ("column_1", "Unnamed: 0", "__index_level_0__")


def _all_flags(names: Sequence[str], row: Sequence[str], items: set[str]) -> bool:
    return all(
        cell.strip().casefold() in _TRUE_FALSE
        for name, cell in zip(names, row, strict=False)
        if name in items
    )


ONEHOT = Layout("onehot", _recognise, _to_lines, items=_item_columns, first_row_names=True)
