"""Delimited text → raw tables: text stays text, rows have their numbers, broken rows become rejects."""

from __future__ import annotations

import codecs
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.csv

from prodassoc_cli.errors import BadData
from prodassoc_cli.intake.sources import Format, Source, recognise
from prodassoc_cli.intake.text import (
    BLOCK_BYTES,
    UNIT,
    Dialect,
    NotUtf8,
    as_utf8,
    single_byte,
    sniff,
    utf8_letters,
)

Say = Callable[[str], None]

SOURCE = "\x00source"
ROW = "\x00row"
"""Names of the columns that tell where a row came from; no column of an input can be called so."""

REJECTS = {"source": pl.String, "row": pl.Int64, "reason": pl.String, "raw": pl.String}


MOST_COLUMNS = 20_000
"""More are refused: what is done a column takes longer than anyone waits."""


class _BrokenRow(Exception):
    """A row has too many or too few fields."""


@dataclass
class RawTable:
    """One input as a table.

    Attributes:
        source: name of the input.
        frame: its data rows; ROW is the number of each, from 1.
        rejects: rows that could not even be cut into fields (the schema of rejects).
        delimiter: how the text was cut; empty for typed formats.
        encoding: of the text; empty for typed formats.
        open_end: whether the text ends within a row.
    """

    source: str
    frame: pl.DataFrame
    rejects: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=REJECTS))
    delimiter: str = ""
    encoding: str = ""
    open_end: bool = False


@dataclass(frozen=True)
class Head:
    """What is known of an input before it is read: its format and, for text, its dialect."""

    format: Format
    dialect: Dialect | None = None


def look(source: Source, *, encoding: str | None, delimiter: str | None) -> Head:
    """Find out what an input holds.

    Raises:
        BadData: it is empty or no table at all.
        UsageProblem: the encoding or delimiter told is none.
    """
    head, whole = source.head()
    kind = recognise(source, head)
    if kind != "text":
        return Head(kind)
    return Head(kind, sniff(source, head, whole, encoding=encoding, delimiter=delimiter))


def read_delimited(source: Source, dialect: Dialect, names: list[str], *, header: bool, say: Say) -> RawTable:
    """Read delimited text: one string column a name.

    Args:
        source: what to read.
        dialect: how.
        names: of the columns, in order; unique.
        header: whether the first row names the columns, so that it is no data row.
        say: receives notices.

    Raises:
        BadData: most rows are broken, there is no data row, or a quote is never closed.
    """
    check_width(source, len(names))
    delimiter = UNIT if len(dialect.delimiter) > 1 else dialect.delimiter
    parse = pa.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True)
    table = _read(source, dialect, names, parse, say)
    if table.open_end:
        say(f"{source.name}: no line end after the last row; if the file was cut, fetch it again")
    if header:
        if table.frame.height and table.frame[ROW][0] != 1:
            raise BadData(f"{source.name}: the header is damaged", "mend its first line, or fetch it again")
        table.frame = table.frame.slice(1).with_columns(pl.col(ROW) - 1)
        table.rejects = table.rejects.with_columns(pl.col("row") - 1)
    good, bad = table.frame.height, table.rejects.height
    if bad > good:
        row, raw = table.rejects.select("row", "raw").row(0)
        found = raw.count(dialect.delimiter) + 1
        raise BadData(
            f"{source.name}: most rows are broken ({bad:,} of {good + bad:,}); row {row} has {found} fields,"
            f" {len(names)} are expected",
            "tell the right one with --delimiter, or --layout baskets for one basket a line",
        )
    if not good:
        raise BadData(f"{source.name} has a header but no rows", "give a file with at least one row")
    return table


def check_width(source: Source, columns: int) -> None:
    """Refuse a table of more columns than can be handled (BadData)."""
    if columns > MOST_COLUMNS:
        raise BadData(
            f"{source.name} has {columns:,} columns, more than the {MOST_COLUMNS:,} that are read",
            "choose those with orders, users and products first, as with cut -d, -f1-9",
        )


def read_lines(source: Source, dialect: Dialect, *, say: Say) -> RawTable:
    """Read text as one string column `line`, empty lines included."""
    parse = pa.csv.ParseOptions(
        delimiter="\x1e", quote_char=False, newlines_in_values=False, ignore_empty_lines=False
    )
    whole = dataclasses.replace(dialect, delimiter="\x1e")
    return _read(source, whole, ["line"], parse, say)


def _read(
    source: Source, dialect: Dialect, names: list[str], parse: pa.csv.ParseOptions, say: Say
) -> RawTable:
    guessed = "read as {} (it is not valid UTF-8; --encoding tells another)"
    if not dialect.sure:
        say(f"{source.name}: {guessed.format(dialect.encoding)}")
    try:
        return _parse(source, dialect, names, parse)
    except NotUtf8:
        encoding = _second_guess(source)
    mixed = encoding == "utf-8"
    broken = "UTF-8 with some broken bytes; the rows that hold them are left out"
    say(f"{source.name}: {broken if mixed else guessed.format(encoding)}")
    return _parse(source, dataclasses.replace(dialect, encoding=encoding), names, parse, lenient=mixed)


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


def _parse(
    source: Source, dialect: Dialect, names: list[str], parse: pa.csv.ParseOptions, *, lenient: bool = False
) -> RawTable:
    """Parse with all threads; once more with one if rows are broken.

    Only then does Arrow number the rows. And only then is it given a Python function to call: one called from
    its threads while another fails can wait for the interpreter for ever, or abort it as it ends.
    """
    broken: list[tuple[int, str]] = []

    def note(row: pa.csv.InvalidRow) -> str:
        broken.append((row.number, row.text))
        return "skip"

    with as_utf8(source, dialect, lenient=lenient) as text:
        try:
            frame = _arrow_rows(source, text.path, names, parse, threads=True)
        except _BrokenRow:
            parse.invalid_row_handler = note
            frame = _arrow_rows(source, text.path, names, parse, threads=False)
    frame = number_rows(frame, [number for number, _ in broken])
    rejects = make_rejects(source, [(number, "broken_row", text) for number, text in broken])
    if text.quotes:
        _check_quotes(source, frame, broken, parse.delimiter, odd=text.quotes % 2 == 1)
    table = RawTable(source.name, frame, rejects, dialect.delimiter, dialect.encoding, text.open_end)
    if text.nuls:
        _set_aside(table, names, "\0", "nul_character")
    if text.replaced:
        _set_aside(table, names, "\ufffd", "broken_encoding")
    return table


def _arrow_rows(
    source: Source, path: Path, names: list[str], parse: pa.csv.ParseOptions, *, threads: bool
) -> pl.DataFrame:
    read = pa.csv.ReadOptions(column_names=names, block_size=BLOCK_BYTES, use_threads=threads)
    convert = pa.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False)
    try:
        with pa.OSFile(str(path)) as file:
            table = pa.csv.read_csv(file, read_options=read, parse_options=parse, convert_options=convert)
    except pa.ArrowInvalid as problem:
        if "Empty CSV" in str(problem):
            raise BadData(f"{source.name} holds no rows", "give a file with at least one row") from problem
        if threads and "Expected" in str(problem):
            raise _BrokenRow from problem
        reason = str(problem).split(";")[0].split(" (")[0]
        if "straddling" in reason:
            reason = f"one is longer than {BLOCK_BYTES >> 20} MB"
        raise BadData(
            f"{source.name} cannot be cut into rows: {reason}",
            "look for a quote never closed, or --delimiter",
        ) from problem
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame


def number_rows(frame: pl.DataFrame, broken: list[int]) -> pl.DataFrame:
    """Add ROW: 1, 2, … without the numbers of the broken rows."""
    numbers = np.arange(1, frame.height + len(broken) + 1, dtype=np.int64)
    if broken:
        numbers = np.delete(numbers, np.asarray(broken, dtype=np.int64) - 1)
    return frame.with_columns(pl.Series(ROW, numbers))


def _check_quotes(
    source: Source, frame: pl.DataFrame, broken: list[tuple[int, str]], delimiter: str, *, odd: bool
) -> None:
    """Refuse a text in which a stray quote swallowed rows: they would be lost without a trace."""
    names = [name for name in frame.columns if name != ROW]
    spans = frame.filter(pl.any_horizontal(pl.col(names).str.contains("\n", literal=True)))
    values = [(row[-1], value) for row in spans.select(*names, ROW).iter_rows() for value in row[:-1]]
    values += broken
    for number, value in values:
        # Of a value over several lines, those between the first and the last are whole lines of the file.
        between = value.split("\n")[1:-1]
        rows = sum(line.count(delimiter) == len(names) - 1 for line in between)
        if len(names) > 2 and rows > 1 and rows * 2 > len(between):
            raise BadData(
                f"{source.name}: a quote in row {number} swallows the next {len(between)} lines",
                "close it, or double it if it is meant as a character",
            )
    last = max([(0, ""), *((number, text) for number, text in broken)])
    if frame.height and (at := frame[ROW][-1]) > last[0]:
        last = (at, "\n".join(frame.select(names).row(-1)))
        spanning = any("\n" in value for value in frame.select(names).row(-1))
    else:
        spanning = "\n" in last[1]
    if odd and spanning:
        raise BadData(
            f"{source.name}: a quote opened in row {last[0]} is never closed", "close it in the file"
        )


def make_rejects(source: Source, rows: list[tuple[int, str, str]]) -> pl.DataFrame:
    """Make rejects of (number, reason, text)."""
    data = [(source.name, number, reason, text) for number, reason, text in rows]
    return pl.DataFrame(data, schema=REJECTS, orient="row")


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


def as_csv(names: list[str]) -> pl.Expr:
    """Return the expression that joins columns into one line of CSV (RFC 4180)."""
    cells = []
    for name in names:
        cell = pl.col(name).cast(pl.String).fill_null("")
        quoted = pl.concat_str(pl.lit('"'), cell.str.replace_all('"', '""', literal=True), pl.lit('"'))
        cells.append(pl.when(cell.str.contains(r'[",\r\n]')).then(quoted).otherwise(cell))
    return pl.concat_str(cells, separator=",") if cells else pl.lit("")
