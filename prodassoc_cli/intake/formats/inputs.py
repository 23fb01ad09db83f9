"""Inputs that have been looked at → lines, whole or in pieces, as often as is needed."""

from __future__ import annotations

import contextlib
import functools
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import cast

import polars as pl

from prodassoc_cli.intake.formats import parquet_json as typed
from prodassoc_cli.intake.formats.arrow_types import NUMBER, TIME
from prodassoc_cli.intake.formats.delimited import Text
from prodassoc_cli.intake.formats.parquet_json import ParquetRows
from prodassoc_cli.intake.formats.sources import Source
from prodassoc_cli.intake.layouts.layouts import Lines, join_lines, placed
from prodassoc_cli.intake.tables import RawTable, StartAgain, number_rows
from prodassoc_cli.settings import Layout

SAMPLE = 200

BYTES_A_TEXT_BYTE = 6
BYTES_A_ROW = 400
"""Memory it takes to clean a byte of text, or a row of Parquet, at once."""


@dataclass
class Input:
    """One input that has been looked at and can be read, whole or in pieces, as often as is needed.

    Attributes:
        source: where it is.
        layout: how baskets lie in it.
        lay_out: brings a table of its rows to lines.
        text: it, where it is text.
        parquet: it, where it is Parquet.
        table: all of its rows, where it can only be read whole.
        delimiter: of text; empty for others.
        encoding: of text; empty for others.
    """

    source: Source
    layout: Layout
    lay_out: Callable[[RawTable], Lines]
    text: Text | None = None
    parquet: ParquetRows | None = None
    table: RawTable | None = None
    delimiter: str = ""
    encoding: str = ""

    def __post_init__(self) -> None:
        """Lay out none of the rows."""
        if self.text is not None:
            self.delimiter, self.encoding = self.text.dialect.delimiter, self.text.dialect.encoding
            return
        head = self.table or cast("ParquetRows", self.parquet).sample(1, SAMPLE)
        self._none = RawTable(self.source.name, head.frame.clear(), delimiter=head.delimiter)
        self.encoding = head.encoding

    @property
    def empty(self) -> Lines:
        """Lines of none of its rows: which columns there are, and in which types."""
        if self.text is None:
            return self.lay_out(self._none)
        frame = number_rows(self.text.no_rows())
        return self.lay_out(RawTable(self.source.name, frame, delimiter=self.delimiter))

    @functools.cached_property
    def columns(self) -> dict[str, str]:
        """Field → column it is read from, whatever its type."""
        return self.empty.columns

    @property
    def in_pieces(self) -> bool:
        """Whether it can be read in pieces, each understood by itself."""
        listed = self.columns.get("product_id", "")
        split = self.layout == "list" and (
            self.parquet is None or self.parquet.sample(1, 1).frame.schema.get(listed) == pl.String
        )
        return self.table is None and not split

    @property
    def bytes_held(self) -> int:
        """About how many bytes it takes to clean it as a whole."""
        if self.text is not None:
            return self.text.size * BYTES_A_TEXT_BYTE
        return self.parquet.rows * BYTES_A_ROW if self.parquet is not None else 0

    def tables(self, rows: int | None) -> Iterator[RawTable]:
        """Read it: as a whole where `rows` is None, else in pieces of about so many rows."""
        if self.table is not None:
            yield self.table
        elif self.text is not None:
            yield from self.text.pieces(rows)
        elif self.parquet is not None and rows is not None:
            yield from self.parquet.pieces(rows)
        else:
            yield typed.read_typed(self.source, "parquet")[0]

    def sample(self, places: int, bytes_a_place: int) -> Lines:
        """Read a few rows from all over it."""
        if self.text is not None:
            return self.lay_out(self.text.sample(places, bytes_a_place))
        if self.parquet is not None:
            return self.lay_out(self.parquet.sample(places, max(1, bytes_a_place // 64)))
        return self.lay_out(cast("RawTable", self.table))

    def facts(self) -> dict[str, object]:
        """Return what was found out, for the summary."""
        return {
            "source": self.source.name, "layout": self.layout, "encoding": self.encoding or None,
            "delimiter": self.delimiter or None, "columns": self.columns,
        }  # fmt: skip


class Orders:
    """All inputs of one run.

    Attributes:
        sources: names of the inputs; SOURCE of `lines.fields` counts into them.
        inputs: they themselves.
        layout: of the first, and so of all.
    """

    def __init__(self, inputs: list[Input]) -> None:
        self.sources = [each.source.name for each in inputs]
        self.inputs = inputs
        self.layout = inputs[0].layout
        self._parsed: set[str] = set()
        """Fields that are parsed on the way."""

    @functools.cached_property
    def empty(self) -> Lines:
        """Lines of no rows: the columns of all inputs, in types that hold them."""
        return join_lines([self._placed(each.empty, place) for place, each in enumerate(self.inputs)])

    @property
    def reads_again(self) -> bool:
        """Whether what rejects show of a row must be read once more."""
        return bool(self._parsed)

    def parse_on_the_way(self, fields: Collection[str]) -> None:
        """Let Arrow parse numbers and times as it cuts texts into fields, where it understands all of them.

        Args:
            fields: those that may be.
        """
        texts = [each.text for each in self.inputs if each.text is not None]
        if len(texts) < len(self.inputs) or self.layout not in ("lines", "ratings"):
            return
        for each, text in zip(self.inputs, texts, strict=True):
            columns = each.columns
            shared = Counter(columns.values())
            text.parse_on_the_way(
                {
                    columns[name]: TIME if name == "timestamp" else NUMBER
                    for name in fields if name in columns and shared[columns[name]] == 1
                }
            )  # fmt: skip
        self._parsed = {name for name in fields if any(name in each.columns for each in self.inputs)}
        self.__dict__.pop("empty", None)
        self._agree()

    def _agree(self) -> bool:
        """See to it that a field is parsed on the way in all inputs or in none; tell if fewer are now."""
        texts = [(each.text, each.columns) for each in self.inputs if each.text is not None]
        left = {
            name for name in self._parsed
            if all(columns.get(name, None) in (None, *text.parsed) for text, columns in texts)
        }  # fmt: skip
        if left == self._parsed:
            return False
        for text, columns in texts:
            text.types = {columns[name]: text.types[columns[name]] for name in left if name in columns}
        self._parsed = left
        self.__dict__.pop("empty", None)
        return True

    @property
    def delimiter(self) -> str:
        """The delimiter of the first input."""
        return self.inputs[0].delimiter

    @property
    def columns(self) -> dict[str, str]:
        """Field → column of the first input."""
        return self.inputs[0].columns

    @property
    def fields(self) -> list[str]:
        """The fields that there are."""
        return self.empty.fields.columns

    @property
    def user_columns(self) -> set[str]:
        """Columns that hold users, in any input."""
        return {each.columns["user_id"] for each in self.inputs if "user_id" in each.columns}

    @property
    def shares_columns(self) -> bool:
        """Whether a field is the same column in all inputs."""
        return all(each.columns == self.columns for each in self.inputs)

    @property
    def bytes_held(self) -> int:
        """About how many bytes it takes to clean all of it at once."""
        return sum(each.bytes_held for each in self.inputs)

    def pieces(self, rows: int | None = None) -> Iterator[Piece]:
        """Read the inputs, one after another, in pieces of about `rows` rows; each whole where None.

        Raises:
            BadData: an input cannot be read.
            StartAgain: they must be read again from the start.
        """
        self._agree()
        for place, each in enumerate(self.inputs):
            for table in each.tables(rows):
                if self._agree() and place:
                    raise StartAgain
                lines = self._placed(each.lay_out(table), place)
                whole = join_lines([self.empty, lines]) if len(self.inputs) > 1 else lines
                yield Piece(whole, table.rejects, self.reads_again)

    def whole(self) -> Piece:
        """Read all of the inputs at once."""
        while True:
            with contextlib.suppress(StartAgain):
                pieces = list(self.pieces())
                break
        lines = join_lines([each.lines for each in pieces])
        return Piece(lines, pl.concat([each.rejects for each in pieces]), self.reads_again)

    def sample(self, places: int, bytes_a_place: int) -> Lines:
        """Read a few rows from all over the inputs."""
        share = max(1, places // len(self.inputs))
        step = max(1, len(self.inputs) // places)
        parts = [
            self._placed(each.sample(share, bytes_a_place), place)
            for place, each in enumerate(self.inputs) if place % step == 0
        ]  # fmt: skip
        return join_lines([self.empty, *parts])

    def _placed(self, lines: Lines, place: int) -> Lines:
        return placed(lines, place, among=len(self.sources))


@dataclass
class Piece:
    """Rows of the inputs.

    Attributes:
        lines: those that could be cut into fields.
        rejects: the others.
        reads_again: what `Orders.reads_again` was as they were read: it may be another once later ones are.
    """

    lines: Lines
    rejects: pl.DataFrame
    reads_again: bool = False
