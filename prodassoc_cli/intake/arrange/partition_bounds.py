"""Where the sorted interactions are cut into parts that fit in memory.

A part holds the rows between two cuts in the order interactions have in the end (`ordering.SORT_KEYS`). So
sorted parts, one after another, are the sorted whole, and equal rows, perhaps duplicates, are in one part.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

MOST_PARTS = 128
_LAST_TIME = 2**63 - 1
_LAST_TEXT = "\U0010ffff" * 16
"""Stand for a missing time and id, which come last."""


def sort_key(columns: list[pl.Series]) -> pl.DataFrame:
    """Return times or ids as the two columns that rows are cut by, `a` before `b`, nothing missing.

    Args:
        columns: one or two, the first sort keys that there are.
    """
    filled = [
        column.to_physical().fill_null(_LAST_TIME)
        if column.dtype == pl.Datetime
        else column.fill_null(_LAST_TEXT)
        for column in columns
    ]
    return pl.DataFrame([column.alias(name) for column, name in zip(filled, "ab", strict=False)])


@dataclass(frozen=True)
class Cuts:
    """Keys at which parts begin, ascending: part i holds the rows from cut i - 1 to before cut i.

    Attributes:
        at: their columns `a` and, where there are two sort keys, `b`.
    """

    at: pl.DataFrame

    @classmethod
    def of_sample(cls, keys: pl.DataFrame, parts: int) -> Cuts:
        """Choose the cuts so that each part gets about as many rows of a sample."""
        ordered = keys.sort(keys.columns)
        places = [ordered.height * part // parts for part in range(1, parts)]
        return cls(ordered[places].unique(maintain_order=True) if ordered.height else ordered)

    @property
    def parts(self) -> int:
        """Number of parts, of which some may be empty."""
        return self.at.height + 1

    def part_of(self, keys: pl.DataFrame) -> pl.Series:
        """Return the part of each row, UInt8, or UInt32 where there are many."""
        first = self.at["a"]
        part = first.search_sorted(keys["a"], side="right")
        if "b" in keys.columns:
            before = first.search_sorted(keys["a"], side="left")
            # The first key alone does not decide where it equals that of a cut.
            open_ = (before < part).arg_true()
            tied = keys[open_].with_columns(
                before.gather(open_).alias("from"), part.gather(open_).alias("to")
            )
            places = pl.Series("part", [0], dtype=part.dtype).new_from_index(0, tied.height)
            for (start, end), rows in tied.with_row_index().group_by("from", "to"):
                within = self.at["b"].slice(start, end - start).search_sorted(rows["b"], side="right")
                places = places.scatter(rows["index"], within.cast(part.dtype) + start)
            part = part.scatter(open_, places)
        return part.cast(pl.UInt8 if self.parts <= 256 else pl.UInt32).alias("part")
