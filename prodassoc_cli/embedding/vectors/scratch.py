"""Space for more vectors than memory holds, and the slices they are worked on in."""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Iterator

import numpy as np

from prodassoc_cli.numerics.arrays import Floats, Longs

# Rows worked on and written at a time: a row group of 50 MB at 384 numbers.
SLICE = 32_768
# Rows fetched from a temporary file before its pages are let go: each may bring 64 KiB around it.
_GATHERED = 1_024


def slices(rows: int) -> Iterator[slice]:
    """Yield slices that cover so many rows, at least one."""
    for start in range(0, max(rows, 1), SLICE):
        yield slice(start, min(start + SLICE, rows))


def room(rows: int, width: int, budget: int | None) -> Floats:
    """Return space for vectors: in memory, or in a temporary file when they take more than the budget.

    The file has no name, so nothing is left of it whatever ends the process.
    """
    if budget is None or rows * width * 4 <= budget:
        return np.zeros((rows, width), dtype=np.float32)
    with tempfile.TemporaryFile(prefix="prodassoc-") as file:  # the mapping outlives the descriptor
        return np.memmap(file, dtype=np.float32, mode="w+", shape=(rows, width))


def gather(vectors: Floats, rows: Longs) -> Floats:
    """Return rows of vectors in any order, without drawing the whole of a temporary file into memory."""
    if not isinstance(vectors, np.memmap):
        return vectors[rows]
    found = np.empty((len(rows), vectors.shape[1]), dtype=np.float32)
    for start in range(0, len(rows), _GATHERED):
        part = slice(start, start + _GATHERED)
        found[part] = vectors[rows[part]]
        release(vectors)
    return found


def release(vectors: Floats) -> None:
    """Let go of the memory that a temporary file's pages take; the file keeps what is in them."""
    pages = getattr(vectors, "_mmap", None)
    if isinstance(pages, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        pages.madvise(mmap.MADV_DONTNEED)
