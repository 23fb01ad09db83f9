"""Inputs → lines: each input is looked at, what was found is said, and it is read, whole or in pieces."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

import polars as pl

from prodassoc_cli.errors import BadData
from prodassoc_cli.intake import delimited, layouts, tables, typed
from prodassoc_cli.intake.columns import PRESETS, header_names, is_header, parse_map
from prodassoc_cli.intake.delimited import Text
from prodassoc_cli.intake.folders import Folders
from prodassoc_cli.intake.layouts import Lines, check_alike, join_lines, placed
from prodassoc_cli.intake.sources import Source
from prodassoc_cli.intake.tables import ROW, RawTable, Say, number_rows
from prodassoc_cli.intake.text import Dialect
from prodassoc_cli.intake.typed import ParquetRows
from prodassoc_cli.settings import CleanConfig, Layout

SAMPLE = 200

BYTES_A_TEXT_BYTE = 7
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
        empty: lines of none of its rows: which columns there are.
        delimiter: of text; empty for others.
        encoding: of text; empty for others.
    """

    source: Source
    layout: Layout
    lay_out: Callable[[RawTable], Lines]
    text: Text | None = None
    parquet: ParquetRows | None = None
    table: RawTable | None = None
    empty: Lines = field(init=False)
    delimiter: str = ""
    encoding: str = ""

    def __post_init__(self) -> None:
        """Lay out none of the rows."""
        if self.text is not None:
            self.delimiter, self.encoding = self.text.dialect.delimiter, self.text.dialect.encoding
            frame = number_rows(pl.DataFrame(schema=dict.fromkeys(self.text.names, pl.String)))
            none = RawTable(self.source.name, frame, delimiter=self.delimiter)
        else:
            head = self.table or cast("ParquetRows", self.parquet).sample(1, SAMPLE)
            none = RawTable(self.source.name, head.frame.clear(), delimiter=head.delimiter)
            self.encoding = head.encoding
        self.empty = self.lay_out(none)

    @property
    def in_pieces(self) -> bool:
        """Whether it can be read in pieces, each understood by itself."""
        listed = self.empty.columns.get("product_id", "")
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
            "delimiter": self.delimiter or None, "columns": self.empty.columns,
        }  # fmt: skip


class Orders:
    """All inputs of one run.

    Attributes:
        sources: names of the inputs; SOURCE of `lines.fields` counts into them.
        inputs: they themselves.
        layout: of the first, and so of all.
        empty: lines of no rows: the columns of all of them, in types that hold them.
    """

    def __init__(self, inputs: list[Input]) -> None:
        self.sources = [each.source.name for each in inputs]
        self.inputs = inputs
        self.layout = inputs[0].layout
        self.empty = join_lines([self._placed(each.empty, place) for place, each in enumerate(inputs)])

    @property
    def delimiter(self) -> str:
        """The delimiter of the first input."""
        return self.inputs[0].delimiter

    @property
    def columns(self) -> dict[str, str]:
        """Field → column of the first input."""
        return self.inputs[0].empty.columns

    @property
    def fields(self) -> list[str]:
        """The fields that there are."""
        return self.empty.fields.columns

    @property
    def user_columns(self) -> set[str]:
        """Columns that hold users, in any input."""
        return {each.empty.columns["user_id"] for each in self.inputs if "user_id" in each.empty.columns}

    @property
    def shares_columns(self) -> bool:
        """Whether a field is the same column in all inputs."""
        return all(each.empty.columns == self.columns for each in self.inputs)

    @property
    def bytes_held(self) -> int:
        """About how many bytes it takes to clean all of it at once."""
        return sum(each.bytes_held for each in self.inputs)

    def pieces(self, rows: int | None = None) -> Iterator[Piece]:
        """Read the inputs, one after another, in pieces of about `rows` rows; each whole where None.

        Raises:
            BadData: an input cannot be read.
            StartAgain: it must be read again from the start.
        """
        for place, each in enumerate(self.inputs):
            for table in each.tables(rows):
                lines = self._placed(each.lay_out(table), place)
                yield Piece(join_lines([self.empty, lines]) if len(self.inputs) > 1 else lines, table.rejects)

    def whole(self) -> Piece:
        """Read all of the inputs at once."""
        pieces = list(self.pieces())
        return Piece(
            join_lines([each.lines for each in pieces]), pl.concat([each.rejects for each in pieces])
        )

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
    """

    lines: Lines
    rejects: pl.DataFrame


def open_orders(
    sources: Sequence[Source], config: CleanConfig, say: Say, stack: contextlib.ExitStack
) -> Orders:
    """Look at every input, so that the lines can be read.

    Args:
        sources: the inputs.
        config: the options of `clean`.
        say: told what was found.
        stack: closes what is open when the lines are no longer needed.

    Raises:
        NoInput: an input is missing.
        BadData: an input is no table, or the inputs do not fit together.
        UsageProblem: an option does not fit the input.
    """
    mapping = parse_map((each for each in config.map if not each.startswith("products.")), layouts.FIELDS)
    inputs: list[Input] = []
    for source in sources:
        found = _look_at(source, config, mapping, say if not inputs else _quiet, stack)
        if inputs:
            check_alike(source.name, found.empty, inputs[0].empty)
        inputs.append(found)
    if len(sources) > 1:
        say(f"{len(sources)} inputs, read like {sources[0].name}")
    return Orders(inputs)


def _quiet(_: str) -> None:
    """Say nothing: the parts of a folder are alike, and the first was spoken of."""


def _look_at(
    source: Source, config: CleanConfig, mapping: dict[str, str], say: Say, stack: contextlib.ExitStack
) -> Input:
    head = tables.look(source, encoding=config.encoding, delimiter=config.delimiter)
    if head.dialect is not None:
        return _look_at_text(source, head.dialect, config, mapping, say, stack)
    table, parquet, artifact = None, None, ""
    if head.format == "jsonl":
        table = typed.read_json_lines(source, say)
    elif head.format == "parquet" and source.plain_path() is not None:
        parquet = ParquetRows(source)
        artifact = parquet.artifact
    else:
        table, artifact = typed.read_typed(source, head.format)
    if artifact not in ("", "interactions"):
        raise BadData(
            f"{source.name} holds {artifact}, not order lines",
            "a catalogue goes to --products" if artifact == "products" else "give the raw order lines",
        )
    frame = (table or cast("ParquetRows", parquet).sample(1, SAMPLE)).frame
    names = [name for name in frame.columns if name != ROW]
    folders = Folders.of(source, names)
    lists = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.List)]
    plain = frame.head(SAMPLE).select(pl.exclude(ROW, *lists)).cast(pl.String, strict=False)
    columns = folders.field_columns(names, mapping, config.preset, source.name)
    flat, cells = [name for name in names if name not in lists], plain.fill_null("").rows()
    layout = _choose(flat, columns, cells, config, say, source=source.name, lists=lists)
    lay_out = folders.added(_layout_of(source, columns, layout))
    return _spoken_of(Input(source, layout, lay_out, parquet=parquet, table=table), say)


def _look_at_text(
    source: Source, dialect: Dialect, config: CleanConfig, mapping: dict[str, str], say: Say,
    stack: contextlib.ExitStack,
) -> Input:  # fmt: skip
    rows = dialect.sample
    fimi = config.layout == "fimi" or (
        config.layout == "auto" and layouts.is_fimi(rows, dialect.delimiter, source.name)
    )
    if fimi:
        if config.layout == "auto":
            say(f"{source.name}: layout fimi (integers between spaces, one basket a line)")
        text = delimited.open_lines(source, dialect, say=say, stack=stack)
        return Input(source, "fimi", layouts.from_fimi, text)
    names, header = column_names(dialect, config)
    times = Counter(name.strip() for name in rows[0] if header)
    twice = sorted(name for name, count in times.items() if name and count > 1)
    if twice:
        say(f"{source.name}: the column {twice[0]} is there more than once; the first one counts")
    folders = Folders.of(source, names)
    columns: dict[str, str] = {}
    layout: Layout = "baskets"
    if config.layout != "baskets":
        columns = folders.field_columns(names, mapping, config.preset, source.name)
        cells = rows[1:] if header else rows
        layout = _choose(names, columns, cells, config, say, ragged=dialect.ragged, source=source.name)
    if layout == "baskets":
        text = delimited.open_lines(source, dialect, say=say, stack=stack)
        found = Input(source, layout, lambda table: layouts.from_baskets(table, dialect.delimiter), text)
        found.delimiter = dialect.delimiter
        return found
    text = delimited.open_delimited(source, dialect, names, header=header, say=say, stack=stack)
    say(f"{source.name}: {text.dialect.encoding} text, fields between {_spoken(dialect.delimiter)}")
    return _spoken_of(Input(source, layout, folders.added(_layout_of(source, columns, layout)), text), say)


def _spoken_of(found: Input, say: Say) -> Input:
    """Say which column is which."""
    said = ", ".join(f"{name}={column}" for name, column in found.empty.columns.items())
    say(f"{found.source.name}: {said}")
    return found


def column_names(dialect: Dialect, config: CleanConfig) -> tuple[list[str], bool]:
    """Return the names of the columns, and whether they stand in the first row.

    Columns without a header are called 1, 2, …; a preset may know better.
    """
    first = dialect.sample[0]
    if config.layout == "onehot" or is_header(dialect.sample):
        return header_names(first), True
    mapped = {entry.partition("=")[2].strip() for entry in config.map}
    if mapped and mapped <= set(header_names(first)):
        return header_names(first), True
    known = PRESETS[config.preset].headerless if config.preset else ()
    if dialect.delimiter == "::" and len(first) == len(PRESETS["movielens"].headerless):
        known = PRESETS["movielens"].headerless
    return [*known[: len(first)], *(str(place) for place in range(len(known) + 1, len(first) + 1))], False


def _spoken(delimiter: str) -> str:
    names = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces"}
    return names.get(delimiter, f"'{delimiter}'")


def _choose(
    names: Sequence[str], columns: dict[str, str], cells: Sequence[Sequence[str]], config: CleanConfig,
    say: Say, *, ragged: bool = False, lists: Sequence[str] = (), source: str,
) -> Layout:  # fmt: skip
    if config.layout == "auto":
        layout, why = layouts.decide(names, columns, cells, ragged=ragged, lists=lists, source=source)
        say(f"{source}: layout {layout} ({why})")
        return layout
    if config.layout in ("lines", "ratings") and "product_id" not in columns:
        layouts.decide(names, {}, [], source=source)
    return config.layout


def _layout_of(source: Source, columns: dict[str, str], layout: Layout) -> Callable[[RawTable], Lines]:
    """Return what brings a table of that layout to lines."""
    if layout == "list":
        return lambda table: layouts.from_list_column(table, columns)
    if layout == "onehot":
        return lambda table: layouts.from_onehot(table, columns)
    if layout in ("lines", "ratings"):
        return lambda table: layouts.from_lines(table, columns, layout)
    raise BadData(f"{source.name}: --layout {layout} is for text, this is a table", "leave --layout out")


def read_catalogue(sources: Sequence[Source], config: CleanConfig, say: Say) -> list[RawTable]:
    """Read the parts of a catalogue as tables.

    Raises:
        NoInput: it is missing.
        BadData: it is no table with a header.
    """
    parts = []
    for source in sources:
        head = tables.look(source, encoding=config.encoding, delimiter=None)
        if head.dialect is not None:
            names = header_names(head.dialect.sample[0])
            parts.append(delimited.read_delimited(source, head.dialect, names, header=True, say=say))
        elif head.format == "jsonl":
            parts.append(typed.read_json_lines(source, say))
        else:
            table, artifact = typed.read_typed(source, head.format)
            if artifact not in ("", "products"):
                raise BadData(
                    f"{source.name} holds {artifact}, not a catalogue", "give a catalogue to --products"
                )
            parts.append(table)
        parts[-1] = Folders.of(source, parts[-1].frame.columns).beside(parts[-1])
    return parts
