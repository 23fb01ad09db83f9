"""Large texts in slices that are read by tasks of their own.

A text is cut at line ends. It can be when it is UTF-8, without quotes, in which a line end may be no row's
end, and without NUL characters; executors look for these in all of it. Other texts are read by one task.
"""

from __future__ import annotations

import codecs
import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from prodassoc_cli.engines.chunks import map_chunks
from prodassoc_cli.errors import ProdassocError
from prodassoc_cli.intake.formats.registry import recognise
from prodassoc_cli.intake.formats.sources import Source
from prodassoc_cli.intake.formats.text.delimited import TEXT

SLICE_BYTES = 1 << 28
_BLOCK = 1 << 22


@dataclass(frozen=True)
class Slice(Source):
    """The bytes of a text from `start` to before `stop`.

    Its head is that of the whole text, which shows how to read it.
    """

    start: int = 0
    stop: int = 0

    @contextlib.contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Open the slice from its start."""
        with self.path.open("rb") as raw:
            raw.seek(self.start)
            yield cast("IO[bytes]", _Until(raw, self.stop - self.start))

    def plain_path(self) -> Path | None:
        """Return None: no file holds just the slice."""
        return None

    def head(self) -> tuple[bytes, bool]:
        """Return the first bytes of the whole text, and whether they are all there is."""
        return Source(self.name, self.path).head()


class _Until:
    """A stream that ends after so many bytes."""

    def __init__(self, stream: IO[bytes], size: int) -> None:
        self._stream, self._left = stream, size

    def read(self, size: int) -> bytes:
        block = self._stream.read(min(size, self._left))
        self._left -= len(block)
        return block


def sliced(spark: Any, sources: Sequence[Source], size: int = SLICE_BYTES) -> dict[int, list[Slice]]:  # noqa: ANN401
    """Return the slices of those sources that are large and can be sliced, by their places.

    Args:
        spark: the session.
        sources: the inputs.
        size: about how many bytes a slice has.
    """
    asked = [
        [source.name, str(source.path), str(at), str(size)]
        for source in sources if _is_large_text(source, size)
        for at in range(0, source.path.stat().st_size, size)
    ]  # fmt: skip
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for words, result in zip(asked, map_chunks(spark, asked, scan), strict=True):
        found.setdefault((words[0], words[1]), []).append(json.loads(result))
    slices = {}
    for place, source in enumerate(sources):
        scanned = found.get((source.name, str(source.path)), [])
        if scanned and all(each["plain"] for each in scanned):
            slices[place] = [
                Slice(source.name, source.path, source.partitions, start=each["start"], stop=each["stop"])
                for each in scanned if each["start"] < each["stop"]
            ]  # fmt: skip
    return slices


def beginning(source: Source) -> Source:
    """Return the first bytes of a large text as a source, and any other as it is."""
    if not _is_large_text(source, SLICE_BYTES):
        return source
    return Slice(source.name, source.path, source.partitions, start=0, stop=_BLOCK)


def _is_large_text(source: Source, size: int) -> bool:
    """Return whether an input is a text of several slices; False for what cannot be read."""
    try:
        large = source.path.is_file() and source.path.stat().st_size > 2 * size
        return large and source.plain_path() is not None and recognise(source, source.head()[0]) is TEXT
    except (ProdassocError, OSError):
        return False


def scan(words: list[str]) -> bytes:
    """Look at a slice: where it starts and stops, and whether it is plain. For `chunks.map_chunks`.

    Args:
        words: name and path of the text, where about the slice starts, and its size.
    """
    at, size = int(words[2]), int(words[3])
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    with Path(words[1]).open("rb") as raw:
        start, stop = _line_start(raw, at), _line_start(raw, at + size)
        raw.seek(start)
        plain, left = True, stop - start
        while plain and left > 0 and (block := raw.read(min(_BLOCK, left))):
            left -= len(block)
            plain = b'"' not in block and b"\0" not in block
            try:
                decoder.decode(block, final=not left)
            except UnicodeDecodeError:
                plain = False
    return json.dumps({"start": start, "stop": stop, "plain": plain}).encode()


def _line_start(raw: IO[bytes], at: int) -> int:
    """Return the place of the first line that starts at `at` or later; the size where none does."""
    if not at:
        return 0
    raw.seek(at - 1)
    while block := raw.read(_BLOCK):
        found = block.find(b"\n")
        if found >= 0:
            return raw.tell() - len(block) + found + 1
    return raw.seek(0, os.SEEK_END)
