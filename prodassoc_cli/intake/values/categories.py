"""Texts that occur repeatedly, as numbers that have their order."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np
import polars as pl


class Coding:
    """Texts that come a piece at a time, as numbers: one text has the same number in all pieces.

    Args:
        read: what is made of the distinct texts; null where one is to have no number.
    """

    def __init__(self, read: Callable[[pl.Series], pl.Series] = lambda texts: texts) -> None:
        self._read = read
        self._as_they_come = pl.Categorical(pl.Categories.random())
        self._n_texts = 0
        """How many texts have come."""
        self._came = pl.Series([], dtype=self._as_they_come)
        self._coded = pl.Series([], dtype=pl.Enum([]))
        """The text of each number, as it came and as `coded` has it: to gather these is quicker than to make
        a column of numbers one of texts. And polars forgets the texts where no column of them is left."""

    def number(self, texts: pl.Series) -> pl.Series:
        """Return a number (UInt32) for each text; they follow one another as the texts come."""
        numbers = texts.cast(self._as_they_come).to_physical()
        if numbers.count():
            self._n_texts = max(self._n_texts, 1 + cast("int", numbers.max()))
        return numbers

    def text_of(self, numbers: pl.Series) -> pl.Series:
        """Return the texts of numbers as they came."""
        self._sort()
        return self._came.gather(numbers).cast(pl.String).alias(numbers.name)

    def ids(self) -> pl.Series:
        """Return what was made of each text, by its number."""
        self._sort()
        return self._coded.cast(pl.String)

    def without_id(self) -> pl.Series:
        """Return the texts, as they came, of which nothing was made."""
        self._sort()
        return self._came.cast(pl.String).filter(self._coded.is_null())

    def coded(self, numbers: pl.Series) -> pl.Series:
        """Return numbers as `coded` has them, with the texts of all pieces so far."""
        self._sort()
        return self._coded.gather(numbers).alias(numbers.name)

    def _sort(self) -> None:
        """Put the texts in order, unless they are those known."""
        if self._n_texts > len(self._coded):
            self._came = pl.int_range(self._n_texts, dtype=pl.UInt32, eager=True).cat.to(self._as_they_come)
            ids = self._read(self._came.cast(pl.String))
            self._coded = ids.cast(pl.Enum(ids.drop_nulls().unique().sort()))


def coded(texts: pl.Series) -> pl.Series:
    """Return texts as an Enum of those that occur: it knows them, and its numbers have their order."""
    one = Coding()
    return one.coded(one.number(texts))


def known(column: pl.Series) -> pl.Series:
    """Return a column as `coded` has it; itself, where it is."""
    # Not by its own type, for which polars looks at all of the texts.
    return coded(column) if column.to_physical().dtype == pl.String else column


def as_texts(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a frame with texts where it has codes."""
    return frame.cast({pl.Enum: pl.String})


def distinct_texts(codes: pl.Series) -> pl.Series:
    """Return the texts of a coded column, by their numbers."""
    return cast("pl.Enum", codes.dtype).categories


def of_each(codes: pl.Series, values: pl.Series) -> pl.Series:
    """Return for each row of a coded column the value of its text; null where it has none.

    Args:
        codes: the column.
        values: one for each of `distinct_texts`.
    """
    return values.gather(codes.to_physical())


def numbered(texts: pl.Series) -> tuple[np.ndarray, pl.Series]:
    """Return a number from 0 for each text, int64, and the text of each number, sorted."""
    codes = coded(texts)
    return codes.to_physical().cast(pl.Int64).to_numpy(), distinct_texts(codes)
