"""Texts that occur again and again, as numbers that have their order."""

from __future__ import annotations

from typing import cast

import numpy as np
import polars as pl
import pyarrow as pa


def coded(texts: pl.Series) -> pl.Series:
    """Return texts as an Enum of those that occur, sorted: it knows them, and its numbers have their order.

    Arrow numbers them as they come, in one pass; only what is distinct is sorted.
    """
    arrow = texts.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.large_string())
    encoded = arrow.dictionary_encode()
    distinct = cast("pl.Series", pl.from_arrow(encoded.dictionary))
    codes = cast("pl.Series", pl.from_arrow(encoded.indices))
    order = distinct.arg_sort()
    ranks = pl.Series(np.empty(len(order), np.uint32))
    ranks = ranks.scatter(order, pl.int_range(len(order), dtype=pl.UInt32, eager=True))
    return ranks.gather(codes).cat.to(pl.Enum(distinct.gather(order))).alias(texts.name)


def distinct_texts(codes: pl.Series) -> pl.Series:
    """Return the texts of a coded column, by their numbers."""
    return cast("pl.Enum", codes.dtype).categories


def occurring(codes: pl.Series) -> pl.Series:
    """Return the texts that a coded column holds, of those it knows."""
    return distinct_texts(codes).gather(codes.to_physical().drop_nulls().unique())


def numbered(texts: pl.Series) -> tuple[np.ndarray, pl.Series]:
    """Return a number from 0 for each text, int64, and the text of each number, sorted."""
    codes = coded(texts)
    return codes.to_physical().cast(pl.Int64).to_numpy(), distinct_texts(codes)
