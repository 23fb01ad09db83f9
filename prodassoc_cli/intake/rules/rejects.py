"""The rows left out: counted always, kept with their text where someone wants them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from prodassoc_cli.errors import BadData
from prodassoc_cli.intake.arrange.partition_bounds import MAX_PARTITIONS
from prodassoc_cli.intake.arrange.partitions import Partitions
from prodassoc_cli.intake.columns.schema import FEEDBACK_NUMBERS, REJECTS, ROW, SOURCE
from prodassoc_cli.intake.formats.raw_table import as_csv
from prodassoc_cli.intake.rules.apply_rules import Part
from prodassoc_cli.intake.rules.rules import RULES
from prodassoc_cli.intake.values.privacy import pseudonymize

ROWS_PER_PARTITION = 1 << 21

_REMEDIES = {
    "unparsable_timestamp": "`map=timestamp=` goes on without times, `map=timestamp=COLUMN` names others",
    "unparsable_price": "`map=price=` goes on without prices, `map=price=COLUMN` names others",
    "unparsable_quantity": "`map=quantity=` goes on without quantities, `map=quantity=COLUMN` names others",
    "unparsable_rating": "ratings are numbers; `map=rating=` goes on without them",
    "unparsable_weight": "weights are numbers; `map=weight=` goes on without them",
    "unparsable_feedback": "click, purchase and dismiss are 0 or 1, position is 1 or more, propensity is "
    "above 0 and at most 1",
    "unknown_event": "`map=event:WORD=EVENT` says what a word means, `map=event=` goes on without events",
}
"""What settles it where rows are left out for such a value."""


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
                names = raw[column].cast(pl.String)
                users = blank if self.key is None else pseudonymize(names, self.key)
                raw = raw.with_columns(users.alias(column))
        return raw.select(as_csv(raw.columns).alias("raw")).to_series()


def left_out(part: Part, sources: Sequence[str], texts: pl.Series | None = None) -> pl.DataFrame:
    """Collect the rows left out (the schema of rejects).

    Args:
        part: rows that have been held against the rules.
        sources: names of the inputs.
        texts: the text of all rows; None where it is read again, if anyone wants it.
    """
    places = part.reason.is_not_null().arg_true()
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, len(places))
    cut = pl.DataFrame(
        {
            "source": pl.Series(sources, dtype=pl.String).gather(part.rows[SOURCE][places]),
            "row": part.rows[ROW][places],
            "reason": part.reason[places].cast(pl.String),
            "raw": nothing if texts is None else texts.gather(places),
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
        self._folder = folder
        self._held = Partitions(1, on_disk=not in_memory, folder=folder)
        self._counts: dict[str, int] = {}
        self._first: dict[str, tuple[str, int]] = {}
        self._sizes: dict[str, int] = {}
        self._examples: dict[str, tuple[str, str]] = {}
        self.rows = 0

    def example(self, field: str, column: str, value: str) -> None:
        """Take a value of a field that cannot be read, and the column that holds it; one of each is kept."""
        self._examples.setdefault(field, (column, value[:40]))

    def examples(self) -> dict[str, str]:
        """Return for each rule that left out rows by such a value: the column, and the value."""
        shown = {field: f"{column}: '{value}'" for field, (column, value) in self._examples.items()}
        rules = {f"unparsable_{field}": text for field, text in shown.items()}
        rules |= {"unknown_event": shown["event"]} if "event" in shown else {}
        logged = [text for field, text in shown.items() if field in FEEDBACK_NUMBERS]
        return rules | ({"unparsable_feedback": ", ".join(logged)} if logged else {})

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
        if self._keep:
            self._held.add(rejects, 0)

    def counts(self) -> dict[str, int]:
        """Return how many rows each rule left out, in the order of the rules."""
        return {rule.name: self._counts[rule.name] for rule in RULES if rule.name in self._counts}

    def frames(self) -> Iterator[pl.DataFrame]:
        """Return the rows by source and number, in frames one after another."""
        if not self._held.on_disk or not self._held.rows[0]:
            yield _sorted(pl.concat([pl.DataFrame(schema=REJECTS), *self._held.pieces(0)]))
            return
        # Sources follow one another, each as long as its last row left out.
        starts, total = {}, 0
        for source in sorted(self._sizes):
            starts[source], total = total, total + self._sizes[source]
        parts = min(MAX_PARTITIONS, 1 + self.rows // ROWS_PER_PARTITION)
        ordered = Partitions(parts, on_disk=True, folder=self._folder)
        for piece in self._held.pieces(0):
            start = piece["source"].replace_strict(starts, return_dtype=pl.Int64)
            ordered.add(piece, ((start + piece["row"] - 1) * parts // total).cast(pl.UInt8))
        self._held.close()
        yield from map(_sorted, ordered.taking())

    def nothing_left(self) -> BadData:
        """Return the error for inputs of which no row is kept."""
        common = min(self._counts, key=lambda reason: (-self._counts[reason], reason))
        source, row = self._first[common]
        # The row's text stays unsaid: it may name a user.
        example = self.examples().get(common, "")
        shown = f"; {example}" if example else ""
        return BadData(
            f"{source}: every row is left out, most as {common} (first row {row}{shown})",
            _REMEDIES.get(common, "name the right columns with `map`, or the file's `layout`"),
        )


def counted(rejects: pl.DataFrame) -> pl.DataFrame:
    """Return reason, source, number of rows, first and last row of each reason and source of rejects."""
    row = pl.col("row")
    return rejects.group_by("reason", "source").agg(
        pl.len().alias("rows"), row.min().alias("first"), row.max().alias("last")
    )


def _sorted(rejects: pl.DataFrame) -> pl.DataFrame:
    return rejects.sort("source", "row", "reason", "raw")
