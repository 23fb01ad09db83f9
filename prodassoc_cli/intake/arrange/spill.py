"""Rows that may not fit in memory: kept on disk in buckets, in files without names.

The system drops such a file with the process, even by a kill: nothing is ever left behind.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import polars as pl
import pyarrow as pa

from prodassoc_cli.errors import IOFailure
from prodassoc_cli.intake.arrange.buckets import dealt
from prodassoc_cli.intake.arrange.partition_bounds import MOST_PARTS
from prodassoc_cli.resources import anonymous_file

_AS_HELD = pl.CompatLevel.newest()
"""Texts are written as polars holds them: other forms take a tenth of the CPU seconds of cleaning."""


class Spill:
    """Buckets of rows with the same columns; rows of a bucket come back in the order they were added.

    Args:
        buckets: how many there are.
        folder: where the files lie; None for the folder of temporary files.
    """

    def __init__(self, buckets: int, folder: Path | None = None) -> None:
        self.buckets = buckets
        self._folder = folder
        self._files: dict[int, tuple[BinaryIO, Path]] = {}
        self._writers: dict[int, pa.RecordBatchStreamWriter] = {}
        self._schema: pa.Schema | None = None
        self._names: list[str] = []
        self.rows = [0] * buckets

    def add(self, frame: pl.DataFrame, bucket: pl.Series | None = None) -> None:
        """Add rows, each to its bucket; all to the first where none is told.

        Raises:
            IOFailure: the disk is full.
        """
        if not frame.height:
            return
        runs = [(0, 0, frame.height)]
        if bucket is not None:
            frame, runs = dealt(frame, bucket)
        self._names = frame.columns
        # Arrow takes no name with a NUL in it.
        table = frame.rename(dict(zip(self._names, map(str, range(frame.width)), strict=True))).to_arrow(
            compat_level=_AS_HELD
        )
        with self._writing():
            for at, start, size in runs:
                self._writer(at, table.schema).write_table(table.slice(start, size))
                self.rows[at] += size

    def pieces(self, at: int) -> Iterator[pl.DataFrame]:
        """Read a bucket, as it was added."""
        yield from map(self._frame, self._tables(at))

    def _tables(self, at: int) -> Iterator[pa.Table]:
        if at in self._writers:
            with self._writing():
                self._writers.pop(at).close()
                self._files[at][0].flush()
        if at in self._files:
            with pa.OSFile(str(self._files[at][1])) as file:
                for batch in pa.ipc.open_stream(file):
                    yield pa.Table.from_batches([batch])

    def read(self, at: int) -> pl.DataFrame:
        """Read a bucket whole; the frame has no columns where nothing was ever added."""
        found = list(self._tables(at))
        if found:
            return self._frame(pa.concat_tables(found).combine_chunks())
        return pl.DataFrame() if self._schema is None else self._frame(self._schema.empty_table())

    def drop(self, at: int) -> None:
        """Give the room of a bucket back."""
        self._writers.pop(at, None)
        if at in self._files:
            self._files.pop(at)[0].close()

    def close(self) -> None:
        """Give all room back."""
        for at in range(self.buckets):
            self.drop(at)

    def _writer(self, at: int, schema: pa.Schema) -> pa.RecordBatchStreamWriter:
        if at not in self._writers:
            self._schema = schema
            self._files[at] = anonymous_file(self._folder)
            options = pa.ipc.IpcWriteOptions(compression="lz4")
            self._writers[at] = pa.ipc.new_stream(
                pa.PythonFile(self._files[at][0], mode="w"), schema, options=options
            )
        return self._writers[at]

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as problem:
            where = self._folder or "the folder of temporary files"
            raise IOFailure(
                f"cannot keep rows on disk in {where}: {problem.strerror or problem}",
                "free some space there, or raise --memory-limit",
            ) from problem

    def _frame(self, table: pa.Table) -> pl.DataFrame:
        frame = pl.from_arrow(table)
        assert isinstance(frame, pl.DataFrame)
        return frame.rename(dict(zip(frame.columns, self._names, strict=True)))


class Held:
    """Sorted interactions that are gone through more than once, in memory or on disk.

    Args:
        frames: the interactions, part by part.
        on_disk: whether they go to disk.
        folder: where; None for the folder of temporary files.

    Attributes:
        rows: how many there are.
    """

    def __init__(self, frames: Iterator[pl.DataFrame], on_disk: bool, folder: Path | None) -> None:
        self._frames: list[pl.DataFrame] = []
        self._spill = Spill(MOST_PARTS, folder) if on_disk else None
        self._used = self.rows = 0
        for frame in frames:
            self.rows += frame.height
            if self._spill is None:
                self._frames.append(frame)
            else:
                self._spill.add(
                    frame, pl.Series([self._used], dtype=pl.UInt8).new_from_index(0, frame.height)
                )
            self._used += 1

    def __iter__(self) -> Iterator[pl.DataFrame]:
        """Go through them, in their order."""
        yield from self._frames
        if self._spill is not None:
            for part in range(self._used):
                if self._spill.rows[part]:
                    yield self._spill.read(part)

    def close(self) -> None:
        """Give the room back."""
        self._frames = []
        if self._spill is not None:
            self._spill.close()
