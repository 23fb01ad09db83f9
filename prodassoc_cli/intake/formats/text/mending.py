"""Rows that were written carelessly are cut as they were meant.

Two kinds can be mended without doubt, as the number of fields is known. A quote in a field is a letter where
no field can end, as in `'the kids' shelf'`, or where no field that it begins ends in its row. And where words
are separated by blanks as fields are, one column may hold several of them, as in `1001 Red Mug 2 7.95`.
"""

from __future__ import annotations

import csv
import functools
import re
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
class Mender:
    """Mends whole lines of a text, as they come.

    Attributes:
        way: how its lines are cut into fields; the delimiter has one character.
        width: fields of a row.
        wordy: place of the column whose words stand apart; None where there is none.
        rows: rows that were mended.
        example: the first of them, as far as it was mended.
    """

    way: Way
    width: int
    wordy: int | None = None
    rows: int = 0
    example: str = ""
    _held: str = field(default="", repr=False)

    def __call__(self, text: str, last: bool) -> str:
        """Return so many whole lines, mended; the last of them may be held back until more are given."""
        lines = (self._held + text).split("\n")
        self._held = ""
        mended: list[str] = []
        at = 0
        while at < len(lines):
            line = lines[at]
            if not self._is_suspect(line):
                mended.append(line)
                at += 1
            elif (count := self._lines_of_row(lines[at : at + _MAX_LINES])) and (
                self.wordy is None or count > 1
            ):
                mended += lines[at : at + count]
                at += count
            elif not count and not last and at + _MAX_LINES > len(lines):
                # The row may go on in lines that are still to come.
                self._held = "\n".join(lines[at:])
                mended.append("")
                break
            else:
                mended.append(self._mended(line))
                at += 1
        return "\n".join(mended)

    def notice(self, names: Sequence[str]) -> str:
        """Return what was done, and what undoes it."""
        rows = number_of(self.rows, "row")
        if self.wordy is None:
            what = f"quotes inside fields are letters in {rows}, as in {self.example}"
        else:
            what = f"the words of {names[self.wordy]} are put together in {rows}, as {self.example}"
        return f"{what}; `quote='\"'` lets only quotes keep a field together"

    @functools.cached_property
    def _stray(self) -> re.Pattern[str]:
        """A quote where no field begins or ends."""
        quote, edge = re.escape(self.way.quote), re.escape(self.way.quote + self.way.delimiter)
        return re.compile(rf"[^{edge}]{quote}[^{edge}\r]")

    def _is_suspect(self, line: str) -> bool:
        if self.wordy is not None:
            return bool(line)
        quote = self.way.quote
        return quote in line and (line.count(quote) % 2 == 1 or self._stray.search(line) is not None)

    def _lines_of_row(self, lines: Sequence[str]) -> int:
        """Return how many lines the row that begins here goes over; 0 where its quotes are not right.

        A row whose quotes are right is not mended, however many fields it has.
        """
        reader = csv.reader(iter(lines), **self.way.for_csv, strict=True)
        try:
            next(reader)
        except (csv.Error, StopIteration):
            return 0
        return reader.line_num

    def _mended(self, line: str) -> str:
        body = line.removesuffix("\r")
        end = line[len(body) :]
        cells = cut(body, self.way, self.width) if self.wordy is None else self._joined(body, self.wordy)
        if cells is None:
            return line
        if not self.rows:
            odd = self.way.quote if self.wordy is None else self.way.delimiter
            self.example = next((cell for cell in cells if odd in cell), body)[:_SHOWN]
        self.rows += 1
        return self.way.delimiter.join(map(self._written, cells)) + end

    def _joined(self, line: str, place: int) -> list[str] | None:
        fields = marked_fields(line, self.way)
        return joined(fields, place, self.width) if len(fields) > self.width else None

    def _written(self, cell: str) -> str:
        quote = self.way.quote
        if not any(mark in cell for mark in (self.way.delimiter, quote, "\r")):
            return cell
        return quote + cell.replace(quote, quote + quote) + quote


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
