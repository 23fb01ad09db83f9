"""Rows in partitions, in memory or on disk: dealt out once, then gone through partition by partition.

On disk they are in files without names. The system drops such a file with the process, even by a kill:
nothing is ever left behind.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

import polars as pl
import pyarrow as pa

from prodassoc_cli.errors import IOFailure
from prodassoc_cli.resources import anonymous_file

_TEXTS_AS_HELD = pl.CompatLevel.newest()
"""Texts are written as polars holds them: other forms take a tenth of the CPU seconds of cleaning."""


class Partitions:
    """Rows with the same columns, dealt out to partitions; those of one stay in the order they were added.

    Args:
        partitions: how many there are.
        on_disk: whether rows are kept on disk rather than in memory.
        folder: where on disk; None for the folder of temporary files.

    Attributes:
        rows: how many each partition has.
    """

    def __init__(self, partitions: int, *, on_disk: bool, folder: Path | None = None) -> None:
        self.rows = [0] * partitions
        self.on_disk = on_disk
        self._store: _Store = _OnDisk(folder) if on_disk else _InMemory()

    def add(self, frame: pl.DataFrame, partition: pl.Series | int) -> None:
        """Add rows, each to its partition, or all to one.

        Raises:
            IOFailure: the disk is full.
        """
        if not frame.height:
            return
        if isinstance(partition, int):
            dealt, runs = frame, [(partition, 0, frame.height)]
        else:
            dealt, runs = _dealt(frame, partition)
        self._store.add(dealt, runs)
        for at, _, size in runs:
            self.rows[at] += size

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[pl.DataFrame]:
        """Go through the partitions that have rows; can be done repeatedly."""
        for at in range(len(self)):
            if self.rows[at]:
                yield self._store.read(at)

    def taking(self) -> Iterator[pl.DataFrame]:
        """Go through the partitions for the last time, and give the room of each back as it is taken."""
        for at in range(len(self)):
            if self.rows[at]:
                frame = self._store.read(at)
                self._store.drop(at)
                yield frame

    def pieces(self, at: int) -> Iterator[pl.DataFrame]:
        """Go through a partition as it was added."""
        yield from self._store.pieces(at)

    def close(self) -> None:
        """Give all room back."""
        for at in range(len(self)):
            self._store.drop(at)


def _dealt(frame: pl.DataFrame, partition: pl.Series) -> tuple[pl.DataFrame, list[tuple[int, int, int]]]:
    """Put rows in the order of their partitions, those of one in the order they came.

    Returns:
        The rows in that order; and partition, first row and number of rows for each that has some.
    """
    order = partition.to_numpy().argsort(kind="stable")
    runs = partition.gather(pl.Series(order)).rle().struct.unnest()
    if len(runs) > 1:
        frame = frame[pl.Series(order)]
    ends = runs["len"].cum_sum()
    return frame, list(zip(runs["value"], ends - runs["len"], runs["len"], strict=True))


class _Store(Protocol):
    """Where the rows of partitions are kept."""

    def add(self, frame: pl.DataFrame, runs: list[tuple[int, int, int]]) -> None:
        """Keep rows: partition, first row and number of rows of each run."""

    def pieces(self, at: int) -> Iterator[pl.DataFrame]:
        """Return the rows of a partition as they were added."""

    def read(self, at: int) -> pl.DataFrame:
        """Return the rows of a partition, of which there must be some."""

    def drop(self, at: int) -> None:
        """Give the room of a partition back."""


class _InMemory:
    def __init__(self) -> None:
        self._frames: dict[int, list[pl.DataFrame]] = {}

    def add(self, frame: pl.DataFrame, runs: list[tuple[int, int, int]]) -> None:
        for at, start, size in runs:
            self._frames.setdefault(at, []).append(frame.slice(start, size))

    def pieces(self, at: int) -> Iterator[pl.DataFrame]:
        yield from self._frames.get(at, [])

    def read(self, at: int) -> pl.DataFrame:
        # Rows gathered from a column of many chunks take several times as long.
        return pl.concat(self._frames[at], rechunk=True)

    def drop(self, at: int) -> None:
        self._frames.pop(at, None)


class _OnDisk:
    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._files: dict[int, tuple[BinaryIO, Path]] = {}
        self._writers: dict[int, pa.RecordBatchStreamWriter] = {}
        self._names: list[str] = []

    def add(self, frame: pl.DataFrame, runs: list[tuple[int, int, int]]) -> None:
        self._names = frame.columns
        # Arrow takes no name with a NUL in it.
        table = frame.rename(dict(zip(self._names, map(str, range(frame.width)), strict=True))).to_arrow(
            compat_level=_TEXTS_AS_HELD
        )
        with self._writing():
            for at, start, size in runs:
                self._writer(at, table.schema).write_table(table.slice(start, size))

    def pieces(self, at: int) -> Iterator[pl.DataFrame]:
        yield from map(self._frame, self._tables(at))

    def read(self, at: int) -> pl.DataFrame:
        return self._frame(pa.concat_tables(self._tables(at)).combine_chunks())

    def drop(self, at: int) -> None:
        self._writers.pop(at, None)
        if at in self._files:
            self._files.pop(at)[0].close()

    def _tables(self, at: int) -> Iterator[pa.Table]:
        if at in self._writers:
            with self._writing():
                self._writers.pop(at).close()
                self._files[at][0].flush()
        if at in self._files:
            with pa.OSFile(str(self._files[at][1])) as file:
                for batch in pa.ipc.open_stream(file):
                    yield pa.Table.from_batches([batch])

    def _writer(self, at: int, schema: pa.Schema) -> pa.RecordBatchStreamWriter:
        if at not in self._writers:
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
                "free some space there, or raise `memory_limit`",
            ) from problem

    def _frame(self, table: pa.Table) -> pl.DataFrame:
        frame = pl.from_arrow(table)
        assert isinstance(frame, pl.DataFrame)
        return frame.rename(dict(zip(frame.columns, self._names, strict=True)))
