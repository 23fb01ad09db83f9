"""What every format gives: a head to look at, and a reader that can be used as often as is needed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import polars as pl

from prodassoc_cli.errors import BadData
from prodassoc_cli.intake.columns.schema import ROW, Say
from prodassoc_cli.intake.formats.raw_table import RawTable
from prodassoc_cli.intake.formats.sources import Source

SAMPLE_ROWS = 200
"""Rows of a typed table that are looked at."""

BYTES_PER_ROW = 400
"""Memory it takes to clean a row of a typed table at once."""


class Reader(Protocol):
    """An input as a table, to be read whole or in pieces, as often as is needed."""

    @property
    def in_pieces(self) -> bool:
        """Whether it can be read in pieces."""

    @property
    def bytes_held(self) -> int:
        """About how many bytes it takes to clean it as a whole."""

    @property
    def encoding(self) -> str:
        """Encoding of text; empty for others."""

    def no_rows(self) -> pl.DataFrame:
        """Return its columns, in their types."""

    def pieces(self, rows: int | None = None) -> Iterator[RawTable]:
        """Read it: in pieces of about so many rows, or as a whole.

        Raises:
            BadData: it cannot be read.
            StartAgain: it must be read again from the start, in another way that is known by now.
        """

    def texts(self, rows: int) -> Iterator[RawTable]:
        """Read it in pieces of about so many rows, each column as it is written."""

    def sample(self, places: int, bytes_per_place: int) -> RawTable:
        """Read a few rows from all over it."""


class Head(Protocol):
    """What is seen of an input before it is read."""

    @property
    def names(self) -> list[str] | None:
        """Names of its columns; None where its first row may or may not be a header."""

    @property
    def rows(self) -> list[list[str]]:
        """Its first rows as text."""

    @property
    def delimiter(self) -> str:
        """What separates the fields of a text; empty for others."""

    @property
    def lists(self) -> Sequence[str]:
        """Columns that hold lists."""

    @property
    def artifact(self) -> str:
        """The kind of artifact that it says it is; else empty."""

    @property
    def uncut(self) -> bool:
        """Whether its lines can be read without cutting them into fields."""

    @property
    def complete(self) -> bool:
        """Whether its first rows are known to be all there are."""

    @property
    def settled(self) -> list[str]:
        """What was decided as it was looked at, and may surprise."""

    def lines_before(self, row: int) -> int:
        """Return how many lines of a text stand before a row."""

    def open(
        self, names: list[str], *, header: Sequence[Sequence[str]], skip: int, say: Say,
        stack: contextlib.ExitStack,
    ) -> Reader:  # fmt: skip
        """Return what reads it as a table of these columns; see `formats.delimited.open_delimited`."""

    def open_lines(self, *, skip: int | None = None, say: Say, stack: contextlib.ExitStack) -> Reader:
        """Return what reads it as one column `line`; `skip` counts the lines before its first row."""


@dataclass(frozen=True)
class ReadOptions:
    """What the user says of how a file is written; None to find it out.

    Attributes:
        encoding, delimiter, quote, escape, comment: of a text.
        skip_rows: lines of a text, or rows of a sheet, before the header.
        header: whether the first row after these names the columns.
        sheet: of a workbook: its name, or its number from 1.
        keep_totals: whether a last row that says total is a row like the others.
        mapped: columns that the user names.
        catalogue: whether it is products that are looked for, and no order lines.
    """

    encoding: str | None = None
    delimiter: str | None = None
    quote: str | None = None
    escape: str | None = None
    comment: str | None = None
    skip_rows: int | None = None
    header: bool | None = None
    sheet: str | None = None
    keep_totals: bool = False
    mapped: tuple[str, ...] = ()
    catalogue: bool = False


@dataclass(frozen=True)
class Format:
    """A file format.

    Attributes:
        name: for messages.
        recognises: whether an input is of this format, by its first bytes, decompressed.
        look: the head of an input; given the input, its first bytes and whether they are all there is.
    """

    name: str
    recognises: Callable[[Source, bytes], bool]
    look: Callable[[Source, bytes, bool, ReadOptions, Say], Head]


@dataclass
class TableHead:
    """The head of a typed table.

    Attributes:
        source: the input.
        reader: what reads it.
        sample: its first rows.
        artifact: the kind of artifact that it says it is; else empty.
        settled: what was decided as it was looked at, and may surprise.
    """

    source: Source
    reader: Reader
    sample: pl.DataFrame
    artifact: str = ""
    settled: list[str] = field(default_factory=list)
    delimiter: str = ""
    uncut: bool = False
    complete: bool = False
    lists: Sequence[str] = field(init=False)
    names: list[str] | None = field(init=False)

    def __post_init__(self) -> None:
        """Name the columns."""
        self.names = [name for name in self.sample.columns if name != ROW]
        self.lists = [name for name, dtype in self.sample.schema.items() if isinstance(dtype, pl.List)]

    @property
    def rows(self) -> list[list[str]]:
        """The first rows as text; blank in columns that hold lists."""
        flat = self.sample.head(SAMPLE_ROWS).select(
            pl.lit("").alias(name) if name in self.lists else name for name in self.names or ()
        )
        return [list(row) for row in flat.cast(pl.String, strict=False).fill_null("").rows()]

    def lines_before(self, row: int) -> int:
        """Return 0: it has no lines."""
        return 0

    def open(
        self, names: list[str], *, header: Sequence[Sequence[str]], skip: int, say: Say,
        stack: contextlib.ExitStack,
    ) -> Reader:  # fmt: skip
        """Return what reads it."""
        return self.reader

    def open_lines(self, *, skip: int | None = None, say: Say, stack: contextlib.ExitStack) -> Reader:
        """Refuse (BadData): a table has no lines."""
        raise BadData(f"{self.source.name}: this layout is for text, this is a table", "leave `layout` out")


@dataclass
class WholeTable:
    """A table that was read whole."""

    table: RawTable
    in_pieces: bool = False

    @property
    def bytes_held(self) -> int:
        """Nothing beside what is there already."""
        return 0

    @property
    def encoding(self) -> str:
        """Encoding of what it was read from."""
        return self.table.encoding

    def no_rows(self) -> pl.DataFrame:
        """Return its columns, in their types."""
        return self.table.frame.drop(ROW).clear()

    def pieces(self, rows: int | None = None) -> Iterator[RawTable]:
        """Yield it whole."""
        yield self.table

    def texts(self, rows: int) -> Iterator[RawTable]:
        """Yield it whole."""
        yield self.table

    def sample(self, places: int, bytes_per_place: int) -> RawTable:
        """Return it whole."""
        return self.table
