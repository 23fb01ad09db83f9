"""The rows left out: counted always, kept with their text where someone wants them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from prodassoc_cli.errors import BadData
from prodassoc_cli.intake.arrange.partition_bounds import MOST_PARTS
from prodassoc_cli.intake.arrange.spill import Spill
from prodassoc_cli.intake.layouts.layouts import Lines
from prodassoc_cli.intake.rules import rules as cleaning
from prodassoc_cli.intake.tables import REJECTS, ROW, SOURCE, as_csv
from prodassoc_cli.intake.values.privacy import pseudonymize

ROWS_A_PART = 1 << 21


@dataclass(frozen=True)
class RejectFormat:
    """How the rows left out are shown: under a key, or without users, no raw user id is in them.

    Attributes:
        user_columns: columns of the inputs that hold users.
        key: pseudonymizes them; None where they stay.
        drop_users: whether they are left blank.
    """

    user_columns: frozenset[str] = frozenset()
    key: bytes | None = None
    drop_users: bool = False

    def texts(self, raw: pl.DataFrame) -> pl.Series:
        """Return rows of the input as lines of CSV."""
        raw = raw.with_columns(
            pl.col(name).list.eval(pl.element().cast(pl.String)).list.join(";")
            for name, dtype in raw.schema.items() if isinstance(dtype, pl.List)
        )  # fmt: skip
        if self.key is not None or self.drop_users:
            for column in self.user_columns & set(raw.columns):
                blank = pl.Series([None], dtype=pl.String).new_from_index(0, raw.height)
                told = raw[column].cast(pl.String)
                users = blank if self.key is None else pseudonymize(told, self.key)
                raw = raw.with_columns(users.alias(column))
        return raw.select(as_csv(raw.columns).alias("raw")).to_series()


def left_out(
    part: Lines, lines: pl.DataFrame, reason: pl.Series, sources: Sequence[str], showing: RejectFormat | None
) -> pl.DataFrame:
    """Collect the rows left out (the schema of rejects).

    Args:
        part: the lines.
        lines: the same, parsed.
        reason: why each is left out; null where it is kept.
        sources: names of the inputs.
        showing: how their text is shown; None to leave it out, since no one asks for it or it is read again.
    """
    places = reason.is_not_null().arg_true()
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, len(places))
    cut = pl.DataFrame(
        {
            "source": pl.Series(sources, dtype=pl.String).gather(lines[SOURCE][places]),
            "row": lines[ROW][places],
            "reason": reason[places].cast(pl.String),
            "raw": nothing if showing is None else showing.texts(part.raw[places]),
        }
    )
    return cut.cast(REJECTS)


class Rejected:
    """Collects the rows left out.

    Args:
        keep: whether their text is wanted in the end.
        in_memory: whether they may all be held in memory.
        folder: where they are kept otherwise.
    """

    def __init__(self, *, keep: bool, in_memory: bool, folder: Path | None = None) -> None:
        self._keep = keep
        self._held = [pl.DataFrame(schema=REJECTS)]
        self._spill = None if in_memory else Spill(1, folder)
        self._folder = folder
        self._counts: dict[str, int] = {}
        self._first: dict[str, tuple[str, int]] = {}
        self._sizes: dict[str, int] = {}
        self.rows = 0

    def add(self, rejects: pl.DataFrame) -> None:
        """Take rows of the schema of rejects."""
        self.count(counted(rejects))
        self.hold(rejects)

    def count(self, table: pl.DataFrame) -> None:
        """Count rows, as `counted` sums them up."""
        for reason, source, rows, first, last in table.iter_rows():
            self.rows += rows
            self._counts[reason] = self._counts.get(reason, 0) + rows
            self._first[reason] = min(self._first.get(reason, (source, first)), (source, first))
            self._sizes[source] = max(self._sizes.get(source, 0), last)

    def hold(self, rejects: pl.DataFrame) -> None:
        """Keep rows that have been counted, if they are wanted."""
        if self._keep and rejects.height:
            if self._spill is None:
                self._held.append(rejects)
            else:
                self._spill.add(rejects)

    def counts(self) -> dict[str, int]:
        """Return how many rows each rule left out, in the order of the rules."""
        return {rule.name: self._counts[rule.name] for rule in cleaning.RULES if rule.name in self._counts}

    def frames(self) -> Iterator[pl.DataFrame]:
        """Return the rows by source and number, in frames one after another."""
        if self._spill is None or not self._spill.rows[0]:
            yield _sorted(pl.concat(self._held))
            return
        # Sources follow one another, each as long as its last row left out.
        starts, total = {}, 0
        for source in sorted(self._sizes):
            starts[source], total = total, total + self._sizes[source]
        parts = min(MOST_PARTS, 1 + self.rows // ROWS_A_PART)
        ordered = Spill(parts, self._folder)
        for piece in self._spill.pieces(0):
            start = piece["source"].replace_strict(starts, return_dtype=pl.Int64)
            ordered.add(piece, ((start + piece["row"] - 1) * parts // total).cast(pl.UInt8))
        self._spill.close()
        for part in range(parts):
            yield _sorted(ordered.read(part))
            ordered.drop(part)

    def nothing_left(self) -> BadData:
        """Return the error for inputs of which no row is kept."""
        common = min(self._counts, key=lambda reason: (-self._counts[reason], reason))
        source, row = self._first[common]
        # The row's text stays unsaid: it may name a user.
        return BadData(
            f"{source}: every row is left out, most as {common} (first row {row})",
            "name the right columns with --map, or the file's --layout",
        )


def counted(rejects: pl.DataFrame) -> pl.DataFrame:
    """Return reason, source, number of rows, first and last row of each reason and source of rejects."""
    row = pl.col("row")
    return rejects.group_by("reason", "source").agg(
        pl.len().alias("rows"), row.min().alias("first"), row.max().alias("last")
    )


def _sorted(rejects: pl.DataFrame) -> pl.DataFrame:
    return rejects.sort("source", "row", "reason", "raw")
