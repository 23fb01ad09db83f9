"""Text as it comes → UTF-8: encodings are detected, decoded in bounded pieces, and doubts are kept.

Also the delimiter: the one that cuts the first lines, quotes respected, into equally many fields.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from dataclasses import dataclass, field
from typing import IO

from prodassoc_cli.errors import BadData, UsageProblem, did_you_mean
from prodassoc_cli.intake.sources import Source

DELIMITERS = (",", ";", "\t", "|")
UNIT = "\x1f"
"""Stands in for delimiters of more than one character, such as `::`."""

SAMPLE_ROWS = 500
_ENCODINGS = ("utf-8", "utf-16", "cp1252", "latin-1", "gb18030", "shift_jis", "cp1251", "cp1250")


class NotUtf8(Exception):
    """Bytes past the sample showed that the text is no UTF-8 after all."""


@dataclass(frozen=True)
class Dialect:
    """How a text is to be read.

    Attributes:
        encoding: Python's name of its encoding.
        delimiter: what separates fields; may have several characters.
        sample: fields of its first rows.
        sure: whether the encoding is known (byte order mark, valid UTF-8, or told by the user).
        told: whether the user named the encoding.
    """

    encoding: str
    delimiter: str
    sample: list[list[str]] = field(repr=False)
    sure: bool = True
    told: bool = False

    @property
    def ragged(self) -> bool:
        """Whether no number of fields is that of most rows, as in a file of baskets."""
        widths = Counter(len(row) for row in self.sample)
        return widths.most_common(1)[0][1] < 0.6 * len(self.sample)


def detect_encoding(source: Source, head: bytes, whole: bool) -> tuple[str, bool]:
    """Return the encoding of a text and whether it is sure.

    Args:
        source: for messages.
        head: the first bytes.
        whole: whether they are all there is.

    Raises:
        BadData: the bytes are no text.
    """
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
    ):  # fmt: skip
        if head.startswith(mark):
            return name, True
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if (even == 0) != (odd == 0) and even + odd >= len(head) // 50 + 2:
        return ("utf-16-be" if even else "utf-16-le"), False
    control = sum(head.count(byte) for byte in range(32) if byte not in b"\t\n\v\f\r\x1b\x1f")
    if control > max(2, len(head) // 20):
        raise BadData(f"{source.name} is binary, not text or Parquet", "export it as CSV or Parquet first")
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head, final=whole)
    except UnicodeDecodeError:
        fine, broken = utf8_letters(head.decode("utf-8", "replace"))
        # Much good UTF-8 beside few broken bytes: reading will find them and leave their rows out.
        return ("utf-8", True) if fine > 2 * broken else (single_byte(head), False)
    return "utf-8", True


def utf8_letters(text: str) -> tuple[int, int]:
    """Count the letters beyond ASCII, and the places where bytes were no UTF-8."""
    broken = text.count("\ufffd")
    return len(text) - len(text.encode("ascii", "ignore")) - broken, broken


def single_byte(head: bytes) -> str:
    """Choose between the Western single-byte encodings: 0x80-0x9f are letters in cp1252 only."""
    return "latin-1" if any(byte in head for byte in b"\x81\x8d\x8f\x90\x9d") else "cp1252"


def known_encoding(name: str) -> str:
    """Return Python's name of an encoding the user told; UsageProblem where there is none."""
    try:
        return codecs.lookup(name).name
    except LookupError as problem:
        message = f"--encoding {name}: no such encoding"
        raise UsageProblem(message, did_you_mean(name, _ENCODINGS)) from problem


def sniff(
    source: Source, head: bytes, whole: bool, *, encoding: str | None = None, delimiter: str | None = None
) -> Dialect:
    """Find the encoding and the delimiter of a text.

    Args:
        source: for messages.
        head: its first bytes.
        whole: whether they are all there is.
        encoding: what the user told; None to detect.
        delimiter: what the user told; None to detect.

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
    return Dialect(name, best, sample, sure, told=bool(encoding))


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


class Utf8Stream:
    """A text input as UTF-8 bytes, for Arrow to read from.

    UTF-8 is checked and passed on as it is; other encodings are transcoded a block at a time. What Arrow
    would swallow silently is noticed on the way.

    Attributes:
        nuls: whether a NUL character was seen.
        replaced: whether undecodable bytes became U+FFFD.
        quotes: number of double quotes seen.
    """

    def __init__(self, source: Source, raw: IO[bytes], dialect: Dialect, *, lenient: bool = False) -> None:
        self.source, self.raw = source, raw
        self.plain = dialect.encoding in ("utf-8", "utf-8-sig") and not lenient and not dialect.told
        self.decoder = codecs.getincrementaldecoder(dialect.encoding)("strict" if self.plain else "replace")
        self.long = dialect.delimiter.encode() if len(dialect.delimiter) > 1 else b""
        self.rest = b""
        self.started = False
        self.ended = False
        self.nuls = False
        self.replaced = False
        self.quotes = 0
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        """Return `size` bytes of UTF-8, fewer only at the end.

        Arrow takes a row that spans three blocks for an error, so that short blocks would do harm.
        """
        size = size if size >= 0 else 1 << 62
        pieces, have = [self.rest], len(self.rest)
        while have < size and not self.ended:
            piece = self._more(min(size - have, 1 << 23))
            pieces.append(piece)
            have += len(piece)
        whole = b"".join(pieces)
        self.rest = whole[size:]
        return whole[:size]

    def _more(self, size: int) -> bytes:
        block = self.source.read(self.raw, size)
        self.ended = not block
        block = self._decode(block)
        if not self.started and block:
            self.started = True
            block = block.removeprefix(codecs.BOM_UTF8)
        if self.long:
            # A delimiter may straddle two blocks: read on until this one does not end inside it.
            while not self.ended and block and block.endswith(self.long[:1]):
                more = self.source.read(self.raw, 1)
                self.ended = not more
                block += self._decode(more)
            block = block.replace(self.long, UNIT.encode())
        self.nuls = self.nuls or b"\0" in block
        self.quotes += block.count(b'"')
        return block

    def _decode(self, block: bytes) -> bytes:
        try:
            text = self.decoder.decode(block, final=self.ended)
        except UnicodeDecodeError as problem:
            raise NotUtf8 from problem
        if self.plain:
            return block
        self.replaced = self.replaced or "\ufffd" in text
        return text.encode("utf-8", "replace")

    def readable(self) -> bool:
        """Tell Arrow that it may read."""
        return True

    def close(self) -> None:
        """Tell Arrow that nothing more is needed; the input itself is closed by its opener."""
        self.closed = True
