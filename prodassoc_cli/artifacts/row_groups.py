"""Rows on their way into a file, a row group at a time: how they came must not show in its bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import polars as pl
import pyarrow as pa

from prodassoc_cli.artifacts.schemas import Kind


def cut_frames(frames: Iterable[pl.DataFrame], size: int) -> Iterator[pl.DataFrame]:
    """Put frames that follow one another together to so many rows, and cut larger ones.

    What refers to texts is moved here, not the texts: Arrow then copies each of them once.
    """
    held: list[pl.DataFrame] = []
    rows = yielded = 0
    for frame in frames:
        held.append(frame)
        rows += frame.height
        while rows >= size:
            whole = pl.concat(held, how="vertical_relaxed")
            yield whole.head(size)
            held, rows, yielded = [whole.slice(size)], rows - size, yielded + 1
    if rows or not yielded:
        yield pl.concat(held, how="vertical_relaxed")


def cut_tables(tables: Iterable[pa.Table], size: int) -> Iterator[pa.Table]:
    """Do the same with tables of one schema."""
    held: list[pa.Table] = []
    rows = written = 0
    for table in tables:
        held.append(table)
        rows += table.num_rows
        if rows >= size:
            whole = pa.concat_tables(held)
            while rows >= size:
                yield whole.slice(0, size).combine_chunks()
                whole = whole.slice(size)
                rows, written = rows - size, written + size
            held = [whole]
    if rows or not written:
        yield pa.concat_tables(held).combine_chunks()


def as_table(rows: pl.DataFrame, kind: Kind) -> pa.Table:
    """Return a row group as a table; texts as polars has them, where they do not lie in lists."""
    nested = any(dtype.is_nested() for dtype in rows.dtypes)
    level = pl.CompatLevel.oldest() if nested else pl.CompatLevel.newest()
    coded = [name for name in kind.coded if name in rows.columns]
    table = rows.drop(coded).rechunk().to_arrow(compat_level=level)
    for name in coded:
        table = table.append_column(name, _coded(rows[name]))
    return table


def _coded(texts: pl.Series) -> pa.DictionaryArray:
    """Return texts as places in a dictionary of those that occur, sorted, whatever numbers they came as.

    Arrow writes that in a third of the time it takes to find the dictionary itself.
    """
    if texts.dtype == pl.String:
        texts = texts.cast(pl.Categorical(pl.Categories.random()))
    numbers = texts.to_physical()
    times = np.bincount(numbers.drop_nulls().to_numpy())
    there = np.flatnonzero(times)
    known = pl.Series(there, dtype=pl.UInt32).cat.to(texts.dtype).cast(pl.String)
    order = known.arg_sort().to_numpy()
    places = np.zeros(max(1, len(times)), np.int32)
    places[there[order]] = np.arange(len(there), dtype=np.int32)
    # Not by way of `pa.array`: it imports pandas where that is installed, for a fifth of a second.
    indices = pl.Series(places).gather(numbers).to_arrow()
    dictionary = known[order].to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.string())
    return pa.DictionaryArray.from_arrays(indices, dictionary)
