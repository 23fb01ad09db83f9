"""The only writer of standard output: an artifact as Parquet, CSV, JSON lines or a table for people."""

from __future__ import annotations

import json
import shutil
import sys
from typing import BinaryIO

import polars as pl
import pyarrow as pa

from prodassoc_cli.settings import Format

TABLE_ROWS = 20
"""Rows shown of an artifact that is written nowhere else."""


def standard_output() -> BinaryIO:
    """Return standard output for bytes."""
    return sys.stdout.buffer


def write_text(frame: pl.DataFrame, form: Format, stream: BinaryIO) -> None:
    """Write rows as text, UTF-8.

    A list is written as a JSON array in CSV too, so that ids with any character come back as they were.

    Args:
        frame: the rows.
        form: `csv` with a header, `jsonl` with an object a line, `table` for people.
        stream: where the bytes go.
    """
    if form == "csv":
        frame.select(_csv_column(frame, name) for name in frame.columns).write_csv(stream)
    elif form == "jsonl":
        frame.write_ndjson(stream)
    else:
        stream.write(table_text(frame).encode())
    stream.flush()


def write_line(text: str) -> None:
    """Write one line of text."""
    standard_output().write(f"{text}\n".encode())
    standard_output().flush()


def table_text(frame: pl.DataFrame, rows: int = TABLE_ROWS) -> str:
    """Return the first rows as a table that fits the terminal, cut by display width.

    Args:
        frame: the rows.
        rows: how many to show at the most; what is left out is counted below.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name, dtype in frame.schema.items():
        right = dtype.is_numeric()
        table.add_column(name, justify="right" if right else "left", no_wrap=True, overflow="ellipsis")
    for row in frame.head(rows).iter_rows():
        table.add_row(*(_cell(value) for value in row))
    width = shutil.get_terminal_size((100, 24)).columns
    console = Console(width=width, color_system=None, highlight=False, markup=False, emoji=False)
    with console.capture() as capture:
        console.print(table)
    more = frame.height - rows
    return capture.get() + (f"… and {more:,} more rows\n" if more > 0 else "")


def to_frame(table: pa.Table | pl.DataFrame) -> pl.DataFrame:
    """Return an Arrow table as a frame; a frame stays as it is."""
    if isinstance(table, pl.DataFrame):
        return table
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame


def _csv_column(frame: pl.DataFrame, name: str) -> pl.Expr:
    if not frame.schema[name].is_nested():
        return pl.col(name)
    head = f"{{{json.dumps(name)}:"
    as_object = pl.struct(name).struct.json_encode()
    return as_object.str.strip_prefix(head).str.strip_suffix("}").alias(name)


def _cell(value: object) -> str:
    """Return a value as people read it: four significant digits, lists joined, no control characters."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
    if isinstance(value, list):
        return _printable(", ".join(_cell(each) for each in value[:6]) + (", …" if len(value) > 6 else ""))
    return _printable(str(value))


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)
