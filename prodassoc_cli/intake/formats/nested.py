"""Columns of objects → a column per key: `ecommerce` becomes `ecommerce.transaction_id` and others."""

from __future__ import annotations

import polars as pl

_LOOKED_AT = 200
"""Rows of text that show whether a column holds objects."""


def flattened(frame: pl.DataFrame, *, json: bool = False) -> pl.DataFrame:
    """Return a frame without columns of objects.

    Args:
        frame: rows of an input.
        json: whether text may be objects too; what is in them stays text.
    """
    columns: list[pl.Series] = []
    for column in frame:
        columns += _columns_of(column, json=json)
    return pl.DataFrame(columns)


def lists_of_objects_as_json(column: pl.Series) -> pl.Series:
    """Return a column of lists of structs as text: a JSON array in each cell."""
    objects = column.list.eval(pl.element().struct.json_encode()).list.join(",")
    return pl.select(pl.concat_str(pl.lit("["), objects, pl.lit("]")).alias(column.name)).to_series()


def _columns_of(column: pl.Series, *, json: bool) -> list[pl.Series]:
    keys = None
    if isinstance(column.dtype, pl.Struct):
        keys = column.struct.unnest()
    elif json and column.dtype == pl.String and _are_objects(column):
        keys = _decoded(column)
    if keys is None:
        return [column]
    named = (key.alias(f"{column.name}.{key.name}") for key in keys)
    return [each for key in named for each in _columns_of(key, json=json)]


def _are_objects(column: pl.Series) -> bool:
    first = column.drop_nulls().head(_LOOKED_AT)
    return len(first) > 0 and bool(first.str.contains(r'^\s*\{\s*"').all())


def _decoded(column: pl.Series) -> pl.DataFrame | None:
    """Take JSON objects apart; None where one is no JSON."""
    try:
        keys = column.str.json_decode(infer_schema_length=None).struct.fields
        texts = pl.Struct(dict.fromkeys(keys, pl.String))
        return column.str.json_decode(texts).struct.unnest()
    except pl.exceptions.PolarsError:
        return None
