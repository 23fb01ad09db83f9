"""Rows on their way into a file, a row group at a time: how they came must not show in its bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import numpy as np
import polars as pl
import pyarrow as pa

from prodassoc_cli.artifacts.schemas import Kind

Rows = TypeVar("Rows", pl.DataFrame, pa.Table)


def cut(rows: Iterable[Rows], size: int, join: Callable[[list[Rows]], Rows]) -> Iterator[Rows]:
    """Put frames or tables that follow one another together to so many rows, and cut larger ones.

    Args:
        rows: the frames or tables, at least one.
        size: rows of each that is yielded, but for the last.
        join: makes one of several.
    """
    held: list[Rows] = []
    waiting = yielded = 0
    for each in rows:
        held.append(each)
        waiting += len(each)
        if waiting >= size:
            whole = join(held)
            while waiting >= size:
                yield whole.slice(0, size)
                whole = whole.slice(size)
                waiting, yielded = waiting - size, yielded + 1
            held = [whole]
    if waiting or not yielded:
        yield join(held)


def joined_frames(frames: list[pl.DataFrame]) -> pl.DataFrame:
    """Put frames one under the other; texts stay, for Arrow to copy once, and what refers to them moves."""
    return pl.concat(frames, how="vertical_relaxed")


def as_table(rows: pl.DataFrame, kind: Kind) -> pa.Table:
    """Return a row group as a table; texts as polars has them, where they do not lie in lists."""
    coded = [name for name in kind.coded if name in rows.columns]
    plain = rows.drop(coded)
    nested = any(dtype.is_nested() for dtype in plain.dtypes)
    level = pl.CompatLevel.oldest() if nested else pl.CompatLevel.newest()
    table = plain.rechunk().to_arrow(compat_level=level)
    for name in coded:
        table = table.append_column(name, _coded(rows[name]))
    return table


def _coded(texts: pl.Series) -> pa.DictionaryArray:
    """Return texts as places in a dictionary of those that occur, sorted, whatever numbers they came as.

    Arrow writes that in a third of the time it takes to find the dictionary itself.
    """
    numbers = texts.to_physical()
    if numbers.dtype == pl.String:
        texts = texts.cast(pl.Categorical(pl.Categories.random()))
        numbers = texts.to_physical()
    times = np.bincount(numbers.drop_nulls().to_numpy())
    used = np.flatnonzero(times)
    known = pl.Series(used, dtype=pl.UInt32).cat.to(texts.dtype).cast(pl.String)
    order = known.arg_sort().to_numpy()
    places = np.zeros(max(1, len(times)), np.int32)
    places[used[order]] = np.arange(len(used), dtype=np.int32)
    # Not by way of `pa.array`: it imports pandas where that is installed, for a fifth of a second.
    indices = pl.Series(places).gather(numbers).to_arrow()
    dictionary = known[order].to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.string())
    return pa.DictionaryArray.from_arrays(indices, dictionary)
