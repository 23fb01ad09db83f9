"""JSON lines, Parquet and Arrow IPC → raw tables."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Iterator, Sequence

import polars as pl
import pyarrow as pa
import pyarrow.parquet

from prodassoc_cli.errors import BadData
from prodassoc_cli.intake.columns import header_names
from prodassoc_cli.intake.formats.delimited import read_lines
from prodassoc_cli.intake.formats.encoding import Dialect
from prodassoc_cli.intake.formats.sources import Format, Source
from prodassoc_cli.intake.tables import (
    ROW,
    RawTable,
    Say,
    StartAgain,
    check_width,
    make_rejects,
    number_rows,
)
from prodassoc_cli.intake.values.dates import TIME, YEARS
from prodassoc_cli.resources import prefetch

_ARTIFACT_KEY = b"prodassoc"


def read_json_lines(source: Source, say: Say) -> RawTable:
    """Read one JSON object a line; every value becomes the text it was, lists stay JSON.

    Raises:
        BadData: most lines are no JSON objects.
    """
    lines = read_lines(source, Dialect("utf-8", "\x1e", [[]]), say=say)
    full = lines.frame.filter(pl.col("line").str.strip_chars() != "").with_row_index(ROW + "n", offset=1)
    full = full.select(pl.col(ROW + "n").cast(pl.Int64).alias(ROW), "line")
    keys: dict[str, None] = {}
    broken: list[tuple[int, str, str]] = []
    # The keys of every line are needed, and polars stops at the first broken line without naming it.
    for number, line in _objects(full):
        if line is None:
            broken.append((number, "broken_row", full["line"][number - 1]))
        else:
            keys.update(dict.fromkeys(line))
    if len(broken) * 2 > full.height or not keys:
        raise BadData(f"{source.name}: most lines are no JSON objects", "give one JSON object a line")
    if broken:
        full = full.filter(~pl.col(ROW).is_in([number for number, _, _ in broken]))
    text = "\n".join(full["line"].to_list()).encode()
    try:
        frame = pl.read_ndjson(text, schema=dict.fromkeys(keys, pl.String))
    except pl.exceptions.PolarsError as problem:
        reason = str(problem).splitlines()[0][:100]
        raise BadData(
            f"{source.name} cannot be read as JSON: {reason}", "give one JSON object a line"
        ) from problem
    rejects = pl.concat([lines.rejects, make_rejects(source, broken)])
    return RawTable(source.name, frame.with_columns(full[ROW]), rejects, encoding="utf-8")


def _objects(lines: pl.DataFrame) -> Iterator[tuple[int, list[str] | None]]:
    """Yield the number and keys of each line; None where it is no JSON object."""
    for number, line in lines.select(ROW, "line").iter_rows():
        try:
            value = json.loads(line, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            value = None
        yield number, list(value) if isinstance(value, dict) else None


def _no_constant(name: str) -> None:
    """Refuse NaN and Infinity, which Python reads and JSON (RFC 8259) does not know."""
    raise ValueError(name)


def read_typed(source: Source, kind: Format) -> tuple[RawTable, str]:
    """Read Parquet or Arrow IPC whole, and the kind of artifact it says it is (else empty).

    Arrow reads and validates it before polars sees it: polars can abort on a hostile file.

    Raises:
        BadData: the file is broken.
    """
    with _readable(source, kind):
        path = source.plain_path()
        if path is not None:
            with pa.OSFile(str(path)) as file:
                table = _parquet_or_ipc(file, kind)
        else:
            with source.open() as stream:
                data = source.read(stream)
            table = _parquet_or_ipc(pa.BufferReader(data), kind)
        table.validate(full=True)
        artifact = _artifact(source, table.schema)
    if not table.num_rows:
        raise BadData(f"{source.name} has no rows", "give a file with at least one row")
    check_width(source, table.num_columns)
    return RawTable(source.name, number_rows(_plain(_frame(table)))), artifact


class ParquetRows:
    """A Parquet file that can be read as a table in pieces, as often as is needed.

    Attributes:
        as_text: columns that are read as text, since a time in them is beyond all years.

    Raises:
        BadData: the file is broken, has no rows, or too many columns.
    """

    def __init__(self, source: Source) -> None:
        with _readable(source, "parquet"), pa.parquet.ParquetFile(source.path) as file:
            self.rows: int = file.metadata.num_rows
            self.groups: int = file.metadata.num_row_groups
            self.size = sum(file.metadata.row_group(at).total_byte_size for at in range(self.groups))
            self.artifact = _artifact(source, file.schema_arrow)
            check_width(source, len(file.schema_arrow))
        if not self.rows:
            raise BadData(f"{source.name} has no rows", "give a file with at least one row")
        self.source = source
        self.as_text: set[str] = set()
        self._dtypes: dict[str, pl.DataType] = {}

    def pieces(self, rows: int) -> Iterator[RawTable]:
        """Read it in pieces of so many rows.

        Raises:
            BadData: the file is broken.
            StartAgain: a column must be read as text, and pieces before have been taken.
        """
        last = 0
        for batch in prefetch(self._batches(range(self.groups), rows)):
            frame = self._alike(self._columns_of(batch))
            yield RawTable(self.source.name, number_rows(frame, last))
            last += frame.height

    def sample(self, places: int, rows: int) -> RawTable:
        """Read a few rows of row groups all over the file."""
        groups = sorted({self.groups * place // places for place in range(places)})
        batches = [next(self._batches([group], rows)) for group in groups]
        frames = [self._alike(self._columns_of(batch)) for batch in batches]
        return RawTable(self.source.name, number_rows(pl.concat(frames)))

    def _batches(self, groups: Sequence[int], rows: int) -> Iterator[pa.RecordBatch]:
        with _readable(self.source, "parquet"), pa.parquet.ParquetFile(self.source.path) as file:
            yield from file.iter_batches(batch_size=rows, row_groups=list(groups))

    def _columns_of(self, batch: pa.RecordBatch) -> pl.DataFrame:
        """Bring rows to the types that parsing knows, once all of them are seen to be valid."""
        with _readable(self.source, "parquet"):
            batch.validate(full=True)
            return _plain(_frame(pa.Table.from_batches([batch])), self.as_text)

    def _alike(self, frame: pl.DataFrame) -> pl.DataFrame:
        """See to it that every piece has the same types: times beyond all years make a column text."""
        dtypes = dict(frame.schema)
        known = self._dtypes or dtypes
        self._dtypes = dtypes
        changed = {name for name in known if dtypes[name] != known[name]}
        if changed:
            self.as_text |= changed
            raise StartAgain
        return frame


@contextlib.contextmanager
def _readable(source: Source, kind: Format) -> Iterator[None]:
    """Turn what Arrow raises inside the block into BadData."""
    try:
        yield
    except (pa.ArrowException, OSError, ValueError) as problem:
        what = "Parquet" if kind == "parquet" else "Arrow"
        reason = (str(problem).splitlines() or ["unreadable"])[0][:120]
        raise BadData(f"{source.name} is a broken {what} file: {reason}", "write it again") from problem


def _artifact(source: Source, schema: pa.Schema) -> str:
    """Return the kind of artifact that a file says it is; empty where it says nothing."""
    note = (schema.metadata or {}).get(_ARTIFACT_KEY)
    if not note:
        return ""
    try:
        return str(json.loads(note).get("kind", ""))
    except (ValueError, AttributeError, RecursionError) as problem:
        raise BadData(f"{source.name} has broken prodassoc metadata", "write it again") from problem


def _frame(table: pa.Table) -> pl.DataFrame:
    if len(set(table.column_names)) < table.num_columns:
        table = table.rename_columns(header_names(table.column_names))
    frame = pl.from_arrow(table.replace_schema_metadata(None))
    assert isinstance(frame, pl.DataFrame)
    return frame


def _parquet_or_ipc(data: pa.NativeFile, kind: Format) -> pa.Table:
    if kind == "parquet":
        return pa.parquet.ParquetFile(data).read()
    try:
        return pa.ipc.open_file(data).read_all()
    except pa.ArrowInvalid:
        data.seek(0)
        return pa.ipc.open_stream(data).read_all()


def _plain(frame: pl.DataFrame, as_text: Collection[str] = ()) -> pl.DataFrame:
    """Bring types that only a few files have to those that parsing knows; what has no text is left out."""
    columns = [_plain_column(column, column.name in as_text) for column in frame]
    return pl.DataFrame([column for column in columns if column is not None])


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


def _plain_column(column: pl.Series, as_text: bool) -> pl.Series | None:
    dtype = column.dtype
    if dtype == pl.String or dtype.is_integer() or dtype.is_float():
        return column
    if dtype in (pl.Datetime, pl.Date):
        return _with_nameable_times(column, as_text)
    if isinstance(dtype, pl.Decimal):
        return column.cast(pl.Float64)
    if isinstance(dtype, pl.Struct):
        return column.struct.json_encode()
    if isinstance(dtype, pl.Array):
        column, dtype = column.arr.to_list(), pl.List(pl.Null)
    try:
        return column.cast(pl.List(pl.String) if isinstance(dtype, pl.List) else pl.String)
    except pl.exceptions.PolarsError:
        return None
