"""How a text is written: its encoding, and what cuts its lines into equally many fields."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from prodassoc_cli.errors import UsageProblem
from prodassoc_cli.intake.columns.header import names_known
from prodassoc_cli.intake.formats.raw_table import NoRows
from prodassoc_cli.intake.formats.reader import ReadOptions
from prodassoc_cli.intake.formats.sources import Source
from prodassoc_cli.intake.formats.text.encoding import UNIT, detect_encoding, known_encoding

DELIMITERS = (",", ";", "\t", "|")
SAMPLE_ROWS = 500
LINES_BEFORE = 50
"""In so many lines at the top a table may have titles and notes before it begins."""

_WORDS = {"\\t": "\t", "tab": "\t", "space": " ", "none": "", "backslash": "\\"}
_SEPARATOR_LINE = re.compile(r"sep=(.)\n", re.IGNORECASE)


@dataclass(frozen=True)
class Way:
    """How lines are cut into fields.

    Attributes:
        delimiter: what separates fields; may have several characters.
        quote: what encloses a field that holds delimiters; empty where no character does.
        escape: what stands before a quote that is a letter, where it is not doubled; empty for none.
        spaced: whether a blank may stand between a delimiter and a quote.
    """

    delimiter: str = ","
    quote: str = '"'
    escape: str = ""
    spaced: bool = False

    @property
    def simple(self) -> bool:
        """Whether a delimiter and a quote, of one plain character each, are all there is to it."""
        marks = self.delimiter + self.quote
        return len(marks) == 2 and bool(self.quote) and marks.isascii() and not (self.escape or self.spaced)

    @property
    def for_csv(self) -> dict[str, Any]:
        """The arguments of `csv.reader`; a delimiter of several characters stands in the text as UNIT."""
        return {
            "delimiter": UNIT if len(self.delimiter) > 1 else self.delimiter, "quotechar": self.quote or None,
            "quoting": csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE, "escapechar": self.escape or None,
            "skipinitialspace": self.spaced,
        }  # fmt: skip


@dataclass(frozen=True)
class Dialect:
    """How a text is to be read.

    Attributes:
        encoding: Python's name of its encoding.
        way: how its lines are cut into fields.
        sample: fields of its first rows.
        ends: for each of these, the number of lines of the text up to its end.
        before: lines that are passed over before the first row.
        sure: whether the encoding is known (byte order mark, valid UTF-8, or named by the user).
        named: whether the user named the encoding.
        comment: lines that begin with it are no rows; empty for none.
    """

    encoding: str
    way: Way
    sample: list[list[str]] = field(repr=False)
    ends: list[int] = field(default_factory=list, repr=False)
    before: int = 0
    sure: bool = True
    named: bool = False
    comment: str = ""

    @property
    def delimiter(self) -> str:
        """What separates fields."""
        return self.way.delimiter

    def lines_before(self, row: int) -> int:
        """Return the number of lines of the text before a row of the sample."""
        return self.ends[row - 1] if row else self.before


def is_ragged(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether no number of fields is that of most rows, as in a file of baskets."""
    widths = Counter(map(len, rows))
    return widths.most_common(1)[0][1] < 0.6 * len(rows)


def sniff(source: Source, head: bytes, whole: bool, options: ReadOptions) -> Dialect:
    """Find the encoding of a text, and how its lines are cut into fields.

    Args:
        source: for messages.
        head: its first bytes.
        whole: whether they are all there is.
        options: what the user says of it.

    Raises:
        BadData: the bytes are no text, or of an encoding that cannot be determined.
        UsageProblem: there is no such encoding, or an option is no character.
    """
    given = options.encoding
    name, sure = (known_encoding(given), True) if given else detect_encoding(source, head, whole)
    text = codecs.getincrementaldecoder(name)("replace").decode(head, final=whole)
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    delimiter = _character("delimiter", options.delimiter, several=True)
    before = options.skip_rows or 0
    if not before and (line := _SEPARATOR_LINE.match(text.removeprefix("\ufeff"))):
        delimiter, before = delimiter or line[1], 1
    text = text.split("\n", before)[-1] if text.count("\n") >= before else ""
    comment = _character("comment", options.comment) or ""
    if comment:
        text = "\n".join("" if line.startswith(comment) else line for line in text.split("\n"))
    way = _way(text, whole, delimiter, options)
    sample, ends = _rows(text, way, whole)
    if not sample:
        raise NoRows(f"{source.name} is empty", "give a file with at least one row")
    ends = [before + end for end in ends]
    return Dialect(name, way, sample, ends, before, sure, named=bool(given), comment=comment)


def _character(option: str, given: str | None, *, several: bool = False) -> str | None:
    """Return the character that an option names; None where it is not given."""
    if given is None:
        return None
    found = _WORDS.get(given.lower(), given)
    if (not found and option in ("delimiter", "comment")) or (len(found) > 1 and not several):
        what = "is empty" if not found else "is no single character"
        raise UsageProblem(
            f"--{option} {given}".strip() + f" {what}", "give one character, such as ';' or tab"
        )
    return found


def _rows(text: str, way: Way, whole: bool) -> tuple[list[list[str]], list[int]]:
    """Cut a sample into fields, and return where its rows end; a last one that it may cut is left out."""
    rows: list[list[str]] = []
    ends: list[int] = []
    long = way.delimiter if len(way.delimiter) > 1 else ""
    text = text.replace(long, UNIT) if long else text
    reader = csv.reader(io.StringIO(text, newline=""), **way.for_csv)
    try:
        for row in reader:
            if row:
                rows.append([cell.replace(UNIT, long) for cell in row] if long else row)
                ends.append(reader.line_num)
            if len(rows) > SAMPLE_ROWS:
                break
    except csv.Error:
        # A field past csv's limit of 131,072 characters: what came before is sample enough.
        pass
    if (whole and len(rows) <= SAMPLE_ROWS) or len(rows) < 2:
        return rows, ends
    return rows[:-1], ends[:-1]


def _way(text: str, whole: bool, delimiter: str | None, options: ReadOptions) -> Way:
    """Find how lines are cut into fields: so that the most rows have the same number of them."""
    quote, escape = _character("quote", options.quote), _character("escape", options.escape)
    usual = Way(quote='"' if quote is None else quote, escape=escape or "")
    usual = replace(usual, delimiter=delimiter or _best_delimiter(text, usual, whole))
    others = list(_other_ways(text, usual, delimiter is None, quote is None, escape is None))
    if not others:
        return usual
    fits = {way: _fit(text, way, whole) for way in (usual, *others)}
    best = max(fits, key=lambda way: fits[way][0])
    rows, share = fits[best]
    if best == usual or rows <= fits[usual][0] or (not best.quote and share < 0.98):
        # A backslash before a quote inside a field changes no number of fields.
        escaped = replace(usual, escape="\\")
        return escaped if fits.get(escaped, (-1, 0.0))[0] >= fits[usual][0] else usual
    return best


def _other_ways(text: str, usual: Way, any_delimiter: bool, any_quote: bool, any_escape: bool) -> list[Way]:
    """Return the other ways in which a text may be cut, as far as it holds anything that speaks for them."""
    mark = re.escape(usual.delimiter)
    found = []
    if any_escape and usual.quote and re.search(rf"\\{re.escape(usual.quote)}(?!{mark}|\n|\"|$)", text):
        found.append(replace(usual, escape="\\"))
    if usual.delimiter + " " in text and usual.delimiter != " " and usual.quote in text:
        if any_delimiter:
            found.append(replace(usual, delimiter=usual.delimiter + " "))
        found.append(replace(usual, spaced=True))
    if any_quote and usual.quote in text and not _enclosed(text, mark, '"'):
        found.append(replace(usual, quote=""))
    if any_quote and _enclosed(text, mark, "'") > max(1, _enclosed(text, mark, '"')):
        found.append(replace(usual, quote="'"))
    first = text.split("\n", 1)[0]
    if any_delimiter and " " in first and usual.delimiter not in first:
        spaces = replace(usual, delimiter=" ")
        rows, _ = _rows(text[:4096], spaces, False)
        if rows and (names_known(rows[0]) > 1 or _enclosed(text, " ", '"')):
            found.append(spaces)
    return found


def _enclosed(text: str, mark: str, quote: str) -> int:
    """Count the fields that stand between quotes."""
    return len(re.findall(rf"(?:^|{mark}){quote}[^\n]*?{quote}(?={mark}|$)", text[:65536], re.MULTILINE))


def _fit(text: str, way: Way, whole: bool) -> tuple[int, float]:
    """Return how many rows have the usual number of fields, and their share from the first of them on."""
    rows, _ = _rows(text, way, whole)
    widths = Counter(map(len, rows))
    width, count = widths.most_common(1)[0] if rows else (0, 0)
    if width < 2:
        return 0, 0.0
    first = next(place for place, row in enumerate(rows) if len(row) == width)
    return count, count / (len(rows) - first)


def _best_delimiter(text: str, way: Way, whole: bool) -> str:
    lines = [line for line in text.split("\n")[:SAMPLE_ROWS] if line.strip()]
    if lines and sum("::" in line for line in lines) >= 0.9 * len(lines):
        return "::"

    def fit(delimiter: str) -> tuple[int, float, int]:
        rows, _ = _rows(text, replace(way, delimiter=delimiter), whole)
        if not rows:
            return 0, 0.0, 0
        width, count = Counter(map(len, rows)).most_common(1)[0]
        if width == 1:
            return 0, 0.0, 0
        first = next(place for place, row in enumerate(rows) if len(row) == width)
        if 0 < first < min(LINES_BEFORE, len(rows) - 2) and count >= 0.9 * (len(rows) - first):
            return 1, round(count / (len(rows) - first), 1), width
        return 2 * (first == 0), round(count / len(rows), 1), width

    fits = {delimiter: fit(delimiter) for delimiter in DELIMITERS}
    best = max(DELIMITERS, key=lambda delimiter: fits[delimiter])
    if fits[best][0] and fits[best][1] >= 0.5:
        return best
    counts = {delimiter: text.count(delimiter) for delimiter in DELIMITERS}
    return max(DELIMITERS, key=lambda delimiter: counts[delimiter]) if any(counts.values()) else ","
