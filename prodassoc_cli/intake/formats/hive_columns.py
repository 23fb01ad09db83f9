"""Columns that stand in the names of folders, beside those of their files: `date=2024-01-31/part-0.csv`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from prodassoc_cli.intake.formats.raw_table import RawTable
from prodassoc_cli.intake.formats.sources import Source


@dataclass(frozen=True)
class Folders:
    """The columns of an input that its folders name, and not it itself.

    Attributes:
        values: each with the value of all rows; None: missing.
    """

    values: dict[str, str | None]

    @classmethod
    def of(cls, source: Source, names: Sequence[str]) -> Folders:
        """Return those of an input that has columns of these names itself."""
        return cls({name: value for name, value in source.partitions.items() if name not in names})

    def beside(self, table: RawTable) -> RawTable:
        """Return a table with these columns too."""
        new = [pl.lit(value, dtype=pl.String).alias(name) for name, value in self.values.items()]
        return replace(table, frame=table.frame.with_columns(new)) if new else table
