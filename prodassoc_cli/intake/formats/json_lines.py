"""JSON lines (one object per line) → raw tables."""

from __future__ import annotations

import json
from collections.abc import Iterator

import polars as pl

from prodassoc_cli.errors import BadData
from prodassoc_cli.intake.columns.schema import ROW, Say
from prodassoc_cli.intake.formats.nested import flattened
from prodassoc_cli.intake.formats.raw_table import RawTable, make_rejects
from prodassoc_cli.intake.formats.reader import Format, ReadOptions, TableHead, WholeTable
from prodassoc_cli.intake.formats.sources import Source, text_start
from prodassoc_cli.intake.formats.text.delimited import read_lines
from prodassoc_cli.intake.formats.text.dialect import Dialect, Way


def _recognises(_: Source, head: bytes) -> bool:
    start = text_start(head)
    return start.startswith(b"{") and b'"' in start[:200]


def _look(source: Source, head: bytes, whole: bool, options: ReadOptions, say: Say) -> TableHead:
    table = read_json_lines(source, say)
    return TableHead(source, WholeTable(table), table.frame)


def read_json_lines(source: Source, say: Say) -> RawTable:
    """Read one JSON object per line; every value becomes the text it was, lists stay JSON.

    Raises:
        BadData: most lines are no JSON objects.
    """
    lines = read_lines(source, Dialect("utf-8", Way(), []), say=say)
    full = lines.frame.filter(pl.col("line").str.strip_chars() != "").with_row_index(ROW + "n", offset=1)
    full = full.select(pl.col(ROW + "n").cast(pl.Int64).alias(ROW), "line")
    keys: dict[str, None] = {}
    broken: list[tuple[int, str, str]] = []
    # The keys of every line are needed, and polars stops at the first broken line without naming it.
    for number, line in _objects(full):
        if line is None:
            broken.append((number, "broken_row", full["line"][number - 1]))
        else:
            keys.update(dict.fromkeys(line))
    if len(broken) * 2 > full.height or not keys:
        raise BadData(f"{source.name}: most lines are no JSON objects", "give one JSON object per line")
    if broken:
        full = full.filter(~pl.col(ROW).is_in([number for number, _, _ in broken]))
    text = "\n".join(full["line"].to_list()).encode()
    try:
        frame = pl.read_ndjson(text, schema=dict.fromkeys(keys, pl.String))
    except pl.exceptions.PolarsError as problem:
        reason = str(problem).splitlines()[0][:100]
        raise BadData(
            f"{source.name} cannot be read as JSON: {reason}", "give one JSON object per line"
        ) from problem
    rejects = pl.concat([lines.rejects, make_rejects(source, broken)])
    return RawTable(
        source.name, flattened(frame, json=True).with_columns(full[ROW]), rejects, encoding="utf-8"
    )


def _objects(lines: pl.DataFrame) -> Iterator[tuple[int, list[str] | None]]:
    """Yield the number and keys of each line; None where it is no JSON object."""
    for number, line in lines.select(ROW, "line").iter_rows():
        try:
            value = json.loads(line, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            value = None
        yield number, list(value) if isinstance(value, dict) else None


def _no_constant(name: str) -> None:
    """Refuse NaN and Infinity, which Python reads and JSON (RFC 8259) does not know."""
    raise ValueError(name)


JSON_LINES = Format("JSON lines", _recognises, _look)
