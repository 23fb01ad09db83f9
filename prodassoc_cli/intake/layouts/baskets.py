"""One basket per line: products between delimiters, quotes respected."""

from __future__ import annotations

import re

import polars as pl

from prodassoc_cli.intake.columns.schema import ROW
from prodassoc_cli.intake.formats.raw_table import RawTable
from prodassoc_cli.intake.layouts.layout import Head, Layout, Lines, one_per_row


def _recognise(head: Head, _: dict[str, str]) -> str:
    return "rows have unequally many fields: one basket per line" if head.ragged else ""


def _to_lines(table: RawTable, _: dict[str, str]) -> Lines:
    cells = _split_quoted(table.frame["line"], table.delimiter)
    trimmed = pl.element().str.strip_chars().filter(pl.element().str.contains(r"\S"))
    frame = pl.DataFrame({ROW: table.frame[ROW], "product_id": cells})
    frame = one_per_row(frame.with_columns(pl.col("product_id").list.eval(trimmed)))
    return Lines(frame, frame.select("product_id"))


def _split_quoted(lines: pl.Series, delimiter: str) -> pl.Series:
    """Split lines at a delimiter; one inside double quotes does not count."""
    if not lines.str.contains('"', literal=True).any():
        return lines.str.split(delimiter)
    mark = re.escape(delimiter)
    simple = ~lines.str.contains('"', literal=True)
    # Few lines hold quotes: a pattern that finds each cell, quoted or not, serves them alone.
    cells = lines.str.extract_all(rf'"(?:[^"]|"")*"|[^{mark}"]+')
    cells = cells.list.eval(pl.element().str.strip_chars().str.strip_chars('"').str.replace_all('""', '"'))
    return pl.select(pl.when(simple).then(lines.str.split(delimiter)).otherwise(cells)).to_series()


BASKETS = Layout("baskets", _recognise, _to_lines, uncut=True)
