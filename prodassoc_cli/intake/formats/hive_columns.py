"""Columns that stand in the names of folders, beside those of their files: `date=2024-01-31/part-0.csv`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import polars as pl

from prodassoc_cli.intake.formats.sources import Source
from prodassoc_cli.intake.layouts import layouts
from prodassoc_cli.intake.layouts.layouts import Lines
from prodassoc_cli.intake.tables import RawTable


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

    def field_columns(
        self, names: Sequence[str], mapping: dict[str, str], preset: str | None, source: str
    ) -> dict[str, str]:
        """Match columns with fields; where the input's own tell, those of folders do not, unless mapped."""
        columns = layouts.field_columns([*names, *self.values], mapping, preset, source)
        if not self.values:
            return columns
        mapped = {name: column for name, column in mapping.items() if column in names}
        own = layouts.field_columns(names, mapped, preset, source)
        return columns | {name: column for name, column in own.items() if name not in mapping}

    def added(self, lay_out: Callable[[RawTable], Lines]) -> Callable[[RawTable], Lines]:
        """Return what lays out a table with these columns too."""
        return (lambda table: lay_out(self.beside(table))) if self.values else lay_out

    def beside(self, table: RawTable) -> RawTable:
        """Return a table with these columns too."""
        new = [pl.lit(value, dtype=pl.String).alias(name) for name, value in self.values.items()]
        return replace(table, frame=table.frame.with_columns(new)) if new else table
