"""A column that holds a basket as objects, each with its id, quantity and price: as a shop's API gives it."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Iterator, Sequence

import polars as pl

from prodassoc_cli.errors import BadData
from prodassoc_cli.intake.columns.aliases import ALIASES
from prodassoc_cli.intake.columns.derived import INSTEAD
from prodassoc_cli.intake.columns.match import match_columns
from prodassoc_cli.intake.columns.schema import ROW
from prodassoc_cli.intake.formats.raw_table import RawTable
from prodassoc_cli.intake.layouts.cells import looks_like_records
from prodassoc_cli.intake.layouts.layout import Head, Layout, Lines, every

_PARTS = ("product_id", "title", "quantity", "price", "category", "brand")
_OWN_IDS = "sku variant_sku item_sku product_sku"
"""Keys of the id that a shop itself gives a product, which its catalogue has too."""

_EMPTY = ("", "[]", "{}")
_AT = "\0at"
"""Name of the column that numbers the cells."""

_PAIR = r"^\s*([^:]+?)\s*:\s*(.*?)\s*$"


def _recognise(head: Head, columns: dict[str, str]) -> str:
    column = _record_column(head, columns)
    return f"column {column} holds the products of an order as objects" if column else ""


def _record_column(head: Head, columns: dict[str, str]) -> str | None:
    # Beside a column of products, a column of objects holds something else, unless its name says otherwise.
    names = [columns["items"]] if "items" in columns else [] if "product_id" in columns else head.names
    return next((name for name in names if every(looks_like_records, _full(head.column(name)))), None)


def _full(cells: Iterable[str]) -> Iterator[str]:
    return (cell for cell in cells if cell.strip() not in _EMPTY)


def _complete(head: Head, columns: dict[str, str]) -> dict[str, str]:
    """Match the keys of the objects with fields: `items.sku` holds products.

    Raises:
        BadData: no column holds objects, or nothing in them tells products.
    """
    column = _record_column(head, columns)
    if column is None:
        raise BadData(f"{head.source}: no column holds objects", "name it with `map=items=COLUMN`")
    keys = _objects(pl.Series(list(head.column(column)), dtype=pl.String), head.source).columns[1:]
    parts = match_columns(keys, {name: ALIASES[name] for name in _PARTS})
    products = _product_keys(keys)
    if not products:
        raise BadData(
            f"{head.source}: nothing in the objects of {column} tells products; they have {', '.join(keys)}",
            "unpack the column to one row per product",
        )
    order = {name: each for name, each in columns.items() if name not in _PARTS and each != column}
    parts |= {"product_id": INSTEAD.join(products)}
    return order | {name: f"{column}.{key}" for name, key in parts.items()} | {"items": column}


def _product_keys(keys: Sequence[str]) -> list[str]:
    """Return the keys that tell a product, best first: each stands in where those before it are blank."""
    words = [
        *_OWN_IDS.split(),
        *ALIASES["product_id"].split(),
        "id",
        "code",
        "key",
        *ALIASES["title"].split(),
    ]
    found = (match_columns(keys, {"product_id": word}).get("product_id") for word in words)
    return list(dict.fromkeys(key for key in found if key))


def _to_lines(table: RawTable, columns: dict[str, str], _: str | None) -> Lines:
    column = columns["items"]
    parts = {name: columns[name].removeprefix(column + ".") for name in _PARTS if name in columns}
    keys = {name: each for name, each in columns.items() if name not in (*_PARTS, "items")}
    at = pl.int_range(table.frame.height, eager=True).alias(_AT)
    objects = _objects(table.frame[column].cast(pl.String), table.source)
    chosen = objects.select(
        _AT, *(_first_of(key.split(INSTEAD), objects.columns).alias(name) for name, key in parts.items())
    )
    shared = table.frame.select(ROW, *(pl.col(each).alias(name) for name, each in keys.items()))
    # An order without any product keeps one row, so that it is counted.
    fields = shared.with_columns(at).join(chosen, on=_AT, how="left", maintain_order="left_right").drop(_AT)
    return Lines(fields, fields.select("product_id"), {name: columns[name] for name in (*keys, *parts)})


def _first_of(keys: Sequence[str], there: Sequence[str]) -> pl.Expr:
    texts = [pl.col(key) for key in keys if key in there]
    return pl.coalesce(
        *(pl.when(text.str.contains(r"\S")).then(text) for text in texts), pl.lit(None, pl.String)
    )


def _objects(cells: pl.Series, source: str) -> pl.DataFrame:
    """Return the objects of all cells, each a row: first the number of its cell, then its keys as text."""
    blank = cells.is_null() | cells.str.strip_chars().is_in(_EMPTY)
    places = (~blank).arg_true()
    full = cells.gather(places)
    frame = pl.DataFrame({_AT: places.cast(pl.Int64), "cell": full})
    if len(full) and not full.str.contains(r"^\s*[\[{]").all():
        return _pairs(frame)
    return _decoded(frame, source)


def _decoded(frame: pl.DataFrame, source: str) -> pl.DataFrame:
    cells = frame["cell"]
    # One object alone is a list of it.
    lists = pl.select(
        pl.when(cells.str.contains(r"^\s*\{"))
        .then(pl.concat_str(pl.lit("["), cells, pl.lit("]")))
        .otherwise(cells)
    ).to_series()
    keys = lists.str.extract_all(r"""['"]([^'"\\]+)['"]\s*:""").explode().drop_nulls().unique()
    names = sorted({key.rstrip(" :").rstrip()[1:-1] for key in keys})
    dtype = pl.List(pl.Struct(dict.fromkeys(names, pl.String)))
    try:
        decoded = lists.str.json_decode(dtype)
    except pl.exceptions.ComputeError:
        decoded = _as_json(lists, source).str.json_decode(dtype)
    rows = pl.DataFrame({_AT: frame[_AT], "object": decoded}).explode("object")
    return rows.unnest("object") if names else rows.select(_AT)


def _as_json(lists: pl.Series, source: str) -> pl.Series:
    """Write what Python writes for lists of dictionaries as JSON."""
    try:
        return pl.Series([json.dumps(ast.literal_eval(cell), default=str) for cell in lists], dtype=pl.String)
    except (ValueError, SyntaxError, MemoryError, RecursionError) as problem:
        raise BadData(
            f"{source}: the objects in a column are neither JSON nor Python's",
            "unpack them, one row per product",
        ) from problem


def _pairs(frame: pl.DataFrame) -> pl.DataFrame:
    """Take `name:Red Mug|sku:R1|quantity:2;name:…` apart."""
    objects = frame.select(_AT, pl.col("cell").str.split(";")).explode("cell").with_row_index("\0object")
    pairs = objects.with_columns(pl.col("cell").str.split("|")).explode("cell")
    pairs = pairs.with_columns(
        pl.col("cell").str.extract(_PAIR, 1).alias("key"), pl.col("cell").str.extract(_PAIR, 2).alias("value")
    ).drop_nulls("key")
    wide = pairs.pivot(on="key", index=[_AT, "\0object"], values="value", aggregate_function="first")
    return wide.sort("\0object").drop("\0object")


RECORDS = Layout("records", _recognise, _to_lines, complete=_complete, needs_whole=True)
