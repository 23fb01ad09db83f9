"""Text as it is found: its head, and how it is opened to be read as a table or as lines."""

from __future__ import annotations

import codecs
import contextlib
import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prodassoc_cli.intake.columns.schema import Say
from prodassoc_cli.intake.formats.raw_table import RawTable, check_width, total_notice
from prodassoc_cli.intake.formats.reader import Format, ReadOptions
from prodassoc_cli.intake.formats.sources import Source
from prodassoc_cli.intake.formats.text.dialect import SAMPLE_ROWS, Dialect, sniff
from prodassoc_cli.intake.formats.text.encoding import (
    BLOCK_BYTES,
    NotUtf8,
    Rewrite,
    Utf8Text,
    as_utf8,
    utf8_letters,
)
from prodassoc_cli.intake.formats.text.legacy_encoding import guess_encoding, specimen
from prodassoc_cli.intake.formats.text.rows import NO_DELIMITER, Text

if TYPE_CHECKING:
    from prodassoc_cli.intake.formats.text.repair import Repair

MAX_WIDTH = 200
"""Rows of more fields are not repaired."""


@dataclass(frozen=True)
class TextHead:
    """The first rows of a text, and how it is written."""

    source: Source
    dialect: Dialect
    options: ReadOptions
    complete: bool = False
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
    def settled(self) -> list[str]:
        """How fields are enclosed, where that is unusual."""
        way = self.dialect.way
        notes = []
        if way.quote != '"' and self.options.quote is None:
            meant = (
                f"fields stand between {way.quote}" if way.quote else "quotes are letters, as not all pair"
            )
            notes.append(f"{meant}; `quote='\"'` says otherwise")
        if way.escape and self.options.escape is None:
            notes.append("a backslash stands before quotes that are letters; `escape=none` says otherwise")
        return notes

    def lines_before(self, row: int) -> int:
        """Return how many lines stand before a row."""
        return self.dialect.lines_before(row)

    def open(
        self, names: list[str], *, header: Sequence[Sequence[str]], skip: int, say: Say,
        stack: contextlib.ExitStack,
    ) -> Text:  # fmt: skip
        """Return what reads it as a table of these columns."""
        return open_delimited(
            self.source, self.dialect, names, header=header, skip=skip, say=say, stack=stack,
            keep_totals=self.options.keep_totals, repaired=self.options.quote is None,
        )  # fmt: skip

    def open_lines(self, *, skip: int | None = None, say: Say, stack: contextlib.ExitStack) -> Text:
        """Return what reads it as one column `line`."""
        return open_lines(self.source, self.dialect, skip=skip, say=say, stack=stack)


def _look(source: Source, head: bytes, whole: bool, options: ReadOptions, say: Say) -> TextHead:
    dialect = sniff(source, head, whole, options)
    return TextHead(source, dialect, options, whole and len(dialect.sample) < SAMPLE_ROWS)


TEXT = Format("text", lambda *_: True, _look)


def open_delimited(
    source: Source, dialect: Dialect, names: list[str], *, header: Sequence[Sequence[str]], skip: int,
    say: Say, stack: contextlib.ExitStack, keep_totals: bool = False, repaired: bool = True,
) -> Text:  # fmt: skip
    """Open delimited text to be read as one string column per name.

    Args:
        source: what to read.
        dialect: how.
        names: of the columns, in order; unique.
        header: the rows that name the columns: where they come again, they are no data.
        skip: lines of the text before the first row of data.
        say: receives notices.
        stack: closes what the text is read from.
        keep_totals: whether a last row that says total is a row like the others.
        repaired: whether rows that were written carelessly are cut as they were meant.

    Raises:
        BadData: it has too many columns, or its header is damaged.
    """
    check_width(source, len(names))
    text = _open(source, dialect, names, say, stack, skip=skip, delimited=True, repaired=repaired)
    text.aside = [(list(row), "repeated_header") for row in header]
    if not keep_totals and (total := text.total()):
        text.aside.append((total, "total_row"))
        say(f"{source.name}: {total_notice(total)}")
    return text


def read_lines(source: Source, dialect: Dialect, *, say: Say) -> RawTable:
    """Read text whole as one string column `line`, empty lines included."""
    with contextlib.ExitStack() as stack:
        (table,) = open_lines(source, dialect, say=say, stack=stack).pieces()
        return table


def open_lines(
    source: Source, dialect: Dialect, *, skip: int | None = None, say: Say, stack: contextlib.ExitStack
) -> Text:
    """Open text to be read as one string column `line`, empty lines included; after `skip` lines."""
    return _open(source, dialect, ["line"], say, stack, skip=dialect.before if skip is None else skip)


def _open(
    source: Source, dialect: Dialect, names: list[str], say: Say,
    stack: contextlib.ExitStack, *, skip: int, delimited: bool = False, repaired: bool = False,
) -> Text:  # fmt: skip
    if not dialect.sure:
        with source.open() as stream:
            say(_guessed(source, dialect.encoding, source.read(stream, BLOCK_BYTES)))
    cut_at = dialect.delimiter if delimited else NO_DELIMITER
    rewrite = _rewriting(dialect, delimited=delimited)
    simple = repaired and dialect.way.simple and len(names) <= MAX_WIDTH
    wordy = _wordy_column(source, dialect, names, skip) if simple and dialect.delimiter == " " else None
    marks = (dialect.delimiter, dialect.way.quote) if simple and wordy is None else None
    lenient = False

    def copied(repair: Repair | None = None) -> Utf8Text:
        return stack.enter_context(
            as_utf8(
                source, dialect.encoding, named=dialect.named, delimiter=cut_at, lenient=lenient,
                rewrite=_in_turn(rewrite, repair), marks=marks,
            )
        )  # fmt: skip

    def repaired_copy() -> Utf8Text | None:
        from prodassoc_cli.intake.formats.text.repair import LetterQuotes, LooseWords

        way, width = dialect.way, len(names)
        repair = LetterQuotes(way, width) if wordy is None else LooseWords(way, width, wordy)
        utf8 = copied(repair)
        if not repair.rows:
            return None
        say(f"{source.name}: {repair.notice(names)}")
        return utf8

    def first_copy() -> Utf8Text:
        return copied() if wordy is None else repaired_copy() or copied()

    try:
        utf8 = first_copy()
    except NotUtf8:
        encoding, example = _second_guess(source)
        dialect = dataclasses.replace(dialect, encoding=encoding, named=False)
        lenient = encoding == "utf-8"
        broken = f"{source.name}: UTF-8 with some broken bytes; the rows that hold them are left out"
        say(broken if lenient else _guessed(source, encoding, example))
        utf8 = first_copy()
    if delimited and utf8.open_end:
        say(f"{source.name}: no line end after the last row; if the file was cut, fetch it again")
    later = repaired_copy if marks is not None and utf8.quotes else None
    if utf8.stray:
        utf8, later = repaired_copy() or utf8, None
    return Text(source, dialect, names, utf8, skip=skip, delimited=delimited, say=say, repair=later)


def _wordy_column(source: Source, dialect: Dialect, names: list[str], skip: int) -> int | None:
    """Return the place of the column whose words stand apart, as the first rows show; None for none."""
    from prodassoc_cli.intake.formats.text.repair import wordy_column

    head, _ = source.head()
    lines = codecs.getincrementaldecoder(dialect.encoding)("replace").decode(head).split("\n")[:-1]
    return wordy_column(lines[skip : skip + SAMPLE_ROWS], dialect.way, len(names))


def _in_turn(rewrite: Rewrite | None, repair: Repair | None) -> Rewrite | None:
    if rewrite is None or repair is None:
        return rewrite or repair
    return lambda lines, last: repair(rewrite(lines, last), last)


def _guessed(source: Source, encoding: str, data: bytes) -> str:
    example = specimen(data, encoding)
    shown = f", as in {example}" if example else ""
    return f"{source.name}: read as {encoding}{shown} (it is not valid UTF-8; `encoding` names another)"


def _rewriting(dialect: Dialect, *, delimited: bool) -> Rewrite | None:
    """Return what takes out of whole lines what Arrow cannot pass over; None where there is no such thing."""
    comment = re.compile(rf"^{re.escape(dialect.comment)}[^\r\n]*", re.MULTILINE) if dialect.comment else None
    blanks = None
    if delimited and dialect.way.spaced:
        mark, quote = re.escape(dialect.way.delimiter), re.escape(dialect.way.quote)
        blanks = re.compile(rf"(?<={mark}) +(?={quote}(?:[^{quote}]|{quote}(?:{mark}|[\r\n]|$)))")
    if comment is None and blanks is None:
        return None

    def rewrite(lines: str, _: bool) -> str:
        kept = comment.sub("", lines) if comment else lines
        return blanks.sub("", kept) if blanks else kept

    return rewrite


def _second_guess(source: Source) -> tuple[str, bytes]:
    """Choose between UTF-8 with broken bytes and an older encoding, over the whole input; with an example.

    Raises:
        BadData: the encoding cannot be determined.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    broken = fine = 0
    lines = bytearray()
    with source.open() as stream:
        rest = b""
        while block := source.read(stream, BLOCK_BYTES):
            good, bad = utf8_letters(decoder.decode(block))
            fine, broken = fine + good, broken + bad
            if (rest or not block.isascii()) and len(lines) < BLOCK_BYTES:
                whole, _, rest = (rest + block).rpartition(b"\n")
                lines += b"".join(line + b"\n" for line in whole.split(b"\n") if not line.isascii())
            # A line may straddle blocks; one that is longer than any is taken as far as it was read.
            if rest.isascii():
                rest = b""
            elif len(rest) > BLOCK_BYTES:
                lines, rest = lines + rest, b""
        lines += rest
    return ("utf-8" if fine > 2 * broken else guess_encoding(source.name, bytes(lines))), bytes(lines)
