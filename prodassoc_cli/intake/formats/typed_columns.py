"""Columns of typed files in the few types that values are parsed from."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Iterator

import polars as pl
import pyarrow as pa

from prodassoc_cli.errors import BadData
from prodassoc_cli.intake.columns.header import header_names
from prodassoc_cli.intake.formats.nested import flattened, lists_of_objects_as_json
from prodassoc_cli.intake.formats.sources import Source
from prodassoc_cli.intake.values.dates import TIME, YEARS

_ARTIFACT_KEY = b"prodassoc"


@contextlib.contextmanager
def readable(source: Source, what: str) -> Iterator[None]:
    """Turn what Arrow raises inside the block into BadData; `what` names the format."""
    try:
        yield
    except (pa.ArrowException, OSError, ValueError) as problem:
        reason = (str(problem).splitlines() or ["unreadable"])[0][:120]
        raise BadData(f"{source.name} is a broken {what} file: {reason}", "write it again") from problem


def artifact_of(source: Source, schema: pa.Schema) -> str:
    """Return the kind of artifact that a file says it is; empty where it says nothing."""
    note = (schema.metadata or {}).get(_ARTIFACT_KEY)
    if not note:
        return ""
    try:
        return str(json.loads(note).get("kind", ""))
    except (ValueError, AttributeError, RecursionError) as problem:
        raise BadData(f"{source.name} has broken prodassoc metadata", "write it again") from problem


def frame_of(table: pa.Table) -> pl.DataFrame:
    """Return an Arrow table as a frame; columns of one name get numbers."""
    if len(set(table.column_names)) < table.num_columns:
        table = table.rename_columns(header_names(table.column_names))
    frame = pl.from_arrow(table.replace_schema_metadata(None))
    assert isinstance(frame, pl.DataFrame)
    return frame


def plain_columns(frame: pl.DataFrame, as_text: Collection[str] = ()) -> pl.DataFrame:
    """Bring types that only a few files have to those that parsing knows; what has no text is left out."""
    columns = [_plain_column(column, column.name in as_text) for column in flattened(frame)]
    return pl.DataFrame([column for column in columns if column is not None])


def _plain_column(column: pl.Series, as_text: bool) -> pl.Series | None:
    dtype = column.dtype
    if dtype == pl.String or dtype.is_integer() or dtype.is_float():
        return column
    if dtype in (pl.Datetime, pl.Date):
        return _with_nameable_times(column, as_text)
    if isinstance(dtype, pl.Decimal):
        return column.cast(pl.Float64)
    if isinstance(dtype, pl.Array):
        column, dtype = column.arr.to_list(), pl.List(pl.Null)
    if isinstance(dtype, pl.List) and isinstance(dtype.inner, pl.Struct):
        return lists_of_objects_as_json(column)
    try:
        return column.cast(pl.List(pl.String) if isinstance(dtype, pl.List) else pl.String)
    except pl.exceptions.PolarsError:
        return None


def _with_nameable_times(column: pl.Series, as_text: bool) -> pl.Series:
    """Return a column of times as it is; as text where one is beyond what polars can name without a panic."""
    a_day = 86_400_000_000
    scales = {"ms": 1_000.0, "us": 1.0, "ns": 0.001}
    scale = scales[column.dtype.time_unit] if isinstance(column.dtype, pl.Datetime) else a_day
    inside = (column.to_physical().cast(pl.Float64) * scale).is_between(*YEARS, closed="left")
    if inside.fill_null(value=True).all() and not as_text:
        return column
    beyond = pl.concat_str(pl.lit("beyond all years: "), column.to_physical().cast(pl.String))
    named = column.set(~inside, None).cast(TIME).cast(pl.String)
    return pl.select(pl.when(~inside).then(beyond).otherwise(named).alias(column.name)).to_series()
