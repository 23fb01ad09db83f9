"""Lines of whole numbers → numbered baskets and products, with no text of a row in between.

The texts of a million baskets take several times the memory of the numbers they become, and making them takes
longer than mining them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from prodassoc_cli.numerics.jit import KERNEL, njit, types

BLOCK_BYTES = 4 << 20
"""Bytes that are read at a time."""

FIRST_WORDS = 1 << 12
"""Distinct words for which there is room at first, a power of two."""

_MOST_DIGITS = 17
"""Digits of the longest word that fits into 64 bits behind the 1 that keeps its leading zeros."""

_i32, _i64s, _i64 = types.int32[::1], types.int64[::1], types.int64
_bytes = types.Array(types.uint8, 1, "C", readonly=True)


@dataclass(frozen=True)
class NumberedLines:
    """The words of all lines.

    Attributes:
        line: int32, ascending, the line of each word; lines without a word are counted too.
        word: int32, the number of each word.
        texts: the text of each number.
        lines: how many lines there are.
    """

    line: np.ndarray
    word: np.ndarray
    texts: pl.Series
    lines: int


def numbered_lines(files: Sequence[tuple[Path, int]]) -> NumberedLines | None:
    """Number the lines and the distinct words of texts; None where they hold more than plain whole numbers.

    Plain is what nobody can read in two ways: ASCII digits, up to 17 per word, between blanks and tabs, lines
    ended by LF or CRLF. Words are texts: 007 is not 7.

    Args:
        files: each with the byte its first line begins at.
    """
    words, table = np.empty(FIRST_WORDS, np.int64), np.full(2 * FIRST_WORDS, -1, np.int32)
    parts: list[tuple[np.ndarray, np.ndarray]] = []
    lines = known = 0
    for path, start in files:
        for block in _blocks_of_lines(path, start):
            line, word = np.empty((2, len(block) // 2 + 1), np.int32)
            at = found = 0
            while True:
                at, found, lines, known = number_words(
                    block, at, line, word, found, lines, known, words, table
                )
                if at == len(block):
                    break
                if known < len(words):
                    return None
                words = np.concatenate([words, np.empty_like(words)])
                table = index_words(words, known, 2 * len(table))
            parts.append((line[:found].copy(), word[:found].copy()))
    texts = pl.Series("product_id", words[:known]).cast(pl.String).str.slice(1)
    return NumberedLines(*_joined(parts), texts, lines)


def _blocks_of_lines(path: Path, start: int) -> Iterator[np.ndarray]:
    """Yield the bytes of a text in blocks of whole lines, the last one ended too."""
    with path.open("rb") as file:
        file.seek(start)
        begun = bytearray()
        while block := file.read(BLOCK_BYTES):
            end = block.rfind(b"\n") + 1
            if end:
                yield np.frombuffer(bytes(begun) + block[:end], np.uint8)
                begun.clear()
            begun += block[end:]
        if begun:
            yield np.frombuffer(bytes(begun) + b"\n", np.uint8)


def _joined(parts: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Return the arrays of all parts as two, giving each part's memory back as soon as it is copied."""
    at = sum(len(line) for line, _ in parts)
    joined = np.empty(at, np.int32), np.empty(at, np.int32)
    while parts:
        part = parts.pop()
        for whole, piece in zip(joined, part, strict=True):
            whole[at - len(piece) : at] = piece
        at -= len(part[0])
    return joined


@njit(
    types.Tuple((_i64, _i64, _i64, _i64))(_bytes, _i64, _i32, _i32, _i64, _i64, _i64, _i64s, _i32), **KERNEL
)
def number_words(
    text: np.ndarray, at: int, line: np.ndarray, word: np.ndarray, found: int, lines: int, known: int,
    words: np.ndarray, table: np.ndarray,
) -> tuple[int, int, int, int]:  # fmt: skip
    """Go on through a text until its end, a byte that is not plain, or a new word for which there is no room.

    Args:
        text: bytes of whole lines.
        at: the byte to go on from.
        line: gets the line of each word, from `found` on.
        word: gets the number of each word.
        found: words found in this text so far.
        lines: lines ended so far.
        known: distinct words so far.
        words: the digits of each of them behind a 1, as one number: that of 007 is 1007.
        table: open addressing of them, a power of two long, more than half of it free; -1 is a free place.

    Returns:
        at, found, lines, known: as they are now.
    """
    mask = np.uint64(table.size - 1)
    while at < text.size:
        byte = text[at]
        if 48 <= byte <= 57:
            begin = at
            digits = np.uint64(1)
            while 48 <= text[at] <= 57:  # a line end comes last
                digits = digits * np.uint64(10) + np.uint64(text[at]) - np.uint64(48)
                at += 1
            place = (digits * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(32)) & mask
            number = table[place]
            while number >= 0 and words[number] != np.int64(digits):
                place = (place + np.uint64(1)) & mask
                number = table[place]
            if number < 0:
                if known == words.size or at - begin > _MOST_DIGITS:
                    return begin, found, lines, known
                number = known
                table[place] = number
                words[number] = np.int64(digits)
                known += 1
            line[found] = lines
            word[found] = number
            found += 1
        elif byte == 10:
            lines += 1
            at += 1
        elif byte == 32 or byte == 9 or (byte == 13 and text[at + 1] == 10):
            at += 1
        else:
            return at, found, lines, known
    return at, found, lines, known


@njit(_i32(_i64s, _i64, _i64), **KERNEL)
def index_words(words: np.ndarray, known: int, size: int) -> np.ndarray:
    """Return the table of that size, a power of two, in which `number_words` finds the known words."""
    table = np.full(size, np.int32(-1))
    mask = np.uint64(size - 1)
    for number in range(known):
        place = (np.uint64(words[number]) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(32)) & mask
        while table[place] >= 0:
            place = (place + np.uint64(1)) & mask
        table[place] = number
    return table
