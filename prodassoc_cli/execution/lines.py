"""Lines that come while a run goes on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import BinaryIO

_AT_ONCE = 512
"""Lines that are answered together where many wait."""


def waiting_lines(stream: BinaryIO) -> Iterator[list[str]]:
    """Yield the lines that wait in a pipe, all of those that are there, until its end.

    Args:
        stream: text in UTF-8; bytes that are none become �.
    """
    rest = b""
    while piece := os.read(stream.fileno(), 1 << 16):
        *lines, rest = (rest + piece).split(b"\n")
        for start in range(0, len(lines), _AT_ONCE):
            yield [line.decode(errors="replace") for line in lines[start : start + _AT_ONCE]]
    if rest:
        yield [rest.decode(errors="replace")]
