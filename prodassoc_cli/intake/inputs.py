"""Inputs that have been looked at → lines, whole or in pieces, as often as is needed."""

from __future__ import annotations

import contextlib
import functools
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import polars as pl

from prodassoc_cli.intake.columns.match import done_with
from prodassoc_cli.intake.columns.schema import FEEDBACK_NUMBERS, is_feedback, number_fields
from prodassoc_cli.intake.fields import Matched
from prodassoc_cli.intake.formats.arrow_types import NUMBER, TIME
from prodassoc_cli.intake.formats.hive_columns import Folders
from prodassoc_cli.intake.formats.raw_table import RawTable, StartAgain, number_rows
from prodassoc_cli.intake.formats.reader import Reader
from prodassoc_cli.intake.formats.sources import Source
from prodassoc_cli.intake.formats.text.rows import Text
from prodassoc_cli.intake.layouts.layout import Head, Layout, Lines, join_lines, placed
from prodassoc_cli.intake.order_table import OrderTable
from prodassoc_cli.intake.values.ids import WHOLE_AS_FLOAT

LOGGED = (*FEEDBACK_NUMBERS, "list_id", "model")
"""Fields that only a log of shown lists has."""

T = TypeVar("T")


@dataclass
class Input:
    """One input that has been looked at.

    Attributes:
        source: where it is.
        layout: how its rows hold baskets.
        matched: field → column, as found in its header, and columns made of several.
        reader: reads it as a table.
        folders: columns that its folders name.
        head: what its first rows show.
        preset: the export that it is; empty where none is known.
        ignored: columns that are passed over.
        separator: between the products within a cell, as the user says; None to find out.
    """

    source: Source
    layout: Layout
    matched: Matched
    reader: Reader
    folders: Folders
    head: Head
    preset: str = ""
    ignored: frozenset[str] = frozenset()
    separator: str | None = None

    def lines(self, table: RawTable) -> Lines:
        """Bring rows of it to lines."""
        table = self.folders.beside(table)
        frame = table.frame.drop(self.ignored, strict=False)
        table = replace(table, frame=self.matched.derived.beside(frame))
        return self.layout.to_lines(table, self.matched.columns, self.separator)

    @property
    def empty(self) -> Lines:
        """Lines of none of its rows: which columns there are, and in which types."""
        return self.lines(RawTable(self.source.name, number_rows(self.reader.no_rows()), delimiter=","))

    @functools.cached_property
    def columns(self) -> dict[str, str]:
        """Field → column it is read from, whatever its type."""
        return self.empty.columns

    @property
    def delimiter(self) -> str:
        """What separates the fields of text; empty for others."""
        return self.head.delimiter

    @property
    def in_pieces(self) -> bool:
        """Whether it can be read in pieces, each understood by itself."""
        return self.reader.in_pieces and not (self.layout.needs_whole and self._holds_text)

    @property
    def _holds_text(self) -> bool:
        return self.reader.no_rows().schema.get(self.columns["product_id"]) == pl.String

    def values(self, name: str) -> list[str]:
        """Return what the first rows hold in the column of a field, where that is there."""
        return list(self.head.values(self.matched.columns.get(name, "")))

    def float_ids(self) -> set[str]:
        """Return the fields of ids that are written as 17850.0 is, as far as its first rows show."""
        whole = re.compile(WHOLE_AS_FLOAT)
        fields = {name: self.values(name) for name in ("user_id", "order_id", "product_id")}
        return {
            name for name, values in fields.items()
            if sum(whole.match(each) is not None for each in values) > 0.9 * len(values)
        }  # fmt: skip

    def read_from(self) -> dict[str, str]:
        """Return field → column of what is used: fields of a log of shown lists only in such a log."""
        feedback = is_feedback(list(self.columns))
        return {name: each for name, each in self.columns.items() if feedback or name not in LOGGED}

    def unused(self) -> list[str]:
        """Return the columns that nothing is read from."""
        columns = set(self.read_from().values())
        used = columns | self.matched.derived.sources | self.ignored
        used |= set(self.layout.items(self.head.names, self.matched.columns))
        used |= {column.rpartition(".")[0] for column in columns}  # of objects
        return [
            name for name in (*self.head.names, *self.folders.values) if name not in used and name.strip()
        ]

    def facts(self) -> dict[str, object]:
        """Return what was found out, for the summary."""
        return {
            "source": self.source.name, "layout": self.layout.name, "encoding": self.reader.encoding or None,
            "delimiter": self.delimiter or None, "columns": self.columns, "preset": self.preset or None,
            "unused": self.unused(), **self.matched.likened.facts(),
        }  # fmt: skip


@dataclass
class Piece:
    """Rows of the inputs.

    Attributes:
        lines: those that could be cut into fields.
        rejects: the others.
    """

    lines: Lines
    rejects: pl.DataFrame


class Inputs:
    """All inputs of one run.

    Numbers and times that are written plainly are parsed by Arrow as it cuts text into fields. The first rows
    tell where that can be; where a later row shows otherwise, the field is text in all inputs, and they are
    read again from the start (StartAgain).

    Attributes:
        sources: names of the inputs; SOURCE of `Lines.fields` counts into them.
        inputs: the inputs themselves.
        layout: of the first, and so of all.
        orders: the table of the orders that the lines belong to; None where there is none.
    """

    def __init__(self, inputs: list[Input], orders: OrderTable | None = None) -> None:
        self.orders = orders
        self.sources = [each.source.name for each in inputs]
        self.inputs = inputs
        self.layout = inputs[0].layout
        self._typed: set[str] = set()
        """Fields that Arrow parses."""

    @property
    def preset(self) -> str:
        """The known export that the inputs are; `none` where they are none."""
        return self.inputs[0].preset or "none"

    @functools.cached_property
    def columns(self) -> dict[str, str]:
        """Field → column of the first input."""
        return self.inputs[0].columns

    @functools.cached_property
    def fields(self) -> list[str]:
        """The fields that there are."""
        return self.empty().fields.columns

    @property
    def delimiter(self) -> str:
        """The delimiter of the first input."""
        return self.inputs[0].delimiter

    @property
    def done(self) -> str:
        """What users did with the products, as the columns of weights tell; empty where none does."""
        return done_with(each.columns.get("weight", "") for each in self.inputs)

    @property
    def user_columns(self) -> frozenset[str]:
        """Columns that hold users, in any input."""
        return frozenset(each.columns["user_id"] for each in self.inputs if "user_id" in each.columns)

    @property
    def in_pieces(self) -> bool:
        """Whether all inputs can be read in pieces."""
        return all(each.in_pieces for each in self.inputs)

    @property
    def bytes_held(self) -> int:
        """About how many bytes it takes to clean all of it at once."""
        return sum(each.reader.bytes_held for each in self.inputs)

    def readers(self) -> dict[str, Reader]:
        """Return what reads each input, by its name."""
        return {each.source.name: each.reader for each in self.inputs}

    def empty(self) -> Lines:
        """Return lines of no rows: the columns of all inputs, in types that hold them."""
        return join_lines([self._placed(each.empty, place) for place, each in enumerate(self.inputs)])

    def parse_plain_fields(self, fields: Sequence[str]) -> None:
        """Let Arrow parse those of the fields that are written plainly, as far as the first rows show."""
        texts = self._texts()
        if len(texts) < len(self.inputs) or not self.layout.whole_rows:
            return
        for text, columns in texts:
            shared = Counter(columns.values())
            text.read_in_types(
                {
                    columns[name]: TIME if name == "timestamp" else NUMBER
                    for name in fields
                    if name in columns and shared[columns[name]] == 1 and columns[name] in text.names
                }
            )  # fmt: skip
        self._typed = {name for name in fields if any(name in columns for _, columns in texts)}
        self._agree()

    def grouped_by_dots(self) -> set[str]:
        """Return the fields of numbers whose first values with a point all have three digits after it."""
        found = set()
        for name in number_fields(list(self.columns)):
            points = [value for each in self.inputs for value in each.values(name) if "." in value]
            if points and all(re.search(r"\.\d{3}$", value) for value in points):
                found.add(name)
        return found

    def read_as_text(self, fields: Sequence[str]) -> bool:
        """Let Arrow parse none of these fields any more; return whether it did."""
        typed = self._typed & set(fields)
        if typed:
            self._keep_typed(self._typed - typed)
        return bool(typed)

    def _agree(self) -> bool:
        """Parse a field in all inputs or in none; return whether there are fewer now."""
        texts = self._texts()
        left = {
            name for name in self._typed
            if all(columns.get(name, None) in (None, *text.parsed) for text, columns in texts)
        }  # fmt: skip
        if left == self._typed:
            return False
        self._keep_typed(left)
        return True

    def _keep_typed(self, fields: set[str]) -> None:
        """Let Arrow parse no other fields than these."""
        for text, columns in self._texts():
            text.types = {columns[name]: text.types[columns[name]] for name in fields if name in columns}
        self._typed = fields

    def _texts(self) -> list[tuple[Text, dict[str, str]]]:
        return [(each.reader, each.columns) for each in self.inputs if isinstance(each.reader, Text)]

    def pieces(self, rows: int | None = None) -> Iterator[Piece]:
        """Read the inputs, one after another, in pieces of about `rows` rows; each as a whole where None.

        Raises:
            BadData: an input cannot be read.
            StartAgain: they must be read again from the start.
        """
        self._agree()
        empty = self.empty()
        if self.orders is not None:
            self.orders.lines_without = 0
        for place, each in enumerate(self.inputs):
            for table in each.reader.pieces(rows):
                if self._agree():  # what was decided for the other fields no longer holds
                    raise StartAgain
                lines = self._placed(each.lines(table), place)
                yield Piece(join_lines([empty, lines]) if len(self.inputs) > 1 else lines, table.rejects)

    def sample(self, places: int, bytes_per_place: int) -> Lines:
        """Read a few rows from all over the inputs."""
        share = max(1, places // len(self.inputs))
        step = max(1, len(self.inputs) // places)
        parts = [
            self._placed(each.lines(each.reader.sample(share, bytes_per_place)), place)
            for place, each in enumerate(self.inputs) if place % step == 0
        ]  # fmt: skip
        return join_lines([self.empty(), *parts])

    def _placed(self, lines: Lines, place: int) -> Lines:
        lines = placed(lines, self.layout, place, among=len(self.sources))
        return lines if self.orders is None else self.orders.beside(lines)


def until_settled(read: Callable[[], T]) -> T:
    """Return what a function reads of inputs; begun anew where a later row disproves what the first showed.

    A reader remembers what it learned, so that this ends: a column becomes text once, broken rows are found
    once.
    """
    while True:
        with contextlib.suppress(StartAgain):
            return read()
