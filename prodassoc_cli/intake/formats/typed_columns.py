"""Columns of typed files in the few types that values are parsed from."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Collection, Iterator
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

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
    """Return an Arrow table as a frame, without what polars cannot hold; columns of one name get numbers."""
    if len(set(table.column_names)) < table.num_columns:
        table = table.rename_columns(header_names(table.column_names))
    table = table.select([place for place, field in enumerate(table.schema) if _is_usable(field.type)])
    frame = pl.from_arrow(table.replace_schema_metadata(None))
    assert isinstance(frame, pl.DataFrame)
    return frame


def unusable_columns(schema: pa.Schema) -> list[str]:
    """Return what to say of the columns that `frame_of` leaves out."""
    fields = zip(header_names(schema.names), schema, strict=True)
    found = [f"{name} ({field.type})" for name, field in fields if not _is_usable(field.type)]
    return [f"not used, for the type of their values: {', '.join(found[:8])}"] if found else []


def _is_usable(dtype: pa.DataType, *, inside: bool = False) -> bool:
    """Return whether polars can hold a type; `inside` a list, which is written as JSON, no bytes can be."""
    types = pa.types
    if isinstance(dtype, pa.BaseExtensionType):
        return _is_usable(dtype.storage_type, inside=inside)
    if types.is_dictionary(dtype):
        return _is_usable(dtype.value_type, inside=inside)
    if types.is_list(dtype) or types.is_large_list(dtype) or types.is_fixed_size_list(dtype):
        return _is_usable(dtype.value_type, inside=True)
    if types.is_map(dtype):
        return _is_usable(dtype.key_type, inside=True) and _is_usable(dtype.item_type, inside=True)
    if types.is_struct(dtype):
        return dtype.num_fields > 0 and all(_is_usable(each.type, inside=inside) for each in dtype)
    if types.is_timestamp(dtype):
        return dtype.tz is None or _is_zone(dtype.tz)
    if inside and _holds_bytes(dtype):
        return False
    return dtype.num_fields == 0 and not (types.is_interval(dtype) or types.is_decimal256(dtype))


def _holds_bytes(dtype: pa.DataType) -> bool:
    types = pa.types
    kinds = (types.is_binary, types.is_large_binary, types.is_fixed_size_binary, types.is_binary_view)
    return any(each(dtype) for each in kinds)


def _is_zone(name: str) -> bool:
    """Return whether a time zone is known, or an offset such as +02:00."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return re.fullmatch(r"[+-]\d\d:?\d\d", name) is not None
    return True


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
