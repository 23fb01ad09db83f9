"""The only writer of standard output: an artifact as Parquet, CSV, JSON lines or a table for people."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, BinaryIO

from prodassoc_cli.errors import IOFailure
from prodassoc_cli.settings import Format
from prodassoc_cli.terminal.printable import printable

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

TABLE_ROWS = 20
"""Rows shown of an artifact that is written nowhere else."""

MINIMUM_TEXT_WIDTH = 8
"""Texts are not cut below this; columns without room are left out and counted."""

GAP = 3
"""Blanks between two columns."""


def standard_output() -> BinaryIO:
    """Return standard output for bytes.

    Raises:
        IOFailure: the run was started without one (`>&-`).
    """
    if sys.stdout is None:
        raise IOFailure("standard output is closed", "name a file with `output`")
    return sys.stdout.buffer


FORMULA_STARTS = r"[=+@\t\r-]"
"""A spreadsheet takes a text that begins so for a formula, and runs it (OWASP: CSV injection)."""


def write_text(
    data: pl.DataFrame | pa.Table | Iterable[pl.DataFrame | pa.Table],
    form: Format,
    stream: BinaryIO,
    *,
    raw: bool = False,
) -> int:
    """Write rows as text, UTF-8.

    In CSV the ids of a list stand with | between them; a | or backslash within an id has a backslash before.
    A text that a spreadsheet would take for a formula gets an apostrophe before it.

    Args:
        data: the rows; frames of them one after another, which only a table holds all at once.
        form: `csv` with a header, `jsonl` with an object a line, `table` for people.
        stream: where the bytes go.
        raw: leave formulas in CSV as they are.

    Returns:
        The number of rows.
    """
    rows = 0
    for place, frame in enumerate([to_frame(data)] if form == "table" else map(to_frame, _parts(data))):
        if form == "csv":
            shown = frame.select(_csv_column(frame, name) for name in frame.columns)
            (shown if raw else _without_formulas(shown)).write_csv(stream, include_header=not place)
        elif form == "jsonl":
            frame.write_ndjson(stream)
        else:
            stream.write(table_text(frame).encode())
        rows += frame.height
    stream.flush()
    return rows


def write_line(text: str) -> None:
    """Write one line of text."""
    standard_output().write(f"{text}\n".encode())
    standard_output().flush()


def write_json_lines(objects: Iterable[object]) -> None:
    """Write each object as a line of JSON, and let whoever waits for them have them."""
    stream = standard_output()
    for each in objects:
        stream.write(json.dumps(each, ensure_ascii=False).encode() + b"\n")
    stream.flush()


def table_text(frame: pl.DataFrame, rows: int = TABLE_ROWS) -> str:
    """Return the first rows as a table that fits the terminal, cut by display width.

    Args:
        frame: the rows.
        rows: how many to show at the most; what is left out is counted below.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table

    width = shutil.get_terminal_size((100, 24)).columns
    whole, frame = frame, _columns_that_fit(frame.head(rows), width)
    shown = [[_cell(value) for value in row] for row in frame.head(rows).iter_rows()]
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name, dtype, room in zip(frame.columns, frame.dtypes, _widths(frame, shown, width), strict=True):
        right = dtype.is_numeric()
        table.add_column(name, width=room, no_wrap=True, justify="right" if right else "left")
    for row in shown:
        table.add_row(*row)
    console = Console(width=width, color_system=None, highlight=False, markup=False, emoji=False)
    with console.capture() as capture:
        console.print(table)
    left_out = {"rows": whole.height - frame.height, "columns": whole.width - frame.width}
    more = " and ".join(f"{number:,} more {word}" for word, number in left_out.items() if number)
    lines = "".join(f"{line.rstrip()}\n" for line in capture.get().splitlines())
    return lines + (f"… and {more}\n" if more else "")


def fits(frame: pl.DataFrame, rows: int = TABLE_ROWS) -> bool:
    """Return whether the terminal is wide enough for a table of these rows, nothing cut."""
    from rich.cells import cell_len

    shown = frame.head(rows)
    wanted = [max(cell_len(_cell(value)) for value in [name, *shown[name]]) for name in shown.columns]
    return sum(wanted) + GAP * (len(wanted) - 1) <= shutil.get_terminal_size((100, 24)).columns


def _columns_that_fit(frame: pl.DataFrame, total: int) -> pl.DataFrame:
    """Return the first columns that the terminal has room for, each at its minimum width."""
    minimum = [
        max(len(_cell(value)) for value in [name, *frame[name]]) if dtype.is_numeric() else MINIMUM_TEXT_WIDTH
        for name, dtype in frame.schema.items()
    ]
    room, fit = total, 0
    while fit < frame.width and room >= minimum[fit]:
        room -= minimum[fit] + GAP
        fit += 1
    return frame[:, : max(fit, 1)]


def _widths(frame: pl.DataFrame, shown: list[list[str]], total: int) -> list[int]:
    """Share the width of the terminal out: numbers are never cut, the longest texts give way first."""
    from rich.cells import cell_len

    wanted = [max(cell_len(text) for text in column) for column in zip(frame.columns, *shown, strict=True)]
    fixed = [dtype.is_numeric() for dtype in frame.dtypes]
    room = total - GAP * (len(wanted) - 1) - sum(w for w, stays in zip(wanted, fixed, strict=True) if stays)
    texts = [w for w, stays in zip(wanted, fixed, strict=True) if not stays]
    cut = max(texts, default=0)
    while cut > MINIMUM_TEXT_WIDTH and sum(min(w, cut) for w in texts) > room:
        cut -= 1
    return [w if stays else min(w, cut) for w, stays in zip(wanted, fixed, strict=True)]


def to_frame(data: pl.DataFrame | pa.Table | Iterable[pl.DataFrame | pa.Table]) -> pl.DataFrame:
    """Return rows in any of their forms as one frame; ids as texts, in lists too."""
    import polars as pl

    parts = [part if isinstance(part, pl.DataFrame) else pl.DataFrame(part) for part in _parts(data)]
    frame = pl.concat(parts).cast({pl.Enum: pl.String})
    return frame.with_columns(pl.col(pl.List(pl.Categorical)).cast(pl.List(pl.String)))


def _parts(
    data: pl.DataFrame | pa.Table | Iterable[pl.DataFrame | pa.Table],
) -> Iterable[pl.DataFrame | pa.Table]:
    import polars as pl
    import pyarrow as pa

    return [data] if isinstance(data, pl.DataFrame | pa.Table) else data


def _without_formulas(frame: pl.DataFrame) -> pl.DataFrame:
    """Put an apostrophe before texts that a spreadsheet would run."""
    import polars as pl

    texts = pl.col(pl.String)
    return frame.with_columns(texts.str.replace(f"^({FORMULA_STARTS})", "'$1"))


def _csv_column(frame: pl.DataFrame, name: str) -> pl.Expr:
    """Return a column as CSV can hold it: ids of a list with | between them, numbers as a JSON array."""
    import polars as pl

    dtype = frame.schema[name]
    if not dtype.is_nested():
        return pl.col(name)
    if dtype == pl.List(pl.String):
        escaped = pl.element().str.replace_all(r"([\\|])", r"\${1}")
        return pl.col(name).list.eval(escaped).list.join("|")
    as_object = pl.struct(name).struct.json_encode()
    return as_object.str.strip_prefix(f"{{{json.dumps(name)}:").str.strip_suffix("}").alias(name)


def _cell(value: object) -> str:
    """Return a value as people read it: four significant digits, lists joined, no control characters."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
    if isinstance(value, list):
        return printable(", ".join(_cell(each) for each in value[:6]) + (", …" if len(value) > 6 else ""))
    return printable(str(value))
