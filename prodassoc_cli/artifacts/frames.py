"""Kinds of artifacts as polars frames: the types of their columns, and columns that may be absent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import polars as pl

from prodassoc_cli.artifacts.schemas import Column, Dtype, Kind

DTYPES: Mapping[Dtype, pl.DataType] = {
    "str": pl.String(),
    "i32": pl.Int32(),
    "i64": pl.Int64(),
    "f32": pl.Float32(),
    "f64": pl.Float64(),
    "datetime[us]": pl.Datetime("us"),
    "list[str]": pl.List(pl.String()),
}


def schema_of(columns: Kind | Iterable[Column]) -> pl.Schema:
    """Return the types of declared columns in their order, without vectors, whose width is not declared."""
    declared = columns.columns if isinstance(columns, Kind) else columns
    return pl.Schema({column.name: DTYPES[column.dtype] for column in declared if column.dtype in DTYPES})


def empty_frame(kind: Kind) -> pl.DataFrame:
    """Return an artifact of that kind without rows."""
    return pl.DataFrame(schema=schema_of(kind))


def with_absent(frame: pl.DataFrame, schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """Return the frame with nulls in those columns of the schema that it does not have."""
    absent = {name: dtype for name, dtype in schema.items() if name not in frame.columns}
    return frame.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in absent.items())
