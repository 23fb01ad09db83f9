"""One basket per line: products between delimiters, quotes respected; the order's id may lead."""

from __future__ import annotations

import re

import polars as pl

from prodassoc_cli.intake.columns.schema import ROW
from prodassoc_cli.intake.formats.raw_table import RawTable
from prodassoc_cli.intake.layouts.cells import named
from prodassoc_cli.intake.layouts.layout import Head, Layout, Lines, one_per_row


def _recognise(head: Head, _: dict[str, str]) -> str:
    return "rows have unequally many fields: one basket per line" if head.ragged else ""


def _to_lines(table: RawTable, columns: dict[str, str], _: str | None) -> Lines:
    """Cut lines into products.

    Args:
        table: has one column, `line`.
        columns: field → number of the field of a line, from 1, that holds it; all others hold products.
    """
    cells = _split_quoted(table.frame["line"], table.delimiter)
    places = {name: int(column) - 1 for name, column in columns.items()}
    keys = [
        cells.list.get(place, null_on_oob=True).str.strip_chars().alias(name)
        for name, place in places.items()
    ]
    kept = cells
    for place in sorted(places.values(), reverse=True):
        rest = pl.concat_list(kept.list.head(place), kept.list.slice(place + 1))
        kept = pl.select(rest).to_series()
    frame = pl.DataFrame({ROW: table.frame[ROW], "product_id": named(kept)}).with_columns(keys)
    frame = one_per_row(frame)
    return Lines(frame, frame.select("product_id"), dict(columns))


def _split_quoted(lines: pl.Series, delimiter: str) -> pl.Series:
    """Split lines at a delimiter; one inside double quotes does not count."""
    if not lines.str.contains('"', literal=True).any():
        return lines.str.split(delimiter)
    mark = re.escape(delimiter)
    simple = ~lines.str.contains('"', literal=True)
    # Few lines hold quotes: a pattern that finds each cell, quoted or not, serves them alone. A quote
    # inside a cell that does not begin with one is a letter.
    cells = lines.str.extract_all(rf'\s*"(?:[^"]|"")*"\s*(?:{mark}|$)|[^{mark}]+(?:{mark}|$)|{mark}')
    cell = pl.element().str.strip_suffix(delimiter).str.strip_chars()
    inner = cell.str.extract(r'^"((?s:.*))"$').str.replace_all('""', '"', literal=True)
    cells = cells.list.eval(pl.coalesce(inner, cell))
    return pl.select(pl.when(simple).then(lines.str.split(delimiter)).otherwise(cells)).to_series()


BASKETS = Layout("baskets", _recognise, _to_lines, uncut=True)
