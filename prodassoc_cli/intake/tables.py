"""Raw tables: rows as they came, with their numbers; and what is known of an input before it is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from prodassoc_cli.artifacts import schemas
from prodassoc_cli.artifacts.frames import schema_of
from prodassoc_cli.errors import BadData
from prodassoc_cli.intake.formats.encoding import (
    Dialect,
    sniff,
)
from prodassoc_cli.intake.formats.sources import Format, Source, recognise

Say = Callable[[str], None]

SOURCE = "\x00source"
ROW = "\x00row"
"""Names of the columns that tell where a row came from; no column of an input can be called so."""

PRODUCT = "\x00product"
"""Name of the field of products as `coding.coded` has them, beside that of what they were read from."""

EVENT = pl.Enum(sorted(schemas.EVENTS))
"""Events as `coding.coded` has texts."""

INTERACTIONS = schema_of(column for column in schemas.INTERACTIONS.columns if not column.optional)
FEEDBACK = schema_of(column for column in schemas.INTERACTIONS.columns if column.optional)
"""What a log of lists shown tells beside that."""

REJECTS = schema_of(schemas.REJECTS)

MOST_COLUMNS = 20_000
"""More are refused: what is done a column takes longer than anyone waits."""


class StartAgain(Exception):
    """What was read shows that all of it must be read again, in another way that is known by now."""


@dataclass
class RawTable:
    """One input as a table.

    Attributes:
        source: name of the input.
        frame: its data rows; ROW is the number of each, from 1.
        rejects: rows that could not even be cut into fields (the schema of rejects).
        delimiter: how the text was cut; empty for typed formats.
        encoding: of the text; empty for typed formats.
    """

    source: str
    frame: pl.DataFrame
    rejects: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=REJECTS))
    delimiter: str = ""
    encoding: str = ""


@dataclass(frozen=True)
class Head:
    """What is known of an input before it is read: its format and, for text, its dialect."""

    format: Format
    dialect: Dialect | None = None


def look(source: Source, *, encoding: str | None, delimiter: str | None) -> Head:
    """Find out what an input holds.

    Raises:
        BadData: it is empty or no table at all.
        UsageProblem: the encoding or delimiter told is none.
    """
    head, whole = source.head()
    kind = recognise(source, head)
    if kind != "text":
        return Head(kind)
    return Head(kind, sniff(source, head, whole, encoding=encoding, delimiter=delimiter))


def check_width(source: Source, columns: int) -> None:
    """Refuse a table of more columns than can be handled (BadData)."""
    if columns > MOST_COLUMNS:
        raise BadData(
            f"{source.name} has {columns:,} columns, more than the {MOST_COLUMNS:,} that are read",
            "choose those with orders, users and products first, as with cut -d, -f1-9",
        )


def number_rows(frame: pl.DataFrame, after: int = 0, broken: Sequence[int] = ()) -> pl.DataFrame:
    """Add ROW: the numbers after `after`, without those of the broken rows (ascending)."""
    gaps = np.asarray(broken, dtype=np.int64)
    gaps = gaps[gaps > after]
    numbers = np.arange(after + 1, after + 1 + frame.height + len(gaps), dtype=np.int64)
    if len(gaps):
        numbers = np.delete(numbers, gaps[gaps <= after + len(numbers)] - after - 1)[: frame.height]
    return frame.with_columns(pl.Series(ROW, numbers))


def make_rejects(source: Source, rows: list[tuple[int, str, str]]) -> pl.DataFrame:
    """Make rejects of (number, reason, text)."""
    data = [(source.name, number, reason, text) for number, reason, text in rows]
    return pl.DataFrame(data, schema=REJECTS, orient="row")


def as_csv(names: list[str]) -> pl.Expr:
    """Return the expression that joins columns into one line of CSV (RFC 4180)."""
    cells = []
    for name in names:
        cell = pl.col(name).cast(pl.String).fill_null("")
        quoted = pl.concat_str(pl.lit('"'), cell.str.replace_all('"', '""', literal=True), pl.lit('"'))
        cells.append(pl.when(cell.str.contains(r'[",\r\n]')).then(quoted).otherwise(cell))
    return pl.concat_str(cells, separator=",") if cells else pl.lit("")
