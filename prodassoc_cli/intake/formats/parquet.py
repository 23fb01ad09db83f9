"""Parquet → raw tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl
import pyarrow as pa
import pyarrow.parquet

from prodassoc_cli.errors import BadData
from prodassoc_cli.intake.columns.schema import ROW, Say
from prodassoc_cli.intake.formats.arrow_ipc import read_whole
from prodassoc_cli.intake.formats.raw_table import NoRows, RawTable, StartAgain, check_width, number_rows
from prodassoc_cli.intake.formats.reader import (
    BYTES_PER_ROW,
    SAMPLE_ROWS,
    Format,
    ReadOptions,
    TableHead,
    WholeTable,
)
from prodassoc_cli.intake.formats.sources import Source
from prodassoc_cli.intake.formats.typed_columns import (
    artifact_of,
    frame_of,
    plain_columns,
    readable,
    unusable_columns,
)
from prodassoc_cli.resources import prefetch


def _read(data: pa.NativeFile) -> pa.Table:
    return pa.parquet.ParquetFile(data).read()


def _look(source: Source, head: bytes, whole: bool, options: ReadOptions, say: Say) -> TableHead:
    if source.plain_path() is None:
        table, artifact, notes = read_whole(source, "Parquet", _read)
        return TableHead(source, WholeTable(table), table.frame, artifact, notes)
    rows = ParquetRows(source)
    return TableHead(source, rows, rows.sample(1, 64 * SAMPLE_ROWS).frame, rows.artifact, rows.unusable)


class ParquetRows:
    """A Parquet file that can be read as a table in pieces, as often as is needed.

    Attributes:
        rows, groups, size: rows, row groups, and bytes that they unpack to.
        artifact: the kind of artifact that it says it is; else empty.
        unusable: what to say of columns of types that cannot be used.
        as_text: columns that are read as text, since a time in them is beyond all years.

    Raises:
        BadData: the file is broken, has no rows, or too many columns.
    """

    def __init__(self, source: Source) -> None:
        with readable(source, "Parquet"), pa.parquet.ParquetFile(source.path) as file:
            self.rows: int = file.metadata.num_rows
            self.groups: int = file.metadata.num_row_groups
            self.size = sum(file.metadata.row_group(at).total_byte_size for at in range(self.groups))
            self.artifact = artifact_of(source, file.schema_arrow)
            self.unusable = unusable_columns(file.schema_arrow)
            check_width(source, len(file.schema_arrow))
        if not self.rows:
            raise NoRows(f"{source.name} has no rows", "give a file with at least one row")
        self.source = source
        self.as_text: set[str] = set()
        self._dtypes: dict[str, pl.DataType] = {}

    @property
    def in_pieces(self) -> bool:
        """Whether it can be read in pieces: it can."""
        return True

    @property
    def encoding(self) -> str:
        """Empty: it is no text."""
        return ""

    @property
    def bytes_held(self) -> int:
        """About how many bytes it takes to clean it as a whole."""
        return self.rows * BYTES_PER_ROW

    def no_rows(self) -> pl.DataFrame:
        """Return its columns, in their types."""
        return self.sample(1, 0).frame.drop(ROW).clear()

    def pieces(self, rows: int | None = None) -> Iterator[RawTable]:
        """Read it in pieces of so many rows, or as a whole.

        Raises:
            BadData: the file is broken.
            StartAgain: a column must be read as text, and pieces before have been taken.
        """
        if rows is None:
            yield read_whole(self.source, "Parquet", _read)[0]
            return
        for table in self.texts(rows):
            self._alike(table.frame.drop(ROW))
            yield table

    def texts(self, rows: int) -> Iterator[RawTable]:
        """Read it in pieces, whose types may differ."""
        last = 0
        for batch in prefetch(self._batches(range(self.groups), rows)):
            frame = self._columns_of(batch)
            yield RawTable(self.source.name, number_rows(frame, last))
            last += frame.height

    def sample(self, places: int, bytes_per_place: int) -> RawTable:
        """Read a few rows of row groups all over the file."""
        rows = max(1, bytes_per_place // 64)
        groups = sorted({self.groups * place // places for place in range(places)})
        batches = [next(self._batches([group], rows)) for group in groups]
        frames = [self._alike(self._columns_of(batch)) for batch in batches]
        return RawTable(self.source.name, number_rows(pl.concat(frames)))

    def _batches(self, groups: Sequence[int], rows: int) -> Iterator[pa.RecordBatch]:
        with readable(self.source, "Parquet"), pa.parquet.ParquetFile(self.source.path) as file:
            yield from file.iter_batches(batch_size=rows, row_groups=list(groups))

    def _columns_of(self, batch: pa.RecordBatch) -> pl.DataFrame:
        """Bring rows to the types that parsing knows, once all of them are seen to be valid."""
        with readable(self.source, "Parquet"):
            batch.validate(full=True)
            return plain_columns(frame_of(pa.Table.from_batches([batch])), self.as_text)

    def _alike(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Ensure that every piece has the same types: times beyond all years make a column text."""
        dtypes = dict(frame.schema)
        known = self._dtypes or dtypes
        self._dtypes = dtypes
        lost = next((name for name in known if name not in dtypes), None)
        if lost is not None:
            raise BadData(
                f"{self.source.name}: {lost} holds bytes that are no text in some rows", "write it as text"
            )
        changed = {name for name in known if dtypes.get(name) != known[name]}
        if changed:
            self.as_text |= changed
            raise StartAgain
        return frame


PARQUET = Format("Parquet", lambda _, head: head.startswith(b"PAR1"), _look)
