"""Columns made of several: the parts of an order's number, an id or else a name, the levels of a category."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

TOGETHER, INSTEAD, BELOW = "+", "|", ">"
"""`store+receipt` joins what its columns hold; `sku|name` takes the first of them that is not blank;
`department>aisle` is a path, in which what is blank or the same as above is no level."""

PATH = " > "
"""Between the levels of a category path."""

_MIDNIGHT = r"[ T]00:00(?::00(?:\.0+)?)?$"


@dataclass(frozen=True)
class DerivedColumns:
    """Columns that are made of those of an input.

    Attributes:
        made: field that is read from such a column → how it is made, and of what.
    """

    made: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)

    @classmethod
    def of(cls, columns: Mapping[str, str], names: Sequence[str]) -> DerivedColumns:
        """Return those of the columns, by field, that the input does not have itself."""
        found = {name: split_name(column, names) for name, column in columns.items() if column not in names}
        return cls({name: parts for name, parts in found.items() if parts is not None})

    @property
    def sources(self) -> set[str]:
        """The columns of the input that these are made of."""
        return {part for _, parts in self.made.values() for part in parts}

    def beside(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return rows of the input with these columns too, as text."""
        return frame.with_columns(
            _made(name, mark, parts).alias(mark.join(parts)) for name, (mark, parts) in self.made.items()
        )


def split_name(column: str, names: Sequence[str]) -> tuple[str, tuple[str, ...]] | None:
    """Return how a column is made of others, and of which; None if it is not, or one of them is not there."""
    for mark in (TOGETHER, INSTEAD, BELOW):
        parts = tuple(part.strip() for part in column.split(mark))
        if len(parts) > 1 and set(parts) <= set(names):
            return mark, parts
    return None


def _made(field: str, mark: str, parts: Sequence[str]) -> pl.Expr:
    if mark == TOGETHER:
        return _together(parts, " " if field == "timestamp" else "|")
    return _instead(parts) if mark == INSTEAD else _path(parts)


def _together(parts: Sequence[str], separator: str) -> pl.Expr:
    """Join texts, blank ones too; missing where all are blank."""
    *first, last = (pl.col(part).cast(pl.String).str.strip_chars().fill_null("") for part in parts)
    # A spreadsheet gives each date a time, also where that stands in a column of its own.
    texts = [*(text.str.replace(_MIDNIGHT, "") for text in first), last]
    some = pl.any_horizontal(text != "" for text in texts)
    return pl.when(some).then(pl.concat_str(texts, separator=separator))


def _instead(parts: Sequence[str]) -> pl.Expr:
    texts = [pl.col(part).cast(pl.String) for part in parts]
    return pl.coalesce(*(pl.when(text.str.contains(r"\S")).then(text) for text in texts))


def _path(parts: Sequence[str]) -> pl.Expr:
    """Join levels, from the top down; missing where all are blank."""
    texts = [pl.col(part).cast(pl.String).str.strip_chars().fill_null("") for part in parts]
    above = [pl.lit(""), *texts]
    levels = [
        pl.when(text != over).then(text.replace("", None)) for over, text in zip(above, texts, strict=False)
    ]
    path = pl.concat_str(levels, separator=PATH, ignore_nulls=True)
    return pl.when(path != "").then(path)
