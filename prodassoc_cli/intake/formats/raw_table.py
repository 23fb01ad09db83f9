"""Raw tables: the rows of an input as they came, with their numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from prodassoc_cli.errors import BadData
from prodassoc_cli.intake.columns.schema import REJECTS, ROW
from prodassoc_cli.intake.formats.sources import Source

MAX_COLUMNS = 20_000
"""More are refused: work per column takes longer than anyone waits."""


class NoRows(BadData):
    """The input is empty, or a header alone."""


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


def check_width(source: Source, columns: int) -> None:
    """Refuse a table of more columns than can be handled (BadData)."""
    if columns > MAX_COLUMNS:
        raise BadData(
            f"{source.name} has {columns:,} columns, more than the {MAX_COLUMNS:,} that are read",
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


_TOTALS = re.compile(
    r"\W*(grand |sub)?totals?\W*"
    r"|\W*(summe|gesamt|gesamtsumme|zwischensumme|somme|totale|totaal|suma|razem|celkem|итого|всего|toplam"
    r"|合计|总计|小计|合計|總計|小計|総計|합계|총계)\W*",
    re.IGNORECASE,
)


def says_total(cells: Sequence[str]) -> bool:
    """Return whether a row is a total: its first cell that is not empty says so, and no more."""
    first = next((cell for cell in cells if cell.strip()), "")
    return _TOTALS.fullmatch(first) is not None


def total_notice(cells: Sequence[str]) -> str:
    """Return what to say of a last row that is a total."""
    said = ", ".join(cell.strip() for cell in cells if cell.strip())
    return f"the last row is a total ({said}) and left out; `keep_totals` keeps it"


def set_aside(table: RawTable, rows: pl.Expr, reason: str) -> None:
    """Move rows from the frame to the rejects, as CSV (RFC 4180)."""
    marked = table.frame.select(rows.fill_null(value=False).alias(ROW)).to_series()
    if not marked.any():
        return
    names = [name for name in table.frame.columns if name != ROW]
    bad = table.frame.filter(marked).select(
        pl.lit(table.source).alias("source"), pl.col(ROW).alias("row"), pl.lit(reason).alias("reason"),
        as_csv(names).alias("raw"),
    )  # fmt: skip
    table.frame = table.frame.filter(~marked)
    table.rejects = pl.concat([table.rejects, bad])


def set_aside_like(table: RawTable, cells: Sequence[str], reason: str) -> None:
    """Move the rows that hold just these cells, as far as columns are text, from the frame to the rejects."""
    types = table.frame.drop(ROW).schema
    texts = [
        (name, cell.strip()) for (name, dtype), cell in zip(types.items(), cells, strict=False)
        if dtype == pl.String
    ]  # fmt: skip
    named = [name for name, cell in texts if cell]
    # One column decides for nearly all rows.
    if named and (table.frame[named[0]] == dict(texts)[named[0]]).any():
        same = (pl.col(name).fill_null("").str.strip_chars() == cell for name, cell in texts)
        set_aside(table, pl.all_horizontal(*same), reason)


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
