"""Bounds of partitions: ranges of the order that interactions have in the end (`sorting.SORT_KEYS`).

Sorted partitions, one after another, are the sorted whole, and equal rows, perhaps duplicates, are in one.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from prodassoc_cli.errors import BadData
from prodassoc_cli.intake.values.categories import Coding

MAX_PARTITIONS = 128
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
class Bounds:
    """Keys at which partitions begin, ascending: partition i holds rows from bound i - 1 to before bound i.

    Attributes:
        keys: their columns `a` and, where there are two sort keys, `b`.
    """

    keys: pl.DataFrame

    @classmethod
    def of_sample(cls, keys: pl.DataFrame, partitions: int) -> Bounds:
        """Choose the bounds so that each partition gets about as many rows of a sample."""
        ordered = keys.sort(keys.columns)
        places = [ordered.height * each // partitions for each in range(1, partitions)]
        return cls(ordered[places].unique(maintain_order=True) if ordered.height else ordered)

    @property
    def partitions(self) -> int:
        """Number of partitions, of which some may be empty."""
        return self.keys.height + 1

    def partition_of(self, keys: pl.DataFrame) -> pl.Series:
        """Return the partition of each row, UInt8, or UInt32 where there are many."""
        first = self.keys["a"]
        found = first.search_sorted(keys["a"], side="right")
        if "b" in keys.columns:
            lowest = first.search_sorted(keys["a"], side="left")
            # The first key alone does not decide where it equals that of a bound.
            open_ = (lowest < found).arg_true()
            tied = keys[open_].with_columns(
                lowest.gather(open_).alias("from"), found.gather(open_).alias("to")
            )
            places = pl.Series("place", [0], dtype=found.dtype).new_from_index(0, tied.height)
            for (start, end), rows in tied.with_row_index().group_by("from", "to"):
                within = self.keys["b"].slice(start, end - start).search_sorted(rows["b"], side="right")
                places = places.scatter(rows["index"], within.cast(found.dtype) + start)
            found = found.scatter(open_, places)
        return found.cast(pl.UInt8 if self.partitions <= 256 else pl.UInt32).alias("partition")


def first_keys(rows: pl.DataFrame, *, drop_users: bool, products: Coding | None = None) -> pl.DataFrame:
    """Return the first two sort keys that typed rows have, as `sort_key` has them.

    Args:
        rows: typed rows.
        drop_users: whether what is written has no users.
        products: has numbered the products; None where they are text.

    Raises:
        BadData: there is none to cut by.
    """
    found: list[pl.Series] = []
    for name in ("timestamp", "order_id", "user_id", "product_id"):
        if name == "user_id" and drop_users:  # sorted with users first, then without: no bound may be there
            break
        if name in rows.columns and len(found) < 2:
            column = rows[name]
            if name == "product_id" and products is not None:
                column = products.coded(column).cast(pl.String)
            found.append(column)
    if not found:
        raise too_large("`drop_users` where no row has a time or an order")
    return sort_key(found)


def too_large(what: str) -> BadData:
    """Return the error for what cannot be cleaned in parts."""
    return BadData(f"{what} does not fit into the memory that may be used", "raise `memory_limit`")
