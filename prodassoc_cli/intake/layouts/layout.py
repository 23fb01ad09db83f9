"""What a layout is, and the lines that every layout becomes: one row per product."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import polars as pl

from prodassoc_cli.artifacts.schemas import Event
from prodassoc_cli.errors import BadData
from prodassoc_cli.intake.columns.schema import ROW, SOURCE
from prodassoc_cli.intake.formats.raw_table import RawTable
from prodassoc_cli.intake.values.missing import says_missing


@dataclass(frozen=True)
class Head:
    """What the first rows of an input show.

    Attributes:
        source: its name.
        names: of its columns.
        rows: its first rows as text, the header included where there is one.
        cells: the same without the header.
        delimiter: of text; empty for others.
        ragged: whether rows have unequally many fields.
        lists: columns that hold lists.
        uncut: whether it is text, so that its lines can be read without cutting them into fields.
    """

    source: str
    names: list[str]
    rows: list[list[str]]
    cells: list[list[str]]
    delimiter: str = ""
    ragged: bool = False
    lists: Sequence[str] = ()
    uncut: bool = False

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.names)}

    def column(self, name: str) -> Iterator[str]:
        """Yield what the first rows hold in a column; blank where a row ends before it."""
        place = self._places.get(name)
        if place is not None:  # else it is made of others
            yield from (row[place] if place < len(row) else "" for row in self.cells)

    def values(self, name: str) -> Iterator[str]:
        """Yield those of them that are not missing, without white space around."""
        return (cell.strip() for cell in self.column(name) if not says_missing(cell))


@dataclass
class Lines:
    """One row per product, as text or as typed as it came.

    Attributes:
        fields: ROW and those fields that the input has.
        raw: the columns of the input, row by row beside `fields`: what rejects show.
        columns: field → column it was read from.
    """

    fields: pl.DataFrame
    raw: pl.DataFrame
    columns: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Layout:
    """A way in which the rows of a file hold baskets.

    Attributes:
        name: what `--layout` and messages call it.
        recognise: why an input, whose columns were matched with fields, has this layout; empty if not.
        complete: field → column, completed by what the first rows show.
        to_lines: a table of the input → lines, given field → column, and what stands between the products
            within a cell, where the user says so.
        items: columns that hold products, given the names of all and field → column.
        whole_rows: whether a row is one product, so that equal rows are duplicates; else a row is a basket,
            its number is its order where none is named, and what is counted as a row is one product of it.
        uncut: whether lines of text are read without cutting them into fields.
        first_row_names: whether the first row is a header whatever it looks like.
        needs_whole: whether a column of text is understood only from all of its rows.
        products_are_numbers: whether a product that is no integer is a reject.
        usual_event: event of rows that have none.
    """

    name: str
    recognise: Callable[[Head, dict[str, str]], str]
    to_lines: Callable[[RawTable, dict[str, str], str | None], Lines]
    items: Callable[[Sequence[str], dict[str, str]], list[str]] = lambda *_: []
    complete: Callable[[Head, dict[str, str]], dict[str, str]] = lambda _, columns: columns
    whole_rows: bool = False
    uncut: bool = False
    first_row_names: bool = False
    needs_whole: bool = False
    products_are_numbers: bool = False
    usual_event: Event = "purchase"


def every(check: Callable[[str], object], values: Iterable[str]) -> bool:
    """Return whether there are values, and all of them pass; no more are taken than it needs."""
    values = iter(values)
    first = next(values, None)
    return first is not None and bool(check(first)) and all(map(check, values))


def one_per_row(baskets: pl.DataFrame) -> pl.DataFrame:
    """Give each product a row; an empty basket keeps one without a product, so that it is counted."""
    items = pl.col("product_id")
    return baskets.with_columns(pl.when(items.list.len() > 0).then(items)).explode("product_id")


def placed(lines: Lines, layout: Layout, place: int, *, among: int) -> Lines:
    """Note which of so many inputs the lines are of; where a row is a basket, its number is its order."""
    frame = lines.fields.with_columns(pl.lit(place, dtype=pl.UInt32).alias(SOURCE))
    if "order_id" not in frame.columns and not layout.whole_rows:
        order = pl.col(ROW).cast(pl.String)
        # Baskets of several files must not meet.
        order = pl.concat_str(pl.lit(f"{place + 1}:"), order) if among > 1 else order
        frame = frame.with_columns(order.alias("order_id"))
    return replace(lines, fields=frame)


def join_lines(parts: list[Lines]) -> Lines:
    """Put lines of several inputs one below the other, each column in a type that holds all."""
    first = parts[0]
    if len(parts) == 1:
        return first
    raw = pl.concat([part.raw for part in parts], how="diagonal_relaxed")
    fields = pl.concat([part.fields for part in parts], how="diagonal_relaxed")
    return replace(first, fields=fields, raw=raw)


def check_alike(name: str, layout: Layout, lines: Lines, first: Lines, first_layout: Layout) -> None:
    """Refuse an input that is laid out unlike the first, or lacks a field (BadData)."""
    if layout != first_layout or lines.columns.keys() != first.columns.keys():
        lost = [each for each in first.columns if each not in lines.columns]
        what = f"has no column for {lost[0]}" if lost else f"is laid out as {layout.name}, unlike the first"
        raise BadData(f"{name} {what}", "clean it separately, or name its columns with `map`")
