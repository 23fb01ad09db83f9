"""Inputs that have been looked at → lines, whole or in pieces, as often as is needed."""

from __future__ import annotations

import contextlib
import functools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import polars as pl

from prodassoc_cli.errors import BadData
from prodassoc_cli.intake.columns.header import header_names, is_header
from prodassoc_cli.intake.columns.match import FIELDS, parse_map
from prodassoc_cli.intake.columns.presets import PRESETS
from prodassoc_cli.intake.columns.schema import Say
from prodassoc_cli.intake.formats.arrow_types import NUMBER, TIME
from prodassoc_cli.intake.formats.delimited import Text
from prodassoc_cli.intake.formats.hive_columns import Folders
from prodassoc_cli.intake.formats.raw_table import RawTable, StartAgain, number_rows
from prodassoc_cli.intake.formats.reader import Head as FormatHead
from prodassoc_cli.intake.formats.reader import Reader, ReadOptions
from prodassoc_cli.intake.formats.registry import look
from prodassoc_cli.intake.formats.sources import Source
from prodassoc_cli.intake.layouts.layout import Head, Layout, Lines, check_alike, join_lines, placed
from prodassoc_cli.intake.layouts.registry import LAYOUTS, layout_of, no_products, recognise
from prodassoc_cli.settings import CleanConfig

T = TypeVar("T")


@dataclass
class Input:
    """One input that has been looked at.

    Attributes:
        source: where it is.
        layout: how its rows hold baskets.
        matched: field → column, as found in its header.
        reader: reads it as a table.
        folders: columns that its folders name.
        delimiter: of text; empty for others.
    """

    source: Source
    layout: Layout
    matched: dict[str, str]
    reader: Reader
    folders: Folders
    delimiter: str = ""

    def lines(self, table: RawTable) -> Lines:
        """Bring rows of it to lines."""
        return self.layout.to_lines(self.folders.beside(table), self.matched)

    @property
    def empty(self) -> Lines:
        """Lines of none of its rows: which columns there are, and in which types."""
        return self.lines(RawTable(self.source.name, number_rows(self.reader.no_rows()), delimiter=","))

    @functools.cached_property
    def columns(self) -> dict[str, str]:
        """Field → column it is read from, whatever its type."""
        return self.empty.columns

    @property
    def in_pieces(self) -> bool:
        """Whether it can be read in pieces, each understood by itself."""
        return self.reader.in_pieces and not (self.layout.needs_whole and self._holds_text)

    @property
    def _holds_text(self) -> bool:
        return self.reader.no_rows().schema.get(self.columns["product_id"]) == pl.String

    def facts(self) -> dict[str, object]:
        """Return what was found out, for the summary."""
        return {
            "source": self.source.name, "layout": self.layout.name, "encoding": self.reader.encoding or None,
            "delimiter": self.delimiter or None, "columns": self.columns,
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
    """

    def __init__(self, inputs: list[Input]) -> None:
        self.sources = [each.source.name for each in inputs]
        self.inputs = inputs
        self.layout = inputs[0].layout
        self._typed: set[str] = set()
        """Fields that Arrow parses."""

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
                    for name in fields if name in columns and shared[columns[name]] == 1
                }
            )  # fmt: skip
        self._typed = {name for name in fields if any(name in columns for _, columns in texts)}
        self._agree()

    def _agree(self) -> bool:
        """Parse a field in all inputs or in none; return whether there are fewer now."""
        texts = self._texts()
        left = {
            name for name in self._typed
            if all(columns.get(name, None) in (None, *text.parsed) for text, columns in texts)
        }  # fmt: skip
        if left == self._typed:
            return False
        for text, columns in texts:
            text.types = {columns[name]: text.types[columns[name]] for name in left if name in columns}
        self._typed = left
        return True

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
        return placed(lines, self.layout, place, among=len(self.sources))


def until_settled(read: Callable[[], T]) -> T:
    """Return what a function reads of inputs; begun anew where a later row disproves what the first showed.

    A reader remembers what it learned, so that this ends: a column becomes text once, broken rows are found
    once.
    """
    while True:
        with contextlib.suppress(StartAgain):
            return read()


def open_inputs(
    sources: Sequence[Source], config: CleanConfig, say: Say, stack: contextlib.ExitStack
) -> Inputs:
    """Look at every input, so that its lines can be read.

    Args:
        sources: where the inputs are.
        config: the options of `clean`.
        say: receives what was found.
        stack: closes what is open when the lines are no longer needed.

    Raises:
        NoInput: an input is missing.
        BadData: an input is no table, or the inputs do not fit together.
        UsageProblem: an option does not fit the input.
    """
    mapping = parse_map((each for each in config.map if not each.startswith("products.")), FIELDS)
    inputs: list[Input] = []
    for source in sources:
        # The parts of a folder are alike; what is said of the first holds for all.
        found = _open_input(source, config, mapping, (lambda _: None) if inputs else say, stack)
        if inputs:
            check_alike(source.name, found.layout, found.empty, inputs[0].empty, inputs[0].layout)
        inputs.append(found)
    if len(sources) > 1:
        say(f"{len(sources)} inputs, read like {sources[0].name}")
    return Inputs(inputs)


def _open_input(
    source: Source, config: CleanConfig, mapping: dict[str, str], say: Say, stack: contextlib.ExitStack
) -> Input:
    format_head = look(source, ReadOptions(config.encoding, config.delimiter), say)
    _check_order_lines(source, format_head.artifact)
    names, header = _header(format_head, config)
    rows = format_head.rows
    head = Head(
        source.name, names, rows, rows[1:] if header and format_head.names is None else rows,
        format_head.delimiter, format_head.ragged, format_head.lists, format_head.uncut,
    )  # fmt: skip
    layout, columns, folders = _layout(head, source, config, mapping, say)
    if layout.uncut:
        reader = format_head.open_lines(say=say, stack=stack)
        return Input(source, layout, {}, reader, folders, format_head.delimiter)
    if head.uncut and header:
        _say_repeated(source, rows[0], say)
    reader = format_head.open(names, header=header, say=say, stack=stack)
    if head.uncut:
        say(f"{source.name}: {reader.encoding} text, fields between {_in_words(head.delimiter)}")
    found = Input(source, layout, columns, reader, folders, format_head.delimiter)
    say(f"{source.name}: " + ", ".join(f"{name}={column}" for name, column in found.columns.items()))
    return found


def _check_order_lines(source: Source, artifact: str) -> None:
    if artifact not in ("", "interactions"):
        raise BadData(
            f"{source.name} holds {artifact}, not order lines",
            "a catalogue goes to --products" if artifact == "products" else "give the raw order lines",
        )


def _layout(
    head: Head, source: Source, config: CleanConfig, mapping: dict[str, str], say: Say
) -> tuple[Layout, dict[str, str], Folders]:
    """Return the layout of an input, and field → column."""
    folders = Folders.of(source, head.names)
    asked = _asked_layout(config)
    if asked is not None and asked.uncut:
        return asked, {}, folders
    columns = folders.field_columns(head.names, mapping, config.preset, source.name)
    if asked is None:
        found, why = recognise(head, columns)
        say(f"{source.name}: layout {found.name} ({why})")
        return found, columns, folders
    if asked.whole_rows and "product_id" not in columns:
        raise no_products(head)
    return asked, columns, folders


def _asked_layout(config: CleanConfig) -> Layout | None:
    """Return the layout that the user names; None where it is to be found out."""
    return layout_of(config.layout) if config.layout in LAYOUTS else None


def _header(head: FormatHead, config: CleanConfig) -> tuple[list[str], bool]:
    """Return the names of the columns, and whether they stand in the first row.

    Columns without a header are called 1, 2, …; a preset may know better.
    """
    if head.names is not None:
        return head.names, True
    first = head.rows[0]
    asked = _asked_layout(config)
    if (asked is not None and asked.first_row_names) or is_header(head.rows):
        return header_names(first), True
    mapped = {entry.partition("=")[2].strip() for entry in config.map}
    if mapped and mapped <= set(header_names(first)):
        return header_names(first), True
    known: tuple[str, ...] = PRESETS[config.preset].headerless if config.preset else ()
    if head.delimiter == "::" and len(first) == len(PRESETS["movielens"].headerless):
        known = PRESETS["movielens"].headerless
    return [*known[: len(first)], *(str(place) for place in range(len(known) + 1, len(first) + 1))], False


def _say_repeated(source: Source, names: Sequence[str], say: Say) -> None:
    times = Counter(name.strip() for name in names)
    repeated = sorted(name for name, count in times.items() if name and count > 1)
    if repeated:
        say(f"{source.name}: the column {repeated[0]} is there more than once; the first one counts")


def _in_words(delimiter: str) -> str:
    names = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces"}
    return names.get(delimiter, f"'{delimiter}'")


def read_catalogue(sources: Sequence[Source], config: CleanConfig, say: Say) -> list[RawTable]:
    """Read the parts of a catalogue as tables.

    Raises:
        NoInput: it is missing.
        BadData: it is no table with a header.
    """
    parts = []
    for source in sources:
        head = look(source, ReadOptions(encoding=config.encoding), say)
        if head.artifact not in ("", "products"):
            raise BadData(
                f"{source.name} holds {head.artifact}, not a catalogue", "give a catalogue to --products"
            )
        names = header_names(head.rows[0]) if head.names is None else head.names
        with contextlib.ExitStack() as stack:
            reader = head.open(names, header=True, say=say, stack=stack)
            (table,) = reader.pieces()
        parts.append(Folders.of(source, table.frame.columns).beside(table))
    return parts
