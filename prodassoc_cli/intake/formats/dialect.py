"""How a text is written: its encoding, and the delimiter, which cuts lines into equally many fields."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from dataclasses import dataclass, field

from prodassoc_cli.errors import BadData, UsageProblem
from prodassoc_cli.intake.formats.encoding import UNIT, detect_encoding, known_encoding
from prodassoc_cli.intake.formats.sources import Source

DELIMITERS = (",", ";", "\t", "|")
SAMPLE_ROWS = 500


@dataclass(frozen=True)
class Dialect:
    """How a text is to be read.

    Attributes:
        encoding: Python's name of its encoding.
        delimiter: what separates fields; may have several characters.
        sample: fields of its first rows.
        sure: whether the encoding is known (byte order mark, valid UTF-8, or named by the user).
        named: whether the user named the encoding.
    """

    encoding: str
    delimiter: str
    sample: list[list[str]] = field(repr=False)
    sure: bool = True
    named: bool = False

    @property
    def ragged(self) -> bool:
        """Whether no number of fields is that of most rows, as in a file of baskets."""
        widths = Counter(len(row) for row in self.sample)
        return widths.most_common(1)[0][1] < 0.6 * len(self.sample)


def sniff(
    source: Source, head: bytes, whole: bool, *, encoding: str | None = None, delimiter: str | None = None
) -> Dialect:
    """Find the encoding and the delimiter of a text.

    Args:
        source: for messages.
        head: its first bytes.
        whole: whether they are all there is.
        encoding: what the user gave; None to detect.
        delimiter: what the user gave; None to detect.

    Raises:
        BadData: the bytes are no text.
        UsageProblem: there is no such encoding, or the delimiter is empty.
    """
    name, sure = (known_encoding(encoding), True) if encoding else detect_encoding(source, head, whole)
    text = codecs.getincrementaldecoder(name)("replace").decode(head, final=whole)
    if delimiter is not None:
        delimiter = {"\\t": "\t", "tab": "\t", "space": " "}.get(delimiter.lower(), delimiter)
        if not delimiter:
            raise UsageProblem("--delimiter is empty", "give one character, such as ';' or tab")
        best = delimiter
    else:
        best = _best_delimiter(text, whole)
    sample = _rows(text, best, whole)
    if not sample:
        raise BadData(f"{source.name} is empty", "give a file with at least one row")
    return Dialect(name, best, sample, sure, named=bool(encoding))


def _rows(text: str, delimiter: str, whole: bool) -> list[list[str]]:
    """Cut a sample into fields; its last row is left out where the sample ends inside it."""
    rows: list[list[str]] = []
    if len(delimiter) > 1:
        text, delimiter = text.replace(delimiter, UNIT), UNIT
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if row:
                rows.append(row)
            if len(rows) > SAMPLE_ROWS:
                break
    except csv.Error:
        # A field past csv's limit of 131,072 characters: what came before is sample enough.
        pass
    complete = whole and len(rows) <= SAMPLE_ROWS
    return rows if complete or len(rows) < 2 else rows[:-1]


def _best_delimiter(text: str, whole: bool) -> str:
    lines = [line for line in text.splitlines()[:SAMPLE_ROWS] if line.strip()]
    if lines and sum("::" in line for line in lines) >= 0.9 * len(lines):
        return "::"

    def fit(delimiter: str) -> tuple[bool, float, int]:
        rows = _rows(text, delimiter, whole)
        if not rows:
            return False, 0.0, 0
        width, count = Counter(len(row) for row in rows).most_common(1)[0]
        if width == 1:
            return False, 0.0, 0
        return len(rows[0]) == width, round(count / len(rows), 1), width

    fits = {delimiter: fit(delimiter) for delimiter in DELIMITERS}
    best = max(DELIMITERS, key=lambda delimiter: fits[delimiter])
    if fits[best][0] and fits[best][1] >= 0.5:
        return best
    counts = {delimiter: text.count(delimiter) for delimiter in DELIMITERS}
    return max(DELIMITERS, key=lambda delimiter: counts[delimiter]) if any(counts.values()) else ","
