"""Rows of a text, whole or in pieces: text stays text, broken rows become rejects."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.csv

from prodassoc_cli.errors import BadData
from prodassoc_cli.intake.columns.header import names_known
from prodassoc_cli.intake.columns.schema import ROW, Say
from prodassoc_cli.intake.formats.arrow_types import column_of_another_type, conversion, no_rows
from prodassoc_cli.intake.formats.raw_table import (
    NoRows,
    RawTable,
    StartAgain,
    make_rejects,
    number_rows,
    says_total,
    set_aside,
    set_aside_like,
)
from prodassoc_cli.intake.formats.sources import Source
from prodassoc_cli.intake.formats.text.dialect import Dialect
from prodassoc_cli.intake.formats.text.encoding import BLOCK_BYTES, UNIT, Utf8Text
from prodassoc_cli.intake.formats.text.quotes import Quotes
from prodassoc_cli.resources import prefetch, run_parallel

BYTES_PER_TEXT_BYTE = 6
"""Memory it takes to clean a byte of text at once."""

NO_DELIMITER = "\x1e"
"""Cuts a text into lines and no further."""

HEAD_BYTES = 1 << 16
"""Of a text, where it is seen whether columns can be parsed while it is cut into fields."""

_TAIL_BYTES = 1 << 12
"""Of a text, where it is seen whether it ends in a total."""

_BROKEN_LOOKED_AT = 1_000
"""Broken rows among which the header of another table is looked for."""

_LINE_END = re.compile(rb"\r\n|\n|\r")


class _BrokenRow(Exception):
    """A row has too many or too few fields."""


class _OddValue(Exception):
    """A column holds a value that is not of the type it was to be read in; `args` has the column's name."""


def _silent(_: str) -> None:
    """Say nothing."""


@dataclass
class Text:
    """A text that can be read as a table, whole or in pieces, as often as is needed.

    Attributes:
        source: the input.
        dialect: how it is written.
        names: of its columns.
        utf8: the text itself.
        skip: lines of it before the first row of data.
        delimited: whether it has fields, so that rows can be broken.
        tolerant: whether broken rows are left out rather than looked for.
        types: columns that are parsed as fields are cut, and how. One that holds anything else is dropped
            from them as soon as that is found.
        aside: rows that are no data where they stand, and why.
        say: receives what is found out while it is read.
        repair: returns the text with its rows repaired; None where that changes nothing. Tried once, where
            rows are broken.
    """

    source: Source
    dialect: Dialect
    names: list[str]
    utf8: Utf8Text
    skip: int = 0
    delimited: bool = False
    tolerant: bool = False
    types: dict[str, pa.DataType] = field(default_factory=dict)
    aside: list[tuple[list[str], str]] = field(default_factory=list)
    say: Say = field(default=_silent)
    repair: Callable[[], Utf8Text | None] | None = None
    _said: bool = False

    def __post_init__(self) -> None:
        """Find out where the first row of data begins."""
        self._find_start()

    def _find_start(self) -> None:
        self._start = 0
        if not self.skip:
            return
        before, at = b"", 0
        with self.utf8.path.open("rb") as file:
            while block := file.read(HEAD_BYTES):
                before += block
                ends = [found.end() for found in itertools.islice(_LINE_END.finditer(before), self.skip)]
                at = ends[-1] if len(ends) == self.skip else len(before)
                if at < len(before):
                    break
        self._start = at
        if self.delimited and (b"\0" in before[:at] or "\ufffd".encode() in before[:at]):
            raise BadData(
                f"{self.source.name}: the header is damaged", "fix its first line, or fetch it again"
            )

    def begin_at_once(self) -> None:
        """Take the first row as data: this is a later part of a text that has a header."""
        self.skip = self._start = 0

    @property
    def bytes_of_rows(self) -> tuple[Path, int]:
        """Where the text lies in UTF-8, and the byte at which its first row begins."""
        return self.utf8.path, self._start

    @property
    def parsed(self) -> dict[str, pa.DataType]:
        """What of `types` holds now: where rows or characters are broken, all is text, which rejects show."""
        return {} if self.tolerant or self.utf8.nuls or self.utf8.replaced else self.types

    def total(self) -> list[str]:
        """Return the cells of the last row if it is a total, else none."""
        with self.utf8.path.open("rb") as file:
            file.seek(max(self._start, self.size - _TAIL_BYTES))
            lines = file.read().decode("utf-8", "replace").split("\n")
        rows = [line.rstrip("\r") for line in lines if line.strip()]
        if len(rows) < 3 or not says_total(rows[-1].split(self._delimiter)):
            return []
        cells = next(csv.reader(rows[-1:], **self.dialect.way.for_csv))
        return cells if len(cells) == len(self.names) else []

    def read_in_types(self, types: dict[str, pa.DataType]) -> None:
        """Read columns in these types rather than as text, but for those whose first values are of none."""
        with self.utf8.path.open("rb") as file:
            file.seek(self._start)
            block = file.read(HEAD_BYTES)
        head = block[: block.rfind(b"\n") + 1]
        self.types = types
        with contextlib.suppress(pa.ArrowInvalid):
            while head:
                try:
                    self._read_block(head, self.types)
                    break
                except pa.ArrowInvalid as problem:
                    odd = self._uncut(str(problem))
                    if not isinstance(odd, _OddValue):
                        raise
                    self.types = {name: each for name, each in self.types.items() if name not in odd.args}

    def _read_block(self, block: bytes, types: Mapping[str, pa.DataType]) -> pa.Table:
        read = pa.csv.ReadOptions(column_names=self.names, use_threads=False)
        parse = self._parsing(lambda _: "skip")
        return pa.csv.read_csv(pa.BufferReader(block), read, parse, conversion(self.names, types))

    def no_rows(self) -> pl.DataFrame:
        """Return its columns, in their types."""
        return no_rows(self.names, self.parsed)

    @property
    def in_pieces(self) -> bool:
        """Whether it can be read in pieces: any text can."""
        return True

    @property
    def bytes_held(self) -> int:
        """About how many bytes it takes to clean it as a whole."""
        return self.size * BYTES_PER_TEXT_BYTE

    @property
    def encoding(self) -> str:
        """Its encoding."""
        return self.dialect.encoding

    @property
    def size(self) -> int:
        """Bytes of the text as it is read."""
        return self.utf8.path.stat().st_size

    def texts(self, rows: int) -> Iterator[RawTable]:
        """Read it in pieces, no column parsed."""
        return dataclasses.replace(self, types={}).pieces(rows)

    def pieces(self, rows: int | None = None) -> Iterator[RawTable]:
        """Read it with all threads; once more with one if rows are broken.

        Only then does Arrow number the rows. And only then is it given a Python function to call: one called
        from its threads while another fails can wait for the interpreter for ever, or abort it as it ends.

        Args:
            rows: about how many rows a piece has; None for all of them in one.

        Raises:
            BadData: most rows are broken, there is no data row, or a quote is never closed.
            StartAgain: a row is broken or a column of another type, and pieces before it have been taken.
        """
        begun = False
        while True:
            try:
                for piece in self._pieces(rows):
                    begun = True
                    yield piece
            except (_BrokenRow, _OddValue, BadData) as problem:
                self._read_otherwise(problem)
                if begun:
                    raise StartAgain from problem
            else:
                return

    def _read_otherwise(self, problem: _BrokenRow | _OddValue | BadData) -> None:
        """Change how the text is read after what stopped a reading; raise that where nothing helps."""
        if isinstance(problem, _OddValue):
            self.types = {name: each for name, each in self.types.items() if name not in problem.args}
        elif not self._is_repaired():
            if isinstance(problem, BadData):
                raise problem
            self.tolerant = True

    def tolerate(self) -> None:
        """Leave broken rows out from the start, as a reading before found them; what can be is repaired."""
        self._is_repaired()
        self.tolerant = True

    def _is_repaired(self) -> bool:
        """Repair the rows if that was not tried; return whether the text is another now."""
        repair, self.repair = self.repair, None
        utf8 = None if repair is None else repair()
        if utf8 is None:
            return False
        self.utf8, self.tolerant = utf8, False
        self._find_start()
        return True

    def sample(self, places: int, size: int) -> RawTable:
        """Read a few rows from all over the text; those that cannot be cut into fields are passed over."""
        found = []
        with self.utf8.path.open("rb") as file:
            for place in range(places):
                file.seek(self._start + (self.size - self._start) * place // places)
                block = file.read(size)
                found.append(block[block.find(b"\n") + 1 : block.rfind(b"\n") + 1])
        try:
            frame = _frame(self._read_block(b"".join(found) or b"\n", {}))
        except pa.ArrowInvalid:  # a quote opened before the block, or nothing
            frame = pl.DataFrame(schema=dict.fromkeys(self.names, pl.String))
        return RawTable(self.source.name, number_rows(frame), delimiter=self.dialect.delimiter)

    @property
    def _delimiter(self) -> str:
        if not self.delimited:
            return NO_DELIMITER
        return UNIT if len(self.dialect.delimiter) > 1 else self.dialect.delimiter

    def _parsing(self, handler: Callable[[pa.csv.InvalidRow], str] | None) -> pa.csv.ParseOptions:
        extra = {} if handler is None else {"invalid_row_handler": handler}
        way = self.dialect.way
        if self.delimited:
            # Without quotes a line end ends a row, and Arrow finds where to begin a block without parsing.
            quoted = self.utf8.quotes > 0 or way.quote not in ('"', "")
            return pa.csv.ParseOptions(
                delimiter=self._delimiter, quote_char=way.quote or False, escape_char=way.escape or False,
                newlines_in_values=quoted and bool(way.quote), **extra,
            )  # fmt: skip
        return pa.csv.ParseOptions(
            delimiter=self._delimiter, quote_char=False, newlines_in_values=False, ignore_empty_lines=False,
            **extra,
        )  # fmt: skip

    def _pieces(self, rows: int | None) -> Iterator[RawTable]:
        broken: list[tuple[int, str]] = []
        pairs = self.utf8.quotes and self.dialect.way.quote == '"' and not self.dialect.way.escape
        quotes = Quotes(self.source, self.names, self._delimiter) if pairs else None
        good = bad = taken = last = 0
        for frame in self._frames(rows, broken):
            fresh, taken = broken[taken:], len(broken)
            frame = number_rows(frame, last, [number for number, _ in broken])
            last = frame[ROW][-1] if frame.height else last
            if quotes is not None:
                quotes.check(frame, fresh)
            table = self._table(frame, fresh)
            good, bad = good + table.frame.height, bad + table.rejects.height
            yield table
        if taken < len(broken):
            table = self._table(number_rows(self.no_rows()), broken[taken:])
            bad += table.rejects.height
            yield table
        if quotes is not None:
            quotes.check_end(odd=self.utf8.quotes % 2 == 1)
        if self.delimited:
            self._check_enough(good, bad, broken)

    def _table(self, frame: pl.DataFrame, broken: list[tuple[int, str]]) -> RawTable:
        long = self.dialect.delimiter
        if self.delimited and len(long) > 1:
            frame = frame.with_columns(pl.col(pl.String).str.replace_all(UNIT, long, literal=True))
            broken = [(number, text.replace(UNIT, long)) for number, text in broken]
        rejects = make_rejects(self.source, [(number, "broken_row", text) for number, text in broken])
        table = RawTable(self.source.name, frame, rejects, long, self.dialect.encoding)
        if self.utf8.nuls:
            set_aside(table, _holds("\0", self.names), "nul_character")
        if self.utf8.replaced:
            set_aside(table, _holds("\ufffd", self.names), "broken_encoding")
        for cells, reason in self.aside:
            set_aside_like(table, cells, reason)
        return table

    def _frames(self, rows: int | None, broken: list[tuple[int, str]]) -> Iterator[pl.DataFrame]:
        def note(row: pa.csv.InvalidRow) -> str:
            broken.append((row.number, row.text))
            return "skip"

        parse = self._parsing(note if self.tolerant else None)
        read = pa.csv.ReadOptions(
            column_names=self.names, block_size=BLOCK_BYTES, use_threads=not self.tolerant
        )
        convert = conversion(self.names, self.parsed)
        try:
            with pa.OSFile(str(self.utf8.path)) as file:
                file.seek(self._start)
                if rows is None:
                    yield _in_one_chunk(_frame(pa.csv.read_csv(file, read, parse, convert)))
                    return
                pieces = _pieces_of(pa.csv.open_csv(file, read, parse, convert), rows)
                # The rows found broken are to be those of the pieces taken so far.
                for piece in pieces if self.tolerant else prefetch(pieces):
                    yield _in_one_chunk(_frame(piece))
        except pa.ArrowInvalid as problem:
            raise self._uncut(str(problem)) from problem

    def _uncut(self, problem: str) -> Exception:
        """Return the error to raise for what Arrow says."""
        if "Empty CSV" in problem:
            return self._no_rows()
        if not self.tolerant and "Expected" in problem:
            return _BrokenRow()
        if (odd := column_of_another_type(problem)) is not None:
            return _OddValue(self.names[odd])
        reason = problem.split(";")[0].split(" (")[0]
        if "straddling" in reason:
            reason = f"one is longer than {BLOCK_BYTES >> 20} MB"
        return BadData(
            f"{self.source.name} cannot be cut into rows: {reason}",
            "look for a quote never closed, or name the `delimiter`",
        )

    def _check_enough(self, good: int, bad: int, broken: list[tuple[int, str]]) -> None:
        name = self.source.name
        another = next(
            (number for number, raw in broken[:_BROKEN_LOOKED_AT] if self._begins_table(raw)), None
        )
        if another is not None and not self._said:
            self._said = True
            what = "its rows are left out: clean it separately"
            self.say(f"{name}: another table begins in row {another}; {what}")
        if bad > good and broken and another is None:
            row, raw = broken[0]
            found = raw.count(self.dialect.delimiter) + 1
            raise BadData(
                f"{name}: most rows are broken ({bad:,} of {good + bad:,}); row {row} has "
                f"{found} fields, {len(self.names)} are expected",
                "give the right one with `delimiter`, or `layout=baskets` for one basket per line",
            )
        if not good:
            raise self._no_rows()

    def _begins_table(self, row: str) -> bool:
        """Return whether a row with too many or too few fields names the columns of another table."""
        return names_known(row.split(self.dialect.delimiter)) > 1

    def _no_rows(self) -> BadData:
        what = "has a header but no rows" if self.skip else "holds no rows"
        return NoRows(f"{self.source.name} {what}", "give a file with at least one row")


def _frame(rows: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(rows, rechunk=False)
    assert isinstance(frame, pl.DataFrame)
    return frame


def _pieces_of(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.Table]:
    """Put batches that follow one another together to pieces of about so many rows."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(each.num_rows for each in held) >= rows:
            yield pa.Table.from_batches(held)
            held = []
    if held:
        yield pa.Table.from_batches(held)


def _in_one_chunk(frame: pl.DataFrame) -> pl.DataFrame:
    # Rows gathered from a column of many chunks take several times as long. The texts stay where Arrow put
    # them: only what refers to them is moved.
    return pl.DataFrame(run_parallel(*(column.rechunk for column in frame)))


def _holds(mark: str, names: list[str]) -> pl.Expr:
    """Return which rows hold a character that cannot be right."""
    return pl.any_horizontal(pl.col(names).str.contains(mark, literal=True))
