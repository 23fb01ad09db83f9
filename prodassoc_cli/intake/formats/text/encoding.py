"""Text as it comes → UTF-8: encodings are detected, decoded in bounded pieces, and doubts are kept."""

from __future__ import annotations

import codecs
import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

import numpy as np

from prodassoc_cli.errors import BadData, IOFailure, UsageProblem, did_you_mean
from prodassoc_cli.intake.formats.sources import Source
from prodassoc_cli.intake.formats.text.legacy_encoding import guess_encoding
from prodassoc_cli.resources import anonymous_file

UNIT = "\x1f"
"""Stands in for delimiters of more than one character, such as `::`."""

BLOCK_BYTES = 2 << 20
_ENCODINGS = (
    "utf-8", "utf-16", "cp1252", "latin-1", "gb18030", "gbk", "big5", "shift_jis", "euc_jp", "cp949",
    "euc_kr", "cp1250", "cp1251", "koi8_r",
)  # fmt: skip


Rewrite = Callable[[str, bool], str]
"""What is done to a text: given so many whole lines at a time, and whether they are the last."""


class NotUtf8(Exception):
    """Bytes past the sample showed that the text is no UTF-8 after all."""


def detect_encoding(source: Source, head: bytes, whole: bool) -> tuple[str, bool]:
    """Return the encoding of a text and whether it is sure.

    Args:
        source: for messages.
        head: the first bytes.
        whole: whether they are all there is.

    Raises:
        BadData: the bytes are no text, or of an encoding that cannot be determined.
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
        lines = head if whole else head[: head.rfind(b"\n") + 1] or head
        # Much good UTF-8 beside few broken bytes: reading will find them and leave their rows out.
        return ("utf-8", True) if fine > 2 * broken else (guess_encoding(source.name, lines), False)
    return "utf-8", True


def utf8_letters(text: str) -> tuple[int, int]:
    """Count the letters beyond ASCII, and the places where bytes were no UTF-8."""
    broken = text.count("\ufffd")
    return len(text) - len(text.encode("ascii", "ignore")) - broken, broken


def known_encoding(name: str) -> str:
    """Return Python's name of an encoding that the user named; UsageProblem where there is none."""
    try:
        return codecs.lookup(name).name
    except LookupError as problem:
        message = f"`encoding={name}`: no such encoding"
        raise UsageProblem(message, did_you_mean(name, _ENCODINGS)) from problem


@dataclass
class Utf8Text:
    """A whole text as a file of UTF-8, and what Arrow would swallow silently.

    Attributes:
        path: the file: the input itself where it is UTF-8 already, else a temporary one.
        nuls: whether a NUL character is in it.
        replaced: whether undecodable bytes became U+FFFD.
        quotes: number of double quotes in it.
        stray: whether a quote stands where no field begins or ends, if the marks of fields are known.
        open_end: whether its last row has no line end, as in a file that was cut.
    """

    path: Path
    nuls: bool = False
    replaced: bool = False
    quotes: int = 0
    stray: bool = False
    open_end: bool = False


@contextlib.contextmanager
def as_utf8(
    source: Source, encoding: str, *, named: bool = False, delimiter: str = ",", lenient: bool = False,
    rewrite: Rewrite | None = None, marks: tuple[str, str] | None = None,
) -> Iterator[Utf8Text]:  # fmt: skip
    """Check a text to its end and bring it to UTF-8, a block at a time.

    Arrow is given a file and no Python stream: its threads read ahead, and one that still called into Python
    while the interpreter ends would abort the process.

    Args:
        source: the input.
        encoding: Python's name of its encoding.
        named: whether the user named it.
        delimiter: what separates its fields; one of several characters is replaced by UNIT.
        lenient: whether broken UTF-8 is replaced rather than refused.
        rewrite: what is done to the text; None to leave it.
        marks: the delimiter and the quote, of one character each, to look for stray quotes.

    Raises:
        NotUtf8: it should be UTF-8 and is not.
        BadData: it cannot be decompressed.
        IOFailure: there is no room for the temporary file.
    """
    strict = encoding in ("utf-8", "utf-8-sig") and not lenient and not named
    long = delimiter if len(delimiter) > 1 else ""
    path = source.plain_path() if strict and not long and rewrite is None else None
    with contextlib.ExitStack() as stack:
        raw = stack.enter_context(source.open())
        copy = None
        if path is None:
            copy, path = anonymous_file()
            stack.callback(copy.close)
        text = Utf8Text(path)
        blocks = _blocks(source, raw, encoding, long, text, rewrite, marks, strict=strict)
        if copy is None:
            for _ in blocks:
                pass
        else:
            _write_all(copy, blocks, source.name)
        yield text


def _write_all(copy: BinaryIO, blocks: Iterable[bytes], name: str) -> None:
    for block in blocks:
        try:
            copy.write(block)
            copy.flush()
        except OSError as problem:
            raise IOFailure(
                f"cannot unpack {name}: {problem.strerror}", "point TMPDIR to a disk with room"
            ) from problem


def _blocks(
    source: Source, raw: IO[bytes], encoding: str, long: str, text: Utf8Text,
    rewrite: Rewrite | None, marks: tuple[str, str] | None, *, strict: bool,
) -> Iterator[bytes]:  # fmt: skip
    """Yield the text as UTF-8; note in `text` what it holds."""
    decoder = codecs.getincrementaldecoder(encoding)("strict" if strict else "replace")
    rest, ended = "", False
    ascii_is_text = strict and not long and rewrite is None
    pending = False
    while not ended:
        block = source.read(raw, BLOCK_BYTES)
        ended = not block
        if ascii_is_text and block and not pending and block.isascii():
            _note(text, block, marks)
            yield block
            continue
        try:
            letters = decoder.decode(block, final=ended)
        except UnicodeDecodeError as problem:
            raise NotUtf8 from problem
        if not ascii_is_text:
            text.replaced = text.replaced or (not strict and "\ufffd" in letters)
            letters = rest + letters
            # A line, or a delimiter, may straddle two blocks.
            if rewrite is not None:
                end = len(letters) if ended else letters.rfind("\n") + 1
                rest, letters = letters[end:], rewrite(letters[:end], ended)
            elif long:
                end = len(letters) - (len(long) - 1 if not ended and letters.endswith(long[0]) else 0)
                rest, letters = letters[end:], letters[:end]
            if long:
                letters = letters.replace(long, UNIT)
            block = letters.encode("utf-8", "replace")
        pending = bool(decoder.getstate()[0])
        _note(text, block, marks)
        yield block


def _note(text: Utf8Text, block: bytes, marks: tuple[str, str] | None) -> None:
    """Note what a block holds that Arrow would swallow."""
    text.nuls = text.nuls or b"\0" in block
    text.quotes += block.count(b'"') if b'"' in block else 0  # to find none is ten times as quick
    if marks is not None and not text.stray and marks[1].encode() in block:
        text.stray = _is_stray(block, *marks)
    text.open_end = not block.endswith((b"\n", b"\r")) if block else text.open_end


def _is_stray(block: bytes, delimiter: str, quote: str) -> bool:
    """Return whether a quote stands between other characters than those that begin and end fields."""
    letters = np.frombuffer(block, dtype=np.uint8)
    within = np.ones(256, dtype=bool)
    within[[ord(delimiter), ord(quote), ord("\r"), ord("\n")]] = False
    at = np.flatnonzero(letters[1:-1] == ord(quote)) + 1
    return bool((within[letters[at - 1]] & within[letters[at + 1]]).any())
