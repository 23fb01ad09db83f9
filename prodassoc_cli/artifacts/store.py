"""Reading artifacts with validation, and writing them with their lineage."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from prodassoc_cli.artifacts.lineage import METADATA_KEY, Lineage
from prodassoc_cli.artifacts.schemas import KINDS, SCHEMA_VERSION, Column, Dtype, Kind
from prodassoc_cli.errors import BadData, NoInput, did_you_mean

ROW_GROUP_ROWS = 1 << 20
"""Rows a row group: enough to compress well, few enough to stream."""

_ARROW_TYPES: dict[Dtype, pa.DataType] = {
    "str": pa.string(),
    "i32": pa.int32(),
    "i64": pa.int64(),
    "f32": pa.float32(),
    "f64": pa.float64(),
    "datetime[us]": pa.timestamp("us"),
    "list[str]": pa.list_(pa.string()),
}


def read_artifact(paths: Sequence[Path], kind: Kind) -> tuple[pl.DataFrame, Lineage | None]:
    """Read an artifact, one file or several parts of it, and check it against its kind.

    Args:
        paths: the file or its parts, at least one.
        kind: what it must be.

    Returns:
        The declared columns in their declared types (further ones too where the kind is open),
        and the lineage of the first part; None where the file came from elsewhere.

    Raises:
        BadData: not Parquet, of another kind, of a newer schema, or its columns or values do not fit.
    """
    parts = [_read_part(path, kind) for path in paths]
    tables = [table for table, _ in parts]
    table = tables[0] if len(tables) == 1 else pa.concat_tables(tables, promote_options="default")
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame, parts[0][1]


def read_pieces(
    paths: Sequence[Path], kind: Kind, columns: Sequence[str], rows: int = ROW_GROUP_ROWS
) -> Iterator[pl.DataFrame]:
    """Read some columns of an artifact piece by piece, checked like those of `read_artifact`.

    Args:
        paths: the file or its parts, at least one.
        kind: what it must be.
        columns: names of the declared columns that are wanted.
        rows: most rows a piece has.

    Raises:
        BadData: as `read_artifact` does.
    """
    wanted = replace(kind, columns=tuple(each for each in kind.columns if each.name in columns), open=False)
    for path in paths:
        yield from _pieces_of(path, kind, wanted, rows)


def _pieces_of(path: Path, kind: Kind, wanted: Kind, rows: int) -> Iterator[pl.DataFrame]:
    with damage_told(path):
        file = pq.ParquetFile(path, page_checksum_verification=True)
    with file:
        lineage_checked(path, file.schema_arrow, kind)
        names = file.schema_arrow.names
        present = [column.name for column in wanted.columns if _is_there(names, column, wanted, str(path))]
        batches = file.iter_batches(batch_size=rows, columns=present)
        while True:
            with damage_told(path):
                batch = next(batches, None)
                if batch is None:
                    return
                batch.validate(full=True)
            frame = pl.from_arrow(conform(pa.Table.from_batches([batch]), wanted, str(path)))
            assert isinstance(frame, pl.DataFrame)
            yield frame


def read_table(path: Path) -> tuple[pa.Table, Lineage | None]:
    """Read any Parquet file with its lineage; None where it carries none.

    Raises:
        BadData: the file is not Parquet, is cut, or is damaged.
    """
    # pyarrow first, and all of it checked: other readers can panic or abort on a hostile file.
    with damage_told(path):
        # Not `read_table`: it imports pandas where that is installed, for half a second.
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            table = file.read()
        table.validate(full=True)
        names = table.column_names
    _refuse_twice(path, names)
    return table.replace_schema_metadata(None), _lineage_of(path, table.schema.metadata)


@contextmanager
def damage_told(path: Path) -> Iterator[None]:
    """Tell what goes wrong in this block, where the Parquet file is read, as what is wrong with the file.

    Raises:
        NoInput: it is not there.
        BadData: it is not Parquet, is cut, or is damaged.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise NoInput(f"no file {path}") from error
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _not_parquet(path) from error


def lineage_checked(path: Path, schema: pa.Schema, kind: Kind) -> Lineage | None:
    """Return what made the file of this schema; None where it does not say.

    Raises:
        BadData: it is of another kind or of a newer version, or has a column twice.
    """
    _refuse_twice(path, schema.names)
    lineage = _lineage_of(path, schema.metadata)
    if lineage is not None:
        _check_kind(path, lineage, kind)
    return lineage


def _refuse_twice(path: Path, names: Sequence[str]) -> None:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise BadData(f"{path} has the column '{twice}' more than once", "rename or leave out one of them")


def read_lineage(path: Path) -> Lineage | None:
    """Return the lineage of a Parquet file without reading its rows; None where it carries none.

    Raises:
        BadData: the file is not Parquet, or carries a damaged lineage.
    """
    with damage_told(path):
        metadata = pq.read_schema(path).metadata
    return _lineage_of(path, metadata)


def check_header(path: Path, kind: Kind) -> Lineage | None:
    """Check a part of an artifact against its kind without reading its rows; return what made it.

    Raises:
        BadData: not Parquet, of another kind, of a newer schema, or its columns do not fit.
    """
    with damage_told(path):
        schema = pq.read_schema(path)
    lineage = lineage_checked(path, schema, kind)
    conform(schema.empty_table(), kind, source=str(path))
    return lineage


def write_artifact(
    data: pl.DataFrame | pa.Table | Iterable[pl.DataFrame | pa.Table],
    kind: Kind,
    lineage: Lineage,
    stream: BinaryIO,
) -> int:
    """Write rows as an artifact: columns in declared order and type, lineage in the metadata.

    Args:
        data: the rows, in one frame or several one after another; every required column must be there.
        kind: what they are.
        lineage: what made them.
        stream: where the bytes go, open for writing.

    Returns:
        The number of rows written.
    """
    metadata = {METADATA_KEY: lineage.to_json().encode()}
    frames = [data] if isinstance(data, pl.DataFrame | pa.Table) else data
    tables = (
        conform(
            frame if isinstance(frame, pa.Table) else frame.to_arrow(), kind, f"the {kind.name} to be written"
        )
        for frame in frames
    )
    first = next(tables).replace_schema_metadata(metadata)
    rows = 0
    # Lists of dictionary-encoded ids are written as they are, and read as the texts they stand for.
    plain = not any(_holds_dictionary(column.type) for column in first.schema)
    alike = (table.cast(first.schema) for table in itertools.chain([first], tables))
    with pq.ParquetWriter(
        stream,
        first.schema,
        compression="zstd",
        write_page_checksum=True,
        store_schema=plain,
        use_dictionary=kind.repeats,
    ) as writer:
        if not plain:
            writer.add_key_value_metadata(metadata)  # which otherwise goes with the schema
        for table in _row_groups(alike) if plain else alike:
            writer.write_table(table, row_group_size=kind.rows_a_group or ROW_GROUP_ROWS)
            rows += table.num_rows
    return rows


def _row_groups(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Cut tables that follow one another into row groups: how the rows came must not show in the bytes."""
    held: list[pa.Table] = []
    rows = written = 0
    for table in tables:
        held.append(table)
        rows += table.num_rows
        if rows >= ROW_GROUP_ROWS:
            whole = pa.concat_tables(held)
            while rows >= ROW_GROUP_ROWS:
                yield whole.slice(0, ROW_GROUP_ROWS).combine_chunks()
                whole = whole.slice(ROW_GROUP_ROWS)
                rows, written = rows - ROW_GROUP_ROWS, written + ROW_GROUP_ROWS
            held = [whole]
    if rows or not written:
        yield pa.concat_tables(held).combine_chunks()


def conform(table: pa.Table, kind: Kind, source: str) -> pa.Table:
    """Return the table with the kind's columns in their order and types, every value checked.

    Args:
        table: any table.
        kind: what it must be.
        source: its name in error texts.

    Raises:
        BadData: a column is missing or of another type, or a value is not allowed.
    """
    fitted = {
        column.name: _fit(table.column(column.name), column, source)
        for column in kind.columns
        if _is_there(table.column_names, column, kind, source)
    }
    _check_subject(fitted, kind, source)
    if kind.open:
        extra = [name for name in table.column_names if name not in fitted]
        fitted.update({name: _plain(table.column(name)) for name in extra})
    return pa.table(fitted)


def _read_part(path: Path, kind: Kind) -> tuple[pa.Table, Lineage | None]:
    table, lineage = read_table(path)
    if lineage is not None:
        _check_kind(path, lineage, kind)
    return conform(table, kind, source=str(path)), lineage


def _check_kind(path: Path, lineage: Lineage, kind: Kind) -> None:
    if lineage.kind != kind.name:
        known = KINDS.get(lineage.kind)
        made = f"; it was made by prodassoc {known.made_by}" if known else ""
        raise BadData(
            f"{path} holds {lineage.kind}, not {kind.name}{made}",
            f"give a file of {kind.name}, made by prodassoc {kind.made_by}",
        )
    theirs, ours = lineage.schema_version, SCHEMA_VERSION
    if _version(theirs) > _version(ours):
        raise BadData(
            f"{path} has schema version {theirs}, newer than this tool's {ours}",
            "upgrade prodassoc, or make the file again with this version",
        )


def _version(text: str) -> tuple[int, ...]:
    numbers = text.split(".")
    return tuple(int(number) if number.isdigit() else 0 for number in numbers)


def _is_there(names: Sequence[str], column: Column, kind: Kind, source: str) -> bool:
    if column.name in names:
        return True
    if column.optional:
        return False
    if column.nullable and kind.open:
        return False
    hint = did_you_mean(column.name, names)
    raise BadData(
        f"{source} has no column '{column.name}', which {kind.name} must have",
        f"{hint} (prodassoc {kind.made_by} makes such a file)",
    )


def _check_subject(columns: dict[str, pa.ChunkedArray], kind: Kind, source: str) -> None:
    present = [name for name in kind.one_of if name in columns]
    if kind.one_of and len(present) != 1:
        raise BadData(
            f"{source} must have exactly one of the columns {', '.join(kind.one_of)}; it has {len(present)}"
        )


def _fit(values: pa.ChunkedArray, column: Column, source: str) -> pa.ChunkedArray:
    """Cast one column to its declared type and check its values."""
    if column.dtype == "vector[f32]":
        width = _width(values)
        if not (width and len(values)):
            raise BadData(f"{source}: column '{column.name}' holds no vectors")
        wanted = pa.list_(pa.float32(), width)
    else:
        wanted = _ARROW_TYPES[column.dtype]
    values = _plain(values)
    if values.type != wanted and not (column.dtype == "list[str]" and _holds_dictionary(values.type)):
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
    if is_float and pc.any(pc.invert(pc.is_finite(numbers))).as_py():
        raise BadData(f"{source}: column '{column.name}' has a value that is not a finite number")
    if column.values:
        unknown = set(pc.unique(values).to_pylist()) - set(column.values) - {None}
        if unknown:
            word = min(unknown)
            raise BadData(
                f"{source}: column '{column.name}' has the value '{word}'", did_you_mean(word, column.values)
            )


def _holds_dictionary(kind: pa.DataType) -> bool:
    """Tell lists of dictionary-encoded texts."""
    return pa.types.is_list(kind) and kind.value_type == pa.dictionary(pa.int32(), pa.string())


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
        return values.cast(pa.list_(inner))
    return values


def _lineage_of(path: Path, metadata: dict[bytes, bytes] | None) -> Lineage | None:
    text = (metadata or {}).get(METADATA_KEY)
    if text is None:
        return None
    try:
        return Lineage.from_json(text)
    except ValueError as error:
        raise BadData(f"{path} carries damaged prodassoc metadata", "make the file again") from error


def _not_parquet(path: Path) -> BadData:
    size = os.path.getsize(path) if path.is_file() else 0
    if path.is_dir():
        return BadData(f"{path} is a directory", "name a file, or the folder of its parts")
    if not size:
        return BadData(f"{path} is empty", "make it again with the command that wrote it")
    with path.open("rb") as stream:
        is_parquet = stream.read(4) == b"PAR1"
    if is_parquet:
        return BadData(f"{path} is a damaged Parquet file", "make it again with the command that wrote it")
    return BadData(f"{path} is not a Parquet file", "raw CSV goes through prodassoc clean first")
