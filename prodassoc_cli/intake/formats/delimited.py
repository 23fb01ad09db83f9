"""Delimited text → raw tables, whole or in pieces: text stays text, broken rows become rejects."""

from __future__ import annotations

import codecs
import contextlib
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import polars as pl
import pyarrow as pa
import pyarrow.csv

from prodassoc_cli.errors import BadData
from prodassoc_cli.intake.columns.schema import ROW, Say
from prodassoc_cli.intake.formats.arrow_types import column_of_another_type, conversion, no_rows
from prodassoc_cli.intake.formats.dialect import Dialect, sniff
from prodassoc_cli.intake.formats.encoding import (
    BLOCK_BYTES,
    UNIT,
    NotUtf8,
    Utf8Text,
    as_utf8,
    single_byte,
    utf8_letters,
)
from prodassoc_cli.intake.formats.quotes import Quotes
from prodassoc_cli.intake.formats.raw_table import (
    RawTable,
    StartAgain,
    as_csv,
    check_width,
    make_rejects,
    number_rows,
)
from prodassoc_cli.intake.formats.reader import Format, ReadOptions
from prodassoc_cli.intake.formats.sources import Source
from prodassoc_cli.intake.values.parallel import run_parallel
from prodassoc_cli.resources import prefetch

BYTES_PER_TEXT_BYTE = 6
"""Memory it takes to clean a byte of text at once."""

NO_DELIMITER = "\x1e"
"""Cuts a text into lines and no further."""


HEAD_BYTES = 1 << 16
"""Of a text, where it is seen whether columns can be parsed while it is cut into fields."""


class _BrokenRow(Exception):
    """A row has too many or too few fields."""


class _OddValue(Exception):
    """A column holds a value that is not of the type it was to be read in; `args` has the column's name."""


@dataclass(frozen=True)
class TextHead:
    """The first rows of a text, and how it is written."""

    source: Source
    dialect: Dialect
    names: None = None
    artifact: str = ""
    lists: tuple[str, ...] = ()
    uncut: bool = True

    @property
    def rows(self) -> list[list[str]]:
        """Its first rows."""
        return self.dialect.sample

    @property
    def delimiter(self) -> str:
        """What separates its fields."""
        return self.dialect.delimiter

    @property
    def ragged(self) -> bool:
        """Whether rows have unequally many fields."""
        return self.dialect.ragged

    def open(self, names: list[str], *, header: bool, say: Say, stack: contextlib.ExitStack) -> Text:
        """Return what reads it as a table of these columns."""
        return open_delimited(self.source, self.dialect, names, header=header, say=say, stack=stack)

    def open_lines(self, *, say: Say, stack: contextlib.ExitStack) -> Text:
        """Return what reads it as one column `line`."""
        return open_lines(self.source, self.dialect, say=say, stack=stack)


def _look(source: Source, head: bytes, whole: bool, options: ReadOptions, say: Say) -> TextHead:
    return TextHead(
        source, sniff(source, head, whole, encoding=options.encoding, delimiter=options.delimiter)
    )


TEXT = Format("text", lambda _: True, _look)


def open_delimited(
    source: Source, dialect: Dialect, names: list[str], *, header: bool, say: Say,
    stack: contextlib.ExitStack,
) -> Text:  # fmt: skip
    """Open delimited text to be read as one string column per name.

    Args:
        source: what to read.
        dialect: how.
        names: of the columns, in order; unique.
        header: whether the first row names the columns, so that it is no data row.
        say: receives notices.
        stack: closes what the text is read from.

    Raises:
        BadData: it has too many columns.
    """
    check_width(source, len(names))
    return _open(source, dialect, names, say, stack, header=header, delimited=True)


def read_lines(source: Source, dialect: Dialect, *, say: Say) -> RawTable:
    """Read text whole as one string column `line`, empty lines included."""
    with contextlib.ExitStack() as stack:
        (table,) = open_lines(source, dialect, say=say, stack=stack).pieces()
        return table


def open_lines(source: Source, dialect: Dialect, *, say: Say, stack: contextlib.ExitStack) -> Text:
    """Open text to be read as one string column `line`, empty lines included."""
    return _open(source, dialect, ["line"], say, stack)


def _open(
    source: Source, dialect: Dialect, names: list[str], say: Say,
    stack: contextlib.ExitStack, *, header: bool = False, delimited: bool = False,
) -> Text:  # fmt: skip
    guessed = "read as {} (it is not valid UTF-8; --encoding names another)"
    if not dialect.sure:
        say(f"{source.name}: {guessed.format(dialect.encoding)}")
    cut_at = dialect.delimiter if delimited else NO_DELIMITER
    lenient = False
    try:
        utf8 = stack.enter_context(as_utf8(source, dialect.encoding, named=dialect.named, delimiter=cut_at))
    except NotUtf8:
        dialect = dataclasses.replace(dialect, encoding=_second_guess(source))
        lenient = dialect.encoding == "utf-8"
        broken = "UTF-8 with some broken bytes; the rows that hold them are left out"
        say(f"{source.name}: {broken if lenient else guessed.format(dialect.encoding)}")
        utf8 = stack.enter_context(as_utf8(source, dialect.encoding, delimiter=cut_at, lenient=lenient))
    if delimited and utf8.open_end:
        say(f"{source.name}: no line end after the last row; if the file was cut, fetch it again")
    return Text(source, dialect, names, utf8, header=header, delimited=delimited)


def _second_guess(source: Source) -> str:
    """Choose between UTF-8 with broken bytes and a single-byte encoding, over the whole input."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    broken = fine = 0
    guess = "cp1252"
    with source.open() as stream:
        while block := source.read(stream, BLOCK_BYTES):
            good, bad = utf8_letters(decoder.decode(block))
            fine, broken = fine + good, broken + bad
            guess = "latin-1" if single_byte(block) == "latin-1" else guess
    return "utf-8" if fine > 2 * broken else guess


@dataclass
class Text:
    """A text that can be read as a table, whole or in pieces, as often as is needed.

    Attributes:
        source: the input.
        dialect: how it is written.
        names: of its columns.
        utf8: the text itself.
        header: whether its first row is no data row.
        delimited: whether it has fields, so that rows can be broken.
        tolerant: whether broken rows are left out rather than looked for.
        types: columns that are parsed as fields are cut, and how. One that holds anything else is dropped
            from them as soon as that is found.
    """

    source: Source
    dialect: Dialect
    names: list[str]
    utf8: Utf8Text
    header: bool = False
    delimited: bool = False
    tolerant: bool = False
    types: dict[str, pa.DataType] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Find out where the rows begin that can be parsed as fields are cut."""
        with self.utf8.path.open("rb") as file:
            first = file.readline(HEAD_BYTES) if self.header else b"\n"
        self._start = len(first) if self.header else 0
        # A header that may go on in the next line, or follows empty ones, is left to Arrow, as a row of text.
        whole = first.endswith(b"\n") and b"\r" not in first.rstrip(b"\r\n") and first.count(b'"') % 2 == 0
        self._can_skip = (whole and bool(first.strip())) or not self.header

    @property
    def parsed(self) -> dict[str, pa.DataType]:
        """What of `types` holds now: where rows or characters are broken, all is text, which rejects show."""
        whole = self._can_skip and not (self.tolerant or self.utf8.nuls or self.utf8.replaced)
        return self.types if whole else {}

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
            except (_BrokenRow, _OddValue) as problem:
                self.tolerant |= isinstance(problem, _BrokenRow)
                self.types = {name: each for name, each in self.types.items() if name not in problem.args}
                if begun:
                    raise StartAgain from problem
            else:
                return

    def sample(self, places: int, size: int) -> RawTable:
        """Read a few rows from all over the text; those that cannot be cut into fields are passed over."""
        found = []
        with self.utf8.path.open("rb") as file:
            for place in range(places):
                file.seek(self.size * place // places)
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
        if self.delimited:
            # Without quotes a line end ends a row, and Arrow finds where to begin a block without parsing.
            quoted = self.utf8.quotes > 0
            return pa.csv.ParseOptions(delimiter=self._delimiter, newlines_in_values=quoted, **extra)
        return pa.csv.ParseOptions(
            delimiter=self._delimiter, quote_char=False, newlines_in_values=False, ignore_empty_lines=False,
            **extra,
        )  # fmt: skip

    def _pieces(self, rows: int | None) -> Iterator[RawTable]:
        broken: list[tuple[int, str]] = []
        quotes = Quotes(self.source, self.names, self._delimiter) if self.utf8.quotes else None
        good = bad = taken = 0
        skipped = self._skips_header
        last = int(skipped)
        for frame in self._frames(rows, broken):
            fresh, taken = broken[taken:], len(broken)
            frame = number_rows(frame, last, [number for number, _ in broken])
            last = frame[ROW][-1] if frame.height else last
            if quotes is not None:
                quotes.check(frame, fresh)
            table = self._table(frame, fresh, first=not (skipped or good + bad))
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

    @property
    def _skips_header(self) -> bool:
        return self.header and bool(self.parsed)

    def _table(self, frame: pl.DataFrame, broken: list[tuple[int, str]], *, first: bool = False) -> RawTable:
        rejects = make_rejects(self.source, [(number, "broken_row", text) for number, text in broken])
        table = RawTable(self.source.name, frame, rejects, self.dialect.delimiter, self.dialect.encoding)
        if self.utf8.nuls:
            _set_aside(table, self.names, "\0", "nul_character")
        if self.utf8.replaced:
            _set_aside(table, self.names, "\ufffd", "broken_encoding")
        if self.header:
            if first and table.frame.height and table.frame[ROW][0] != 1:
                message = f"{self.source.name}: the header is damaged"
                raise BadData(message, "fix its first line, or fetch it again")
            shifted = table.frame.slice(1) if first else table.frame
            table.frame = shifted.with_columns(pl.col(ROW) - 1)
            table.rejects = table.rejects.with_columns(pl.col("row") - 1)
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
                file.seek(self._start if self._skips_header else 0)
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
            return BadData(f"{self.source.name} holds no rows", "give a file with at least one row")
        if not self.tolerant and "Expected" in problem:
            return _BrokenRow()
        if (odd := column_of_another_type(problem)) is not None:
            return _OddValue(self.names[odd])
        reason = problem.split(";")[0].split(" (")[0]
        if "straddling" in reason:
            reason = f"one is longer than {BLOCK_BYTES >> 20} MB"
        return BadData(
            f"{self.source.name} cannot be cut into rows: {reason}",
            "look for a quote never closed, or --delimiter",
        )

    def _check_enough(self, good: int, bad: int, broken: list[tuple[int, str]]) -> None:
        name = self.source.name
        if bad > good and broken:
            row, raw = broken[0]
            found = raw.count(self.dialect.delimiter) + 1
            raise BadData(
                f"{name}: most rows are broken ({bad:,} of {good + bad:,}); row {row - self.header} has "
                f"{found} fields, {len(self.names)} are expected",
                "give the right one with --delimiter, or --layout baskets for one basket per line",
            )
        if not good:
            raise BadData(f"{name} has a header but no rows", "give a file with at least one row")


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


def _set_aside(table: RawTable, names: list[str], mark: str, reason: str) -> None:
    """Move the rows that hold a character which cannot be right from the frame to the rejects."""
    marked = pl.any_horizontal(pl.col(names).str.contains(mark, literal=True))
    bad = table.frame.filter(marked)
    table.frame = table.frame.filter(~marked)
    table.rejects = pl.concat(
        [
            table.rejects,
            bad.select(
                pl.lit(table.source).alias("source"),
                pl.col(ROW).alias("row"),
                pl.lit(reason).alias("reason"),
                as_csv(names).alias("raw"),
            ),
        ]
    )
