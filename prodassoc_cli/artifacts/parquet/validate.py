"""Whether a table is what an artifact's kind says: its columns, their types and their values."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pyarrow as pa

from prodassoc_cli.artifacts.schemas import Column, Dtype, Kind
from prodassoc_cli.errors import BadData, did_you_mean

_ARROW_TYPES: dict[Dtype, pa.DataType] = {
    "str": pa.string(),
    "i32": pa.int32(),
    "i64": pa.int64(),
    "f32": pa.float32(),
    "f64": pa.float64(),
    "datetime[us]": pa.timestamp("us"),
    "list[str]": pa.list_(pa.string()),
}

CODED = pa.dictionary(pa.int32(), pa.string())
"""Texts as Arrow reads them from the dictionaries of a file."""


def conform(table: pa.Table, kind: Kind, source: str, texts: Collection[pa.DataType] = ()) -> pa.Table:
    """Return the table with the kind's columns in their order and types, every value checked.

    Args:
        table: any table.
        kind: what it must be.
        source: its name in error texts.
        texts: other types of texts that are left as they are.

    Raises:
        BadData: a column is missing or of another type, or a value is not allowed.
    """
    fitted = {
        column.name: _fit(table.column(column.name), column, source, texts)
        for column in kind.columns
        if is_there(table.column_names, column, kind, source)
    }
    _check_subject(fitted, kind, source)
    if kind.open:
        extra = [name for name in table.column_names if name not in fitted]
        fitted.update({name: _plain(table.column(name)) for name in extra})
    return pa.table(fitted)


def is_there(names: Sequence[str], column: Column, kind: Kind, source: str) -> bool:
    """Return whether a declared column is among the names, or may be missing.

    Raises:
        BadData: it may not.
    """
    if column.name in names:
        return True
    if column.optional:
        return False
    if column.nullable and kind.open:
        return False
    hint = did_you_mean(column.name, names)
    raise BadData(
        f"{source} has no column '{column.name}', which {kind.name} must have",
        f"{hint} (`{kind.made_by}` makes such a file)",
    )


def _check_subject(columns: dict[str, pa.ChunkedArray], kind: Kind, source: str) -> None:
    present = [name for name in kind.one_of if name in columns]
    if kind.one_of and len(present) != 1:
        raise BadData(
            f"{source} must have exactly one of the columns {', '.join(kind.one_of)}; it has {len(present)}"
        )


def _fit(
    values: pa.ChunkedArray, column: Column, source: str, texts: Collection[pa.DataType]
) -> pa.ChunkedArray:
    """Cast one column to its declared type and check its values."""
    if column.dtype == "vector[f32]":
        width = _width(values)
        if not (width and len(values)):
            raise BadData(f"{source}: column '{column.name}' holds no vectors")
        wanted = pa.list_(pa.float32(), width)
    else:
        wanted = _ARROW_TYPES[column.dtype]
    if column.dtype == "str" and values.type in texts:
        wanted = values.type
    else:
        values = _plain(values)
    if values.type != wanted and not (column.dtype == "list[str]" and holds_dictionary(values.type)):
        try:
            values = values.cast(wanted)
        except pa.ArrowException as error:
            raise BadData(f"{source}: column '{column.name}' is {values.type}, not {column.dtype}") from error
    if not column.nullable and values.null_count:
        raise BadData(f"{source}: column '{column.name}' has {values.null_count} missing values")
    _check_values(values, column, source)
    return values


def _check_values(values: pa.ChunkedArray, column: Column, source: str) -> None:
    is_float = column.dtype in ("f32", "f64", "vector[f32]")
    if not is_float and not column.values:
        return
    import pyarrow.compute as pc  # 30 ms, which reading a model goes without

    numbers = pc.list_flatten(values) if column.dtype == "vector[f32]" else values
    if is_float and not pc.all(pc.is_finite(numbers), min_count=0).as_py():
        raise BadData(f"{source}: column '{column.name}' has a value that is not a finite number")
    if column.values:
        # What a dictionary holds occurs, and is asked as it is; of views, Arrow tells null as ''.
        known = values if values.type == CODED else _plain(values)
        unknown = set(pc.unique(known).to_pylist()) - set(column.values) - {None}
        if unknown:
            word = min(unknown)
            raise BadData(
                f"{source}: column '{column.name}' has the value '{word}'", did_you_mean(word, column.values)
            )


def holds_dictionary(kind: pa.DataType) -> bool:
    """Tell lists of dictionary-encoded texts."""
    return pa.types.is_list(kind) and kind.value_type == CODED


def _width(values: pa.ChunkedArray) -> int:
    """Return the length of the vectors of a list column; 0 for an empty one."""
    if pa.types.is_fixed_size_list(values.type):
        return int(values.type.list_size)
    first = next((vector for vector in values if vector.is_valid), None)
    return len(first) if first is not None and pa.types.is_nested(values.type) else 0


def _plain(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return large, view and dictionary types as the plain ones the files hold."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        return _plain(values.cast(kind.value_type))
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return values.cast(pa.string())
    if pa.types.is_large_list(kind):
        inner = pa.string() if not pa.types.is_primitive(kind.value_type) else kind.value_type
        return values.cast(pa.list_(kind.value_field.with_type(inner)))
    return values
