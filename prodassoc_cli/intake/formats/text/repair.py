"""Rows that were written carelessly are cut as they were meant.

Two kinds can be repaired without doubt, as the number of fields is known. A quote in a field is a letter
where no field can end, as in `'the kids' shelf'`, or where no field that it begins ends in its row. And where
words are separated by blanks as fields are, one column may hold several of them, as in `1001 Red Mug 2 7.95`.
"""

from __future__ import annotations

import csv
import functools
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from prodassoc_cli.intake.formats.text.dialect import Way
from prodassoc_cli.wording import number_of

_MAX_LINES = 500
"""A row may go over so many lines."""

_SHOWN = 40
_FITTING = 0.95
"""Of the rows with more words than fields, so many fit where those of the right column are put together."""


@dataclass
class Repair(ABC):
    """Repairs whole lines of a text, as they come.

    Attributes:
        way: how its lines are cut into fields; the delimiter has one character.
        width: fields of a row.
        rows: rows that were repaired.
        example: the first of them, as far as it was repaired.
    """

    way: Way
    width: int
    rows: int = field(default=0, kw_only=True)
    example: str = field(default="", kw_only=True)
    _held: str = field(default="", repr=False, kw_only=True)

    def __call__(self, text: str, last: bool) -> str:
        """Return so many whole lines, repaired; the last of them may be held back until more are given."""
        lines = (self._held + text).split("\n")
        self._held = ""
        repaired: list[str] = []
        at = 0
        while at < len(lines):
            line = lines[at]
            if not self._is_suspect(line):
                repaired.append(line)
                at += 1
                continue
            count = self._lines_of_row(lines[at : at + _MAX_LINES])
            if count > 1:
                repaired += lines[at : at + count]
                at += count
            elif not count and not last and at + _MAX_LINES > len(lines):
                # The row may go on in lines that are still to come.
                self._held = "\n".join(lines[at:])
                repaired.append("")
                break
            else:
                repaired.append(self._repaired(line, right=count == 1))
                at += 1
        return "\n".join(repaired)

    def notice(self, names: Sequence[str]) -> str:
        """Return what was done, and what undoes it; `names` are those of the columns."""
        what = self._said(number_of(self.rows, "row"), names)
        return f"{what}; `quote='\"'` lets only quotes keep a field together"

    @abstractmethod
    def _said(self, rows: str, names: Sequence[str]) -> str:
        """Return what was done in so many rows."""

    @abstractmethod
    def _is_suspect(self, line: str) -> bool:
        """Return whether a line must be looked at."""

    @abstractmethod
    def _cells(self, line: str, *, right: bool) -> list[str] | None:
        """Return the fields that a line should have; None to leave it. `right`: its quotes are."""

    @property
    @abstractmethod
    def _kept(self) -> str:
        """What repaired fields hold that others do not."""

    def _lines_of_row(self, lines: Sequence[str]) -> int:
        """Return how many lines the row that begins here goes over; 0 where its quotes are not right."""
        reader = csv.reader(iter(lines), **self.way.for_csv, strict=True)
        try:
            next(reader)
        except (csv.Error, StopIteration):
            return 0
        return reader.line_num

    def _repaired(self, line: str, *, right: bool) -> str:
        body = line.removesuffix("\r")
        cells = self._cells(body, right=right)
        if cells is None:
            return line
        if not self.rows:
            self.example = next((cell for cell in cells if self._kept in cell), body)[:_SHOWN]
        self.rows += 1
        return self.way.delimiter.join(map(self._written, cells)) + line[len(body) :]

    def _written(self, cell: str) -> str:
        quote = self.way.quote
        if not any(mark in cell for mark in (self.way.delimiter, quote, "\r")):
            return cell
        return quote + cell.replace(quote, quote + quote) + quote


@dataclass
class LetterQuotes(Repair):
    """Takes quotes for letters where no field can end; a row whose quotes are right stays as it is."""

    def _said(self, rows: str, names: Sequence[str]) -> str:
        return f"quotes inside fields are letters in {rows}, as in {self.example}"

    @functools.cached_property
    def _stray(self) -> re.Pattern[str]:
        """A quote where no field begins or ends."""
        quote, edge = re.escape(self.way.quote), re.escape(self.way.quote + self.way.delimiter)
        return re.compile(rf"[^{edge}]{quote}[^{edge}\r]")

    def _is_suspect(self, line: str) -> bool:
        quote = self.way.quote
        return quote in line and (line.count(quote) % 2 == 1 or self._stray.search(line) is not None)

    def _cells(self, line: str, *, right: bool) -> list[str] | None:
        return None if right else cut(line, self.way, self.width)

    @property
    def _kept(self) -> str:
        return self.way.quote


@dataclass
class LooseWords(Repair):
    """Puts the words of one column together, where blanks separate fields.

    Attributes:
        place: of the column.
    """

    place: int

    def _said(self, rows: str, names: Sequence[str]) -> str:
        return f"the words of {names[self.place]} are put together in {rows}, as {self.example}"

    def _is_suspect(self, line: str) -> bool:
        return bool(line)

    def _cells(self, line: str, *, right: bool) -> list[str] | None:
        fields = marked_fields(line, self.way)
        return joined(fields, self.place, self.width) if len(fields) > self.width else None

    @property
    def _kept(self) -> str:
        return self.way.delimiter


def cut(line: str, way: Way, width: int) -> list[str] | None:
    """Cut a line into just so many fields; None where that is impossible.

    A quote that begins a field encloses it if it can; one that cannot end a field is a letter.
    """
    failed: set[tuple[int, int]] = set()

    def rest(at: int, left: int) -> list[str] | None:
        if (at, left) in failed:
            return None
        for value, end in _readings(line, at, way):
            if end >= len(line):
                if left == 1:
                    return [value]
            elif left > 1 and (more := rest(end + 1, left - 1)) is not None:
                return [value, *more]
        failed.add((at, left))
        return None

    return rest(0, width)


def _readings(line: str, at: int, way: Way) -> Iterator[tuple[str, int]]:
    """Yield what a field that begins here may be, and where it ends: the likeliest first."""
    quote, mark = way.quote, way.delimiter
    if line.startswith(quote, at):
        pairs, ends = _enclosed(mark, quote)
        if found := pairs.match(line, at):
            yield found[1].replace(quote + quote, quote), found.end()
        if found := ends.search(line, at + 1):
            yield line[at + 1 : found.start()].replace(quote + quote, quote), found.end()
    end = line.find(mark, at)
    end = len(line) if end < 0 else end
    yield line[at:end], end


@functools.cache
def _enclosed(delimiter: str, quote: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return a field between quotes, in which two of them stand for one, and the end of any."""
    mark, enclosing = re.escape(delimiter), re.escape(quote)
    blanks = "" if delimiter == " " else " *"
    end = rf"{enclosing}{blanks}(?={mark}|$)"
    inner = rf"(?:[^{enclosing}]|{enclosing}{enclosing}|(?!{end}){enclosing})*"
    return re.compile(rf"{enclosing}({inner}){end}"), re.compile(end)


def marked_fields(line: str, way: Way) -> list[tuple[str, bool]]:
    """Cut a line into fields, each with whether it stands between quotes."""
    fields, at = [], 0
    while at <= len(line):
        value, end = next(_readings(line, at, way))
        fields.append((value, bool(way.quote) and line.startswith(way.quote, at)))
        at = end + 1
    return fields


def joined(fields: Sequence[tuple[str, bool]], place: int, width: int, mark: str = " ") -> list[str] | None:
    """Put the words of the column at `place` together; None where one of them stands between quotes."""
    end = place + 1 + len(fields) - width
    if any(quoted for _, quoted in fields[place:end]):
        return None
    cells = [value for value, _ in fields]
    return [*cells[:place], mark.join(cells[place:end]), *cells[end:]]


def wordy_column(lines: Sequence[str], way: Way, width: int) -> int | None:
    """Return the place of the only column that may hold several words, so that all others hold their kind.

    Args:
        lines: the first rows of a text whose delimiter is a blank.
        way: how they are cut.
        width: fields that a row should have.

    Returns:
        None where rows have no more words than fields, or where no column or several would do.
    """
    rows = [marked_fields(line.removesuffix("\r"), way) for line in lines if line.strip()]
    right = [fields for fields in rows if len(fields) == width]
    wide = [fields for fields in rows if len(fields) > width]
    if not right or not wide:
        return None
    kinds = [{kind_of(fields[place][0]) for fields in right} | {"empty"} for place in range(width)]

    def fits(fields: Sequence[tuple[str, bool]], place: int) -> bool:
        cells = joined(fields, place, width)
        return cells is not None and all(kind_of(cell) in kinds[at] for at, cell in enumerate(cells))

    fitting = [
        place for place in range(width)
        if sum(fits(fields, place) for fields in wide) >= _FITTING * len(wide)
    ]  # fmt: skip
    return fitting[0] if len(fitting) == 1 else None


def kind_of(cell: str) -> str:
    """Return of what kind a cell is: empty, figures as of numbers, dates and prices, a code, or text."""
    text = cell.strip()
    if not text:
        return "empty"
    if " " in text or not any(letter.isdigit() for letter in text):
        return "text"
    return "code" if any(letter.isalpha() for letter in text) else "figures"
